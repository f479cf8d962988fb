import { isZero, type Propagation, type TraceContext, type TraceFields } from './propagation.ts'

/**
 * B3, as Zipkin has it: read from `b3: <trace>-<span>[-<sampled>[-<parent>]]` or from the fields
 * `X-B3-TraceId` and `X-B3-SpanId`, written as `b3`.
 */
export const b3: Propagation = {
  field: 'b3',
  companion: null,
  replaced: /^(?:b3|x-b3-(?:traceid|spanid|parentspanid|sampled|flags)):[^\r\n]*\r\n/gim,
  isReplaced: (name) => B3_FIELD.test(name),
  read: (fields) => {
    if (fields.lines !== null && !/^(?:x-)?b3[-:]/im.test(fields.lines)) return null
    const single = fields.get('b3')
    return single === undefined ? readFields(fields) : parseB3(single)
  },
  write: (traceId, spanId, isSampled) => `${traceId}-${spanId}-${isSampled ? '1' : '0'}`,
}

const B3_FIELD = /^(?:b3|x-b3-(?:traceid|spanid|parentspanid|sampled|flags))$/i

/** Null when it is not valid, or only says whether to sample. */
export function parseB3(value: string): TraceContext | null {
  const [traceId = '', spanId = '', sampled, parent, rest] = value.split('-')
  if (rest !== undefined) return null
  if (sampled !== undefined && !/^[01d]$/.test(sampled)) return null
  if (parent !== undefined && !/^[0-9a-fA-F]{16}$/.test(parent)) return null
  return contextOf(traceId, spanId)
}

function readFields(fields: TraceFields): TraceContext | null {
  const traceId = fields.get('x-b3-traceid')
  const spanId = fields.get('x-b3-spanid')
  return traceId === undefined || spanId === undefined ? null : contextOf(traceId, spanId)
}

function contextOf(traceId: string, spanId: string): TraceContext | null {
  if (!/^(?:[0-9a-fA-F]{16}|[0-9a-fA-F]{32})$/.test(traceId)) return null
  if (!/^[0-9a-fA-F]{16}$/.test(spanId) || isZero(traceId) || isZero(spanId)) return null
  // Short ids are those of old systems; everybody else has 128 bits.
  return { traceId: traceId.toLowerCase().padStart(32, '0'), spanId: spanId.toLowerCase() }
}
