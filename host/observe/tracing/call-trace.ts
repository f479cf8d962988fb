import type { TraceFields } from './propagation.ts'
import type { RequestTrace } from './request-trace.ts'
import type { Span } from './span.ts'

/** What a call that a filter or its plugin makes by itself has to know of the trace that its request belongs to. */
export interface CallTrace {
  readonly trace: RequestTrace
  /** The step in which the call is made; null when the request is not sampled. */
  readonly step: Span | null
  /** What goes along with the trace, as the request has it (`tracestate`); "" for nothing. */
  readonly companion: string
}

/** `headers` are those of the request for which the call is made. */
export function callTraceOf(
  trace: RequestTrace,
  step: Span | null,
  headers: Pick<TraceFields, 'getAll'>,
): CallTrace {
  const { companion } = trace.tracer.propagation
  return { trace, step, companion: companion === null ? '' : headers.getAll(companion).join(',') }
}

/**
 * The fields of a call (a flat list) with the trace in them; what they said about one before goes, as with a
 * client. `span` is that of the call, null when the request is not sampled.
 */
export function tracedFields(
  fields: readonly string[],
  { trace, companion }: CallTrace,
  span: Span | null,
): string[] {
  const { propagation } = trace.tracer
  const kept: string[] = []
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string
    if (propagation.isReplaced(name) || name.toLowerCase() === propagation.companion) continue
    kept.push(name, fields[i + 1] as string)
  }
  kept.push(propagation.field, trace.fieldFor(span))
  if (propagation.companion !== null && companion !== '') {
    kept.push(propagation.companion, companion)
  }
  return kept
}
