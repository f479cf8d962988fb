import { monotonicMs } from '../clock.ts'
import type { Exchange, ExchangeEnd } from '../exchange/exchange.ts'
import type { Headers } from '../exchange/headers.ts'
import type { RequestTrace } from '../observe/tracing/request-trace.ts'
import type { Span } from '../observe/tracing/span.ts'
import type { Tracer } from '../observe/tracing/tracer.ts'

/**
 * Begins the trace of an exchange, before a filter has touched the request. One that is not sampled costs an
 * id and an object. The names of attributes are those of OpenTelemetry's conventions for HTTP; no query is
 * among them: queries carry secrets.
 */
export function traceExchange(tracer: Tracer, exchange: Exchange): void {
  const { request } = exchange
  const trace = tracer.begin(request.headers, exchange.server, exchange.startedAtMs)
  exchange.trace = trace
  if (!trace.isContinued) dropCompanion(request.headers, tracer.propagation.companion)
  const span = trace.server
  if (span === null) return
  span.set('http.request.method', request.method)
  span.set('url.scheme', request.scheme)
  span.set('url.path', request.path)
  span.set('server.address', request.host)
  span.set('network.protocol.version', request.httpVersion)
  exchange.onDone((end) => finish(trace, span, exchange, end))
}

/** Nearly no request has it: a search in the lines costs less than a list of the fields. */
function dropCompanion(headers: Headers, companion: string | null): void {
  if (companion === null) return
  const { lines } = headers
  if (lines === null || lines.toLowerCase().includes(companion)) headers.remove(companion)
}

function finish(trace: RequestTrace, span: Span, exchange: Exchange, end: ExchangeEnd): void {
  const { request, pipeline } = exchange
  // Only now: the IP address may be that which a trusted proxy names.
  span.set('client.address', request.remoteAddress)
  span.set('http.response.status_code', end.status)
  span.set('http.response.body.size', end.sentBytes)
  span.set('penstock.request_id', exchange.id)
  if (pipeline !== '') span.set('penstock.pipeline', pipeline)
  if (!end.isComplete) span.error = 'the answer broke off'
  else if (end.status >= 500) span.error = ''
  trace.tracer.finish(trace, monotonicMs())
}
