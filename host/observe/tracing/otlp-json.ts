import { VERSION } from '../../version.ts'
import type { TraceResource } from './resource.ts'
import type { Span } from './span.ts'

/** STATUS_CODE_ERROR. */
const ERROR = 2
/** The trace is sampled (W3C Trace Context, section 3.2.2.5.1). */
const SAMPLED = 1

/**
 * Spans as the body of an OTLP/HTTP request in JSON (OpenTelemetry protocol 1.x: ids in hex, 64-bit numbers
 * as text).
 */
export function encodeOtlp(spans: readonly Span[], resource: TraceResource): string {
  const attributes = { 'service.name': resource.serviceName, ...resource.attributes }
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: Object.entries(attributes).map((one) => attribute(...one)) },
        scopeSpans: [{ scope: { name: 'penstock', version: VERSION }, spans: spans.map(spanOf) }],
      },
    ],
  })
}

function spanOf(span: Span): unknown {
  const { trace, attributes } = span
  const listed: unknown[] = []
  for (let i = 0; i < attributes.length; i += 2) {
    listed.push(attribute(String(attributes[i]), attributes[i + 1] ?? ''))
  }
  return {
    traceId: trace.id,
    spanId: span.id,
    ...(span.parentId === '' ? {} : { parentSpanId: span.parentId }),
    flags: SAMPLED,
    name: span.name,
    kind: span.kind,
    startTimeUnixNano: nanoseconds(trace.epochMs + span.startedAtMs),
    endTimeUnixNano: nanoseconds(trace.epochMs + span.endedAtMs),
    attributes: listed,
    ...(span.droppedAttributes === 0 ? {} : { droppedAttributesCount: span.droppedAttributes }),
    status: span.error === null ? {} : { code: ERROR, message: span.error },
  }
}

function attribute(key: string, value: string | number): unknown {
  if (typeof value === 'string') return { key, value: { stringValue: value } }
  return {
    key,
    value: Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value },
  }
}

/** A number holds microseconds since 1970 exactly, and nanoseconds not. */
function nanoseconds(ms: number): string {
  return `${Math.round(ms * 1_000)}000`
}
