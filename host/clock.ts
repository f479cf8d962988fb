// Not the global of the same name: that one is looked up each time.
import { performance } from 'node:perf_hooks'

/** Time as everything that decides by time sees it; tests hand in their own. */
export interface Clock {
  /** Milliseconds on a clock that never jumps; its zero means nothing. */
  monotonicMs(): number
  /** Milliseconds since 1970. */
  wallMs(): number
}

/** Looks at both clocks this often: one of them is not interrupted between the two. */
const OFFSET_TRIES = 16

/**
 * `performance.now()` counts from the start of its thread. Adding the distance to the system's monotonic
 * clock makes times of different threads of one process comparable. The clocks are read one after the other;
 * a thread that has to wait in between would be ahead of the others by that, so the shortest distance counts.
 */
const offsetMs = ((): number => {
  let shortest = Number.POSITIVE_INFINITY
  let offset = 0
  for (let i = 0; i < OFFSET_TRIES; i++) {
    const before = performance.now()
    const [seconds, nanoseconds] = process.hrtime()
    const after = performance.now()
    if (after - before >= shortest) continue
    shortest = after - before
    offset = seconds * 1_000 + nanoseconds / 1e6 - (before + after) / 2
  }
  return offset
})()

/** Milliseconds on the system's monotonic clock: the same scale in every thread of the process. */
export function monotonicMs(): number {
  return performance.now() + offsetMs
}

export const systemClock: Clock = { monotonicMs, wallMs: () => Date.now() }
