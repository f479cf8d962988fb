import { Body } from '../exchange/body.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { type Headers, HOST_OWNED_HEADERS, isFieldValue, isToken } from '../exchange/headers.ts'
import { Response } from '../exchange/response.ts'
import { isHost, isPath, isQuery } from './abi/penstock-v1-calls.ts'
import { Change, type ChangeLog } from './change-log.ts'

/**
 * Checks a guest's changes and applies them, all or none. Returns the reason when one of them may not be
 * sent; then nothing was changed. The guest's thread has checked the same already and told the guest; it
 * is checked here because this side answers for what goes on the wire.
 */
export function applyChanges(
  scope: MessageScope,
  log: ChangeLog,
  putContext: (key: string, value: Uint8Array) => void,
): string | null {
  for (let i = 0; i < log.size; i++) {
    const refused = check(
      scope,
      log.kinds[i] as number,
      log.names[i] as string,
      log.values[i] as string | Uint8Array,
      log,
    )
    if (refused !== null) return refused
  }
  for (let i = 0; i < log.size; i++) {
    apply(
      scope,
      log.kinds[i] as number,
      log.names[i] as string,
      log.values[i] as string | Uint8Array,
      putContext,
    )
  }
  return null
}

function check(
  scope: MessageScope,
  kind: number,
  name: string,
  value: string | Uint8Array,
  log: ChangeLog,
): string | null {
  switch (kind) {
    case Change.requestHeaderSet:
    case Change.requestHeaderAdd:
      return checkHeader(name, value)
    case Change.responseHeaderSet:
    case Change.responseHeaderAdd:
      return hasResponse(scope, log) ? checkHeader(name, value) : NO_RESPONSE
    case Change.requestHeaderRemove:
      return checkHeader(name, '')
    case Change.responseHeaderRemove:
      return hasResponse(scope, log) ? checkHeader(name, '') : NO_RESPONSE
    case Change.method:
      return typeof value === 'string' && isToken(value) ? null : 'the method is not a token'
    case Change.path:
      return typeof value === 'string' && isPath(value) ? null : 'the path is not valid'
    case Change.query:
      return typeof value === 'string' && isQuery(value) ? null : 'the query is not valid'
    case Change.host:
      return typeof value === 'string' && isHost(value) ? null : 'the host is not valid'
    case Change.status:
    case Change.reply: {
      const status = Number(name)
      if (!(status >= 200 && status <= 599)) return 'the status is not between 200 and 599'
      return kind === Change.reply || hasResponse(scope, log) ? null : NO_RESPONSE
    }
    case Change.responseBody:
      return hasResponse(scope, log) ? null : NO_RESPONSE
    case Change.requestBody:
    case Change.contextPut:
    case Change.response:
      return null
    case Change.tag:
      return typeof value === 'string' ? 'a tag is not bytes' : null
    default:
      return `change ${kind} is unknown`
  }
}

const NO_RESPONSE = 'there is no response to change'

function hasResponse(scope: MessageScope, log: ChangeLog): boolean {
  return (
    scope.response !== null ||
    log.kinds.includes(Change.reply) ||
    log.kinds.includes(Change.response)
  )
}

function checkHeader(name: string, value: string | Uint8Array): string | null {
  if (!isToken(name)) return 'a header name is not a token'
  if (HOST_OWNED_HEADERS.has(name.toLowerCase())) return `the header ${name} belongs to the host`
  return typeof value === 'string' && isFieldValue(value)
    ? null
    : `the value of ${name} is not valid`
}

function apply(
  scope: MessageScope,
  kind: number,
  name: string,
  value: string | Uint8Array,
  putContext: (key: string, value: Uint8Array) => void,
): void {
  const { request } = scope
  switch (kind) {
    case Change.requestHeaderSet:
      request.headers.set(name, value as string)
      return
    case Change.requestHeaderAdd:
      request.headers.add(name, value as string)
      return
    case Change.requestHeaderRemove:
      request.headers.remove(name)
      return
    case Change.responseHeaderSet:
      responseHeaders(scope).set(name, value as string)
      return
    case Change.responseHeaderAdd:
      responseHeaders(scope).add(name, value as string)
      return
    case Change.responseHeaderRemove:
      responseHeaders(scope).remove(name)
      return
    case Change.method:
      request.method = value as string
      return
    case Change.path:
      request.path = value as string
      return
    case Change.query:
      request.query = value as string
      return
    case Change.host:
      request.host = value as string
      return
    case Change.tag:
      scope.exchange.tag(Buffer.from(value as Uint8Array).toString('utf8'))
      return
    case Change.response:
      scope.response ??= new Response(200)
      return
    case Change.status:
      if (scope.response !== null) scope.response.status = Number(name)
      return
    case Change.reply:
      scope.response = new Response(Number(name), undefined, bodyOf(value))
      return
    case Change.requestBody:
      request.body.cancel(new Error('a filter replaced the body'))
      request.body = bodyOf(value)
      return
    case Change.responseBody:
      if (scope.response !== null) {
        scope.response.body.cancel(new Error('a filter replaced the body'))
        scope.response.body = bodyOf(value)
      }
      return
    case Change.contextPut:
      putContext(name, value as Uint8Array)
      return
  }
}

function responseHeaders(scope: MessageScope): Headers {
  // `check` has seen that there is a response, or that a reply earlier in the log makes one.
  return (scope.response as Response).headers
}

function bodyOf(value: string | Uint8Array): Body {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value
  return Body.bytes(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
}
