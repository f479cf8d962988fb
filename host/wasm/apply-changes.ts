import { Body } from '../exchange/body.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import {
  type FieldName,
  fieldName,
  type Headers,
  HOST_OWNED_HEADERS,
  isFieldValue,
  isToken,
} from '../exchange/headers.ts'
import { Response } from '../exchange/response.ts'
import { isHost, isPath, isQuery } from './abi/penstock-v1-calls.ts'
import { Change, type ChangeLog } from './change-log.ts'
import { ALL_RIGHTS, allowsHeader, type Grant, LOCAL_GRANT, Right } from './grant/grant.ts'

/**
 * Checks a guest's changes and applies them, all or none. Returns the reason when one of them may not be
 * sent; then nothing was changed. A guest's thread has checked the same already and told the guest; it
 * is checked here because this side answers for what goes on the wire, unless this side was that thread.
 * `record` gets what the guest has counted.
 */
export function applyChanges(
  scope: MessageScope,
  log: ChangeLog,
  putContext: (key: string, value: Uint8Array) => void,
  grant: Grant = LOCAL_GRANT,
  record: (key: string, value: string) => void = NO_METRICS,
): string | null {
  for (let i = 0; i < log.size && !log.isChecked; i++) {
    const refused = check(
      scope,
      log.kinds[i] as number,
      log.names[i] as string,
      log.values[i] as string | Uint8Array,
      log,
      grant,
    )
    if (refused !== null) return refused
  }
  for (let i = 0; i < log.size; i++) {
    if (log.kinds[i] === Change.metric) {
      record(log.names[i] as string, String(log.values[i]))
      continue
    }
    apply(
      scope,
      log.kinds[i] as number,
      log.names[i] as string,
      log.values[i] as string | Uint8Array,
      putContext,
    )
  }
  const { requestFields, responseFields } = log
  if (requestFields !== null) scope.request.headers = requestFields
  if (responseFields !== null) (scope.response as Response).headers = responseFields
  return null
}

function check(
  scope: MessageScope,
  kind: number,
  name: string,
  value: string | Uint8Array,
  log: ChangeLog,
  grant: Grant,
): string | null {
  const needed = grant.rights === ALL_RIGHTS ? 0 : (RIGHTS[kind] ?? 0)
  if ((grant.rights & needed) !== needed) return 'the grant of the filter has no such change'
  switch (kind) {
    case Change.requestHeaderSet:
    case Change.requestHeaderAdd:
      return checkHeader(name, value, grant)
    case Change.responseHeaderSet:
    case Change.responseHeaderAdd:
      return hasResponse(scope, log) ? checkHeader(name, value, grant) : NO_RESPONSE
    case Change.requestHeaderRemove:
      return checkHeader(name, '', grant)
    case Change.responseHeaderRemove:
      return hasResponse(scope, log) ? checkHeader(name, '', grant) : NO_RESPONSE
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
    case Change.metric:
      return null
    case Change.tag:
      return typeof value === 'string' ? 'a tag is not bytes' : null
    default:
      return `change ${kind} is unknown`
  }
}

const NO_RESPONSE = 'there is no response to change'

const NO_METRICS = (): void => undefined

/** What each change needs; headers are looked at by name. */
const RIGHTS: Readonly<Record<number, number>> = {
  [Change.method]: Right.target,
  [Change.path]: Right.target,
  [Change.query]: Right.target,
  [Change.host]: Right.target,
  [Change.status]: Right.reply,
  [Change.reply]: Right.reply,
  [Change.response]: Right.reply,
  [Change.requestBody]: Right.bodyWrite,
  [Change.responseBody]: Right.bodyWrite,
  [Change.metric]: Right.metrics,
}

function hasResponse(scope: MessageScope, log: ChangeLog): boolean {
  return (
    scope.response !== null ||
    log.kinds.includes(Change.reply) ||
    log.kinds.includes(Change.response)
  )
}

function checkHeader(name: string, value: string | Uint8Array, grant: Grant): string | null {
  const field = fieldName(name)
  if (field === null) return 'a header name is not a token'
  if (HOST_OWNED_HEADERS.has(field.lower)) return `the header ${name} belongs to the host`
  if (!allowsHeader(grant.write, field.lower)) return `the header ${name} is not granted`
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
      request.headers.setField(checkedName(name), value as string)
      return
    case Change.requestHeaderAdd:
      request.headers.addField(checkedName(name), value as string)
      return
    case Change.requestHeaderRemove:
      request.headers.remove(name)
      return
    case Change.responseHeaderSet:
      responseHeaders(scope).setField(checkedName(name), value as string)
      return
    case Change.responseHeaderAdd:
      responseHeaders(scope).addField(checkedName(name), value as string)
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

function checkedName(name: string): FieldName {
  // `check` has seen that it is a token.
  return fieldName(name) as FieldName
}

function responseHeaders(scope: MessageScope): Headers {
  // `check` has seen that there is a response, or that a reply earlier in the log makes one.
  return (scope.response as Response).headers
}

function bodyOf(value: string | Uint8Array): Body {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value
  return Body.bytes(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
}
