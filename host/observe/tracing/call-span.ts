import { monotonicMs } from '../../clock.ts'
import type { CallTrace } from './call-trace.ts'
import { CLIENT, type Span } from './span.ts'

/**
 * Begins the span of a call that a filter or its plugin makes by itself, within that of its step; null when the
 * request is not sampled.
 */
export function traceOutbound({ trace, step }: CallTrace, method: string, url: URL): Span | null {
  const parent = step ?? trace.server
  if (parent === null) return null
  const span = parent.child(CLIENT, url.host, monotonicMs())
  span.set('http.request.method', method)
  // Without the query, which carries secrets.
  span.set('url.full', `${url.origin}${url.pathname}`)
  return span
}

/** The head of the answer is here. */
export function endCall(span: Span, status: number): void {
  span.set('http.response.status_code', status)
  if (status >= 400) span.error = ''
  span.end(monotonicMs())
}

/** There is none. */
export function failCall(span: Span, reason: string): void {
  span.error = reason
  span.end(monotonicMs())
}
