import { Body } from '../exchange/body.ts'
import type { Exchange, MessageScope } from '../exchange/exchange.ts'
import type { FieldName } from '../exchange/field-name.ts'
import { HOST_OWNED_HEADERS, isFieldValue, isToken } from '../exchange/field-rules.ts'
import type { Headers } from '../exchange/headers.ts'
import { Response } from '../exchange/response.ts'
import { isHost, isPath, isQuery } from './abi/penstock-v1-calls.ts'
import { Change, type ChangeLog, type ChangeValue } from './change-log.ts'
import { ALL_RIGHTS, allowsHeader, type Grant, LOCAL_GRANT, Right } from './grant/grant.ts'

/** Takes what is kept beside the messages. One for all calls: it is told the exchange. */
export interface ChangeSink {
  /** A value of the exchange. */
  putContext(exchange: Exchange, key: string, value: Uint8Array): void
  /** What the guest has counted. */
  record(key: string, value: string): void
}

const NO_SINK: ChangeSink = { putContext: () => undefined, record: () => undefined }

/**
 * Checks a guest's changes and applies them, all or none. Returns the reason when one of them may not be
 * sent; then nothing was changed. A guest's thread has checked the same already and told the guest; it
 * is checked here because this side answers for what goes on the wire, unless this side was that thread.
 */
export function applyChanges(
  scope: MessageScope,
  log: ChangeLog,
  sink: ChangeSink = NO_SINK,
  grant: Grant = LOCAL_GRANT,
): string | null {
  const refused = applyAll(scope, log, sink, grant)
  // Its owner uses it again, and should not keep what a request has brought until then.
  log.clear()
  return refused
}

function applyAll(
  scope: MessageScope,
  log: ChangeLog,
  sink: ChangeSink,
  grant: Grant,
): string | null {
  for (let i = 0; i < log.size && !log.isChecked; i++) {
    const refused = check(scope, log, i, grant)
    if (refused !== null) return refused
  }
  for (let i = 0; i < log.size; i++) {
    if (log.kindAt(i) === Change.metric) sink.record(log.nameAt(i), String(log.valueAt(i)))
    else apply(scope, log, i, sink)
  }
  return null
}

function check(scope: MessageScope, log: ChangeLog, index: number, grant: Grant): string | null {
  const kind = log.kindAt(index)
  const value = log.valueAt(index)
  const needed = grant.rights === ALL_RIGHTS ? 0 : (RIGHTS[kind] ?? 0)
  if ((grant.rights & needed) !== needed) return 'the grant of the filter has no such change'
  switch (kind) {
    case Change.requestHeaderSet:
    case Change.requestHeaderAdd:
      return checkHeader(log, index, value, grant)
    case Change.responseHeaderSet:
    case Change.responseHeaderAdd:
      return hasResponse(scope, log) ? checkHeader(log, index, value, grant) : NO_RESPONSE
    case Change.requestHeaderRemove:
      return checkHeader(log, index, '', grant)
    case Change.responseHeaderRemove:
      return hasResponse(scope, log) ? checkHeader(log, index, '', grant) : NO_RESPONSE
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
      const status = Number(log.nameAt(index))
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
  return scope.response !== null || log.find(Change.reply) >= 0 || log.find(Change.response) >= 0
}

function checkHeader(
  log: ChangeLog,
  index: number,
  value: ChangeValue,
  grant: Grant,
): string | null {
  const field = log.fieldAt(index)
  if (field === null) return 'a header name is not a token'
  const { name, lower, isApart } = field
  // What belongs to the host is a part of what stands apart: most names need no look.
  if (isApart && HOST_OWNED_HEADERS.has(lower)) return `the header ${name} belongs to the host`
  if (!allowsHeader(grant.write, lower)) return `the header ${name} is not granted`
  return typeof value === 'string' && isFieldValue(value)
    ? null
    : `the value of ${name} is not valid`
}

function apply(scope: MessageScope, log: ChangeLog, index: number, sink: ChangeSink): void {
  const { request } = scope
  const value = log.valueAt(index)
  switch (log.kindAt(index)) {
    case Change.requestHeaderSet:
      request.headers.setField(checkedName(log, index), value as string)
      return
    case Change.requestHeaderAdd:
      request.headers.addField(checkedName(log, index), value as string)
      return
    case Change.requestHeaderRemove:
      request.headers.remove(log.nameAt(index))
      return
    case Change.responseHeaderSet:
      responseHeaders(scope).setField(checkedName(log, index), value as string)
      return
    case Change.responseHeaderAdd:
      responseHeaders(scope).addField(checkedName(log, index), value as string)
      return
    case Change.responseHeaderRemove:
      responseHeaders(scope).remove(log.nameAt(index))
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
      if (scope.response !== null) scope.response.status = Number(log.nameAt(index))
      return
    case Change.reply:
      scope.response = new Response(Number(log.nameAt(index)), undefined, bodyOf(value))
      return
    case Change.requestBody:
      request.body.cancel('a filter replaced the body')
      request.body = bodyOf(value)
      return
    case Change.responseBody:
      if (scope.response !== null) {
        scope.response.body.cancel('a filter replaced the body')
        scope.response.body = bodyOf(value)
      }
      return
    case Change.contextPut:
      sink.putContext(scope.exchange, log.nameAt(index), value as Uint8Array)
      return
  }
}

function checkedName(log: ChangeLog, index: number): FieldName {
  // `check` has seen that it is a token.
  return log.fieldAt(index) as FieldName
}

function responseHeaders(scope: MessageScope): Headers {
  // `check` has seen that there is a response, or that a reply earlier in the log makes one.
  return (scope.response as Response).headers
}

function bodyOf(value: ChangeValue): Body {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value
  return Body.bytes(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
}
