import type { MessageScope } from '../exchange/exchange.ts'
import type { Request } from '../exchange/request.ts'
import type { UpstreamRequest } from '../http/engine.ts'
import { forwardRequestFields } from '../http/forward.ts'
import type { Span } from '../observe/tracing/span.ts'
import type { Endpoint } from './endpoint.ts'
import { withTrace } from './trace-call.ts'

/** Bytes of a request body that are kept so that it can be sent more than once. */
export const KEPT_BODY_BYTES = 1024 * 1024

/** What `endpoint` is asked for the request of `scope`, within `span`, which is null outside of one. */
export function requestTo(
  endpoint: Endpoint,
  scope: MessageScope,
  span: Span | null,
): UpstreamRequest {
  const { request } = scope
  const { trace } = scope.exchange
  const fields = forwardRequestFields(request)
  return {
    method: request.method,
    target: endpoint.basePath === '' ? request.target : endpoint.basePath + request.target,
    host: endpoint.host ?? request.host,
    headers: trace === null ? fields : withTrace(fields, trace, span ?? scope.span),
    body: request.body,
  }
}

/**
 * Waits for the whole body when it is announced to be small enough to be kept; else it goes on as a stream
 * and can be sent only once. Fails as the body does.
 */
export function keepBody(request: Request): void | Promise<void> {
  const { body } = request
  if (body.isWhole || body.announcedLength < 0 || body.announcedLength > KEPT_BODY_BYTES) return
  const bytes = body.collect(KEPT_BODY_BYTES)
  return bytes instanceof Promise ? bytes.then(() => undefined) : undefined
}
