import { monotonicMs } from '../clock.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { ForwardedFields } from '../http/forward.ts'
import type { RequestTrace } from '../observe/tracing/request-trace.ts'
import { CLIENT, type Span } from '../observe/tracing/span.ts'
import type { Endpoint } from './endpoint.ts'

/** Begins the span of one attempt, until the head of its answer is here; null when the request is not sampled. */
export function traceCall(scope: MessageScope, endpoint: Endpoint, name: string): Span | null {
  const { exchange, request } = scope
  const parent = scope.span ?? exchange.trace?.server ?? null
  if (parent === null) return null
  const span = parent.child(CLIENT, name, monotonicMs())
  span.set('http.request.method', request.method)
  // Without the query, which carries secrets.
  span.set('url.full', `${endpoint.origin}${endpoint.basePath}${request.path}`)
  return span
}

/** `fields` with the trace in them; what the client said about it goes. */
export function withTrace(
  fields: ForwardedFields | string[],
  trace: RequestTrace,
  span: Span | null,
): ForwardedFields | string[] {
  const { propagation } = trace.tracer
  const value = trace.fieldFor(span)
  if (fields instanceof ForwardedFields) {
    const kept = fields.read.replace(propagation.replaced, '')
    return new ForwardedFields(kept, `${fields.added}${propagation.field}: ${value}\r\n`)
  }
  const kept: string[] = []
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string
    if (!propagation.isReplaced(name)) kept.push(name, fields[i + 1] as string)
  }
  kept.push(propagation.field, value)
  return kept
}
