import type { Answer } from './gateway.ts'

/** Longer than the second that a `Retry-After: 1` asks for, and than a level of overload takes to end. */
const PAUSE_MS = 1_100

/** What `patiently` takes for "turned away". */
export const TURNED_AWAY = Symbol('turned away')

/** Whether a gateway has said that it has too much to do: that answer is no failure, and no success. */
export function isTurnedAway({ status, headers }: Pick<Answer, 'status' | 'headers'>): boolean {
  return status === 503 && headers['retry-after'] !== undefined
}

/**
 * Does as a client should: what an overloaded gateway has turned away is tried again after a pause, until it
 * is taken. Fails after `limitMs`: a gateway that never calms down is broken.
 */
export async function patiently<T>(
  what: string,
  attempt: () => Promise<T | typeof TURNED_AWAY>,
  limitMs = 90_000,
): Promise<T> {
  const endsAtMs = performance.now() + limitMs
  for (;;) {
    const taken = await attempt()
    if (taken !== TURNED_AWAY) return taken
    if (performance.now() > endsAtMs) throw new Error(`turned away for ${limitMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}
