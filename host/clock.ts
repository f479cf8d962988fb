/** Time as everything that decides by time sees it; tests hand in their own. */
export interface Clock {
  /** Milliseconds on a clock that never jumps; its zero means nothing. */
  monotonicMs(): number
  /** Milliseconds since 1970. */
  wallMs(): number
}

/**
 * `performance.now()` counts from the start of its thread. Adding the distance to the system's monotonic
 * clock makes times of different threads of one process comparable.
 */
const offsetMs = ((): number => {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1_000 + nanoseconds / 1e6 - performance.now()
})()

/** Milliseconds on the system's monotonic clock: the same scale in every thread of the process. */
export function monotonicMs(): number {
  return performance.now() + offsetMs
}

export const systemClock: Clock = { monotonicMs, wallMs: () => Date.now() }
