import { isJsonObject, type JsonObject, type JsonValue } from '../config/json.ts'
import { GatewayError, reasonOf } from '../errors.ts'
import { Body } from '../exchange/body.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { HOST_OWNED_HEADERS, isFieldValue, isToken } from '../exchange/field-rules.ts'
import { Headers } from '../exchange/headers.ts'
import { encodePath, type Request } from '../exchange/request.ts'
import { Response } from '../exchange/response.ts'
import { canonicalName } from '../template/message-view.ts'
import { replaceResponse } from './replace-message.ts'

/** Bytes of a body that go to the remote service. */
export const MAX_REMOTE_BODY_BYTES = 64 * 1024
/** Bytes of the remote service's answer. */
export const MAX_REMOTE_REPLY_BYTES = 3 * MAX_REMOTE_BODY_BYTES

/** Both messages as Easegress writes them: lists of values, bodies in base64. */
export async function describeMessages(scope: MessageScope): Promise<JsonValue> {
  const { request } = scope
  const requestBody = await request.body.collect(MAX_REMOTE_BODY_BYTES)
  const { response } = scope
  const responseBody = await response?.body.collect(MAX_REMOTE_BODY_BYTES)
  return {
    request: {
      realIP: request.remoteAddress,
      method: request.method,
      scheme: request.scheme,
      host: request.host,
      path: request.decodedPath,
      query: request.query,
      fragment: '',
      proto: `HTTP/${request.httpVersion === '2' ? '2.0' : request.httpVersion}`,
      header: headerMap(request.headers),
      body: requestBody.length === 0 ? null : requestBody.toString('base64'),
    },
    response: {
      statusCode: response?.status ?? 200,
      header: response === null ? {} : headerMap(response.headers),
      body:
        responseBody === undefined || responseBody.length === 0
          ? null
          : responseBody.toString('base64'),
    },
  }
}

function headerMap(headers: Headers): JsonObject {
  const map: Record<string, string[]> = {}
  for (let i = 0; i < headers.list.length; i += 2) {
    const name = canonicalName(headers.list[i] as string)
    if (HOST_OWNED_HEADERS.has(name.toLowerCase())) continue
    const values = map[name]
    if (values === undefined) map[name] = [headers.list[i + 1] as string]
    else values.push(headers.list[i + 1] as string)
  }
  return map
}

/** The answer of a service. Fails with REMOTE_REPLY. */
export function parseReply(bytes: Buffer): JsonObject {
  let data: unknown
  try {
    data = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw refusedReply(reasonOf(error))
  }
  if (!isJsonObject(data)) throw refusedReply('no object')
  return data
}

/**
 * Checks everything before it changes anything: a reply applies whole or not at all. Fails with REMOTE_REPLY.
 * `isFinal` says that the response of the reply is meant even when it looks untouched.
 */
export function applyReply(scope: MessageScope, reply: JsonObject, isFinal: boolean): void {
  const changed = reply['request']
  const request = isJsonObject(changed) ? readRequest(changed, scope.request) : null
  const answered = reply['response']
  const response = isJsonObject(answered) ? readResponse(answered) : null
  request?.()
  if (response === null) return
  const former = scope.response
  // The service gives back what it got: without a response yet, that is an empty one.
  const isUntouched =
    response.status === 200 && response.headers.size === 0 && response.body.isEmpty
  if (former === null && isUntouched && !isFinal) return
  replaceResponse(scope, response)
}

function readRequest(data: JsonObject, request: Request): () => void {
  const method = data['method']
  const path = data['path']
  const query = data['query']
  if (typeof method !== 'string' || !isToken(method)) throw refusedReply('a method that is none')
  if (typeof path !== 'string' || !path.startsWith('/')) throw refusedReply('a path that is none')
  const headers = readHeaders(data['header'])
  const body = readBody(data['body'])
  return () => {
    request.method = method
    if (path !== request.decodedPath) request.path = encodePath(path)
    if (typeof query === 'string') request.query = query.replace(/[^!-~]|#/g, encodeURIComponent)
    request.headers = headers
    request.body = body
  }
}

function readResponse(data: JsonObject): Response {
  const status = Number(data['statusCode'])
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw refusedReply(`the status code ${data['statusCode']}`)
  }
  return new Response(status, readHeaders(data['header']), readBody(data['body']))
}

function readHeaders(data: JsonValue | undefined): Headers {
  const headers = Headers.own([])
  if (!isJsonObject(data)) return headers
  for (const [name, values] of Object.entries(data)) {
    if (HOST_OWNED_HEADERS.has(name.toLowerCase())) continue
    for (const value of Array.isArray(values) ? values : [values]) {
      if (!isToken(name) || typeof value !== 'string' || !isFieldValue(value)) {
        throw refusedReply(`the header ${name}, which cannot be sent`)
      }
      headers.add(name, value)
    }
  }
  return headers
}

function readBody(data: JsonValue | undefined): Body {
  if (data === undefined || data === null) return Body.none
  if (typeof data !== 'string') throw refusedReply('a body that is not base64 text')
  return Body.bytes(Buffer.from(data, 'base64'))
}

/** The service has answered something that cannot be used. */
export function refusedReply(reason: string): GatewayError<'REMOTE_REPLY'> {
  return new GatewayError('REMOTE_REPLY', { reason })
}
