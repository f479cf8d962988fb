import { isZero, type Propagation, type TraceContext } from './propagation.ts'

/**
 * W3C Trace Context: `traceparent: 00-<trace>-<span>-<flags>`. `tracestate` goes on as it came.
 *
 * A version that is not known is read as far as version 00 goes (section 4.3); two fields are none.
 */
export const traceContext: Propagation = {
  field: 'traceparent',
  // Section 4.3: what belongs to a trace that is not valid must not go on.
  companion: 'tracestate',
  replaced: /^traceparent:[^\r\n]*\r\n/gim,
  isReplaced: (name) => name.length === 11 && name.toLowerCase() === 'traceparent',
  read: (fields) => {
    if (fields.lines !== null && !/^traceparent:/im.test(fields.lines)) return null
    const [value, another] = fields.getAll('traceparent')
    return value === undefined || another !== undefined ? null : parseTraceparent(value)
  },
  write: (traceId, spanId, isSampled) => `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`,
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/

/** Null when it is not valid. */
export function parseTraceparent(value: string): TraceContext | null {
  const match = TRACEPARENT.exec(value)
  if (match === null) return null
  const [, version = '', traceId = '', spanId = '', rest] = match
  if (version === 'ff' || (version === '00' && rest !== undefined)) return null
  return isZero(traceId) || isZero(spanId) ? null : { traceId, spanId }
}
