/** Hex digits that are looked at: as many as a number holds exactly. */
const DIGITS = 13

/**
 * Is a trace one of the share `rate` (0 to 1) that is kept? Its id alone decides, so that every service with
 * the same rate keeps the same traces. What the client says about sampling is not asked: it could have every
 * request traced, or none. The digits are those that OpenTelemetry's TraceIdRatioBased looks at.
 */
export function isSampled(traceId: string, rate: number): boolean {
  if (rate >= 1) return true
  if (rate <= 0) return false
  return Number.parseInt(traceId.slice(16, 16 + DIGITS), 16) < rate * 16 ** DIGITS
}
