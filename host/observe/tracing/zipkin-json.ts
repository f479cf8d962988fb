import type { TraceResource } from './resource.ts'
import { CLIENT, SERVER, type Span } from './span.ts'

/** Spans as the body of a request to Zipkin's `/api/v2/spans`, in JSON. Tags are texts there. */
export function encodeZipkin(spans: readonly Span[], resource: TraceResource): string {
  return JSON.stringify(spans.map((span) => spanOf(span, resource)))
}

function spanOf(span: Span, resource: TraceResource): unknown {
  const { trace, attributes, startedAtMs, endedAtMs } = span
  const tags: Record<string, string> = { ...resource.attributes }
  for (let i = 0; i < attributes.length; i += 2) {
    tags[String(attributes[i])] = String(attributes[i + 1])
  }
  // Zipkin knows a failure by this tag, whatever it holds.
  if (span.error !== null) tags['error'] = span.error
  const kind = span.kind === SERVER ? 'SERVER' : span.kind === CLIENT ? 'CLIENT' : null
  return {
    traceId: trace.id,
    id: span.id,
    ...(span.parentId === '' ? {} : { parentId: span.parentId }),
    name: span.name,
    ...(kind === null ? {} : { kind }),
    timestamp: Math.round((trace.epochMs + startedAtMs) * 1_000),
    // 0 would say that it is not known.
    duration: Math.max(1, Math.round((endedAtMs - startedAtMs) * 1_000)),
    localEndpoint: { serviceName: resource.serviceName },
    tags,
  }
}
