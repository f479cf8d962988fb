import type { Exchange } from '../exchange/exchange.ts'
import type { Step } from './recording.ts'

/** A request with this header, whatever its value, is answered with `Server-Timing`; no filter sees it. */
export const TIMING_HEADER = 'x-penstock-timing'

/** Takes the header out of the request; true when it was there. */
export function takeTimingHeader({ request }: Exchange): boolean {
  if (!request.headers.has(TIMING_HEADER)) return false
  request.headers.remove(TIMING_HEADER)
  return true
}

/**
 * The value of `Server-Timing` (W3C Server Timing): one entry for each filter in the order of their first
 * call, both phases of a plugin together, in milliseconds. `desc` is the filter's kind.
 */
export function serverTiming(steps: readonly Step[]): string {
  const spent = new Map<string, { kind: string; ms: number }>()
  for (const { source, durationMs } of steps) {
    const entry = spent.get(source.label) ?? { kind: source.kind, ms: 0 }
    entry.ms += durationMs ?? 0
    spent.set(source.label, entry)
  }
  return [...spent]
    .map(
      ([label, { kind, ms }]) => `${tokenOf(label)};desc="${tokenOf(kind)}";dur=${ms.toFixed(3)}`,
    )
    .join(', ')
}

/** A metric's name is a token (RFC 9110, section 5.6.2). */
function tokenOf(text: string): string {
  return text.replace(/[^\w.!#$%&'*+^`|~-]/g, '-')
}
