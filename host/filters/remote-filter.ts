import { isJsonObject, type JsonObject, type JsonValue } from '../config/json.ts'
import { duration, z } from '../config/schema.ts'
import { GatewayError, reasonOf } from '../errors.ts'
import { Body } from '../exchange/body.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { fallbackResponse } from '../exchange/fallback-response.ts'
import { Headers, HOST_OWNED_HEADERS, isFieldValue, isToken } from '../exchange/headers.ts'
import type { Request } from '../exchange/request.ts'
import { Response } from '../exchange/response.ts'
import { canonicalName } from '../template/message-view.ts'
import type { FilterEnv } from './env.ts'
import { defineFilter, type Filter } from './filter.ts'
import { OutboundCall } from './outbound-call.ts'
import { replaceResponse } from './replace-message.ts'

/** Bytes of a body that go to the remote service. */
export const MAX_REMOTE_BODY_BYTES = 64 * 1024
/** Bytes of the remote service's answer. */
export const MAX_REMOTE_REPLY_BYTES = 3 * MAX_REMOTE_BODY_BYTES

const spec = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: 'must be a URL such as http://127.0.0.1:9096/filter' })
    .describe('Where the service is; it gets a POST with request and response as JSON.'),
  timeout: duration().prefault('0s').describe('Time for the answer; 0s waits for ever.'),
})

type Result = 'failed' | 'responseAlready' | undefined

/** Lets a service do what a filter does: it gets the request and says what it becomes. */
export const remoteFilter = defineFilter({
  kind: 'RemoteFilter',
  description:
    'Asks a service what becomes of the request and the response: it gets both as JSON and answers with both.',
  results: ['failed', 'responseAlready'],
  example: `name: remote
kind: RemoteFilter
url: http://127.0.0.1:9096/decide
timeout: 2s`,
  notes: [
    'The service cannot set headers that belong to the host, such as `Content-Length` and `Connection`.',
  ],
  spec,
  create: (checked, env) => new RemoteFilter(checked, env),
})

class RemoteFilter implements Filter<'failed' | 'responseAlready'> {
  readonly #call: OutboundCall
  readonly #timeoutMs: number
  readonly #name: string

  constructor(checked: z.output<typeof spec>, env: FilterEnv) {
    this.#call = new OutboundCall(checked.url, env)
    this.#timeoutMs = checked.timeout
    this.#name = env.filter
  }

  async handle(scope: MessageScope): Promise<Result> {
    const { exchange } = scope
    try {
      const body = Buffer.from(JSON.stringify(await describe(scope)), 'utf8')
      const answer = await this.#call.send(
        { method: 'POST', headers: ['Content-Type', 'application/json'], body },
        MAX_REMOTE_REPLY_BYTES,
        this.#timeoutMs,
        exchange,
      )
      if (answer.status < 200 || answer.status >= 300) throw refused(`status ${answer.status}`)
      const isFinal = answer.status === 205
      apply(scope, parse(answer.body), isFinal)
      return isFinal ? 'responseAlready' : undefined
    } catch (error) {
      exchange.tag(`${this.#name}: ${reasonOf(error)}`)
      replaceResponse(scope, fallbackResponse(exchange, 503))
      return 'failed'
    }
  }

  close(): void {
    this.#call.close()
  }
}

/** Both messages as Easegress writes them: lists of values, bodies in base64. */
async function describe(scope: MessageScope): Promise<JsonValue> {
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

function parse(bytes: Buffer): JsonObject {
  let data: unknown
  try {
    data = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw refused(reasonOf(error))
  }
  if (!isJsonObject(data)) throw refused('no object')
  return data
}

/** Checks everything before it changes anything: a reply applies whole or not at all. */
function apply(scope: MessageScope, reply: JsonObject, isFinal: boolean): void {
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
  if (typeof method !== 'string' || !isToken(method)) throw refused('a method that is none')
  if (typeof path !== 'string' || !path.startsWith('/')) throw refused('a path that is none')
  const headers = readHeaders(data['header'])
  const body = readBody(data['body'])
  return () => {
    request.method = method
    if (path !== request.decodedPath) request.path = encodeURI(path).replace(/[?#]/g, escapeSign)
    if (typeof query === 'string') request.query = query.replace(/[^!-~]|#/g, encodeURIComponent)
    request.headers = headers
    request.body = body
  }
}

function escapeSign(sign: string): string {
  return sign === '?' ? '%3F' : '%23'
}

function readResponse(data: JsonObject): Response {
  const status = Number(data['statusCode'])
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw refused(`the status code ${data['statusCode']}`)
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
        throw refused(`the header ${name}, which cannot be sent`)
      }
      headers.add(name, value)
    }
  }
  return headers
}

function readBody(data: JsonValue | undefined): Body {
  if (data === undefined || data === null) return Body.none
  if (typeof data !== 'string') throw refused('a body that is not base64 text')
  return Body.bytes(Buffer.from(data, 'base64'))
}

function refused(what: string): GatewayError {
  return new GatewayError('REMOTE_REPLY', { reason: what })
}
