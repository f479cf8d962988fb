/** What the calls of the recent past came to. `total` counts all of them, `failures` and `slow` may overlap. */
export interface SlidingWindow {
  readonly total: number
  readonly failures: number
  readonly slow: number
  /** Forgets what is too old at `nowMs` (monotonic). A window of calls forgets nothing by time. */
  advance(nowMs: number): void
  /** Adds one call that ended at `nowMs`. */
  add(isFailure: boolean, isSlow: boolean, nowMs: number): void
}

const FAILED = 1
const SLOW = 2

/**
 * The last `size` calls, whenever they were. One byte a call; adding costs the same at any size.
 *
 *     outcomes  [ 0 │ 1 │ 0 │ 3 │ … ]     bit 0: failed, bit 1: slow
 *                     ▲ next: the oldest call, overwritten by the newest
 */
export class CountWindow implements SlidingWindow {
  total = 0
  failures = 0
  slow = 0
  readonly #outcomes: Uint8Array
  #next = 0

  constructor(size: number) {
    this.#outcomes = new Uint8Array(size)
  }

  advance(_nowMs: number): void {
    // Calls leave when newer ones push them out.
  }

  add(isFailure: boolean, isSlow: boolean, _nowMs: number): void {
    const outcomes = this.#outcomes
    const at = this.#next
    if (this.total === outcomes.length) {
      const oldest = outcomes[at] as number
      if ((oldest & FAILED) !== 0) this.failures -= 1
      if ((oldest & SLOW) !== 0) this.slow -= 1
    } else this.total += 1
    outcomes[at] = (isFailure ? FAILED : 0) | (isSlow ? SLOW : 0)
    if (isFailure) this.failures += 1
    if (isSlow) this.slow += 1
    this.#next = at + 1 === outcomes.length ? 0 : at + 1
  }
}

/** Width of one bucket of a window of time, as Easegress has it. */
export const BUCKET_MS = 1_000

/**
 * The calls of the last `seconds` seconds, in buckets of one second: a call is forgotten between
 * `seconds - 1` and `seconds` after it ended. Memory does not grow with the number of calls.
 *
 *     buckets  │ s-2 │ s-1 │  s  │          each: total, failures, slow
 *                ▲ emptied when second s+1 begins
 */
export class TimeWindow implements SlidingWindow {
  total = 0
  failures = 0
  slow = 0
  readonly #size: number
  readonly #totals: Uint32Array
  readonly #failures: Uint32Array
  readonly #slow: Uint32Array
  /** The second that calls are counted in now; -1 before the first. */
  #second = -1

  constructor(seconds: number) {
    this.#size = seconds
    this.#totals = new Uint32Array(seconds)
    this.#failures = new Uint32Array(seconds)
    this.#slow = new Uint32Array(seconds)
  }

  advance(nowMs: number): void {
    const second = Math.floor(nowMs / BUCKET_MS)
    if (this.#second < 0) this.#second = second
    // After a long pause every bucket is emptied once, not once a second that passed.
    let empty = Math.min(second - this.#second, this.#size)
    for (; empty > 0; empty--) this.#clear((second - empty + 1) % this.#size)
    if (second > this.#second) this.#second = second
  }

  add(isFailure: boolean, isSlow: boolean, nowMs: number): void {
    this.advance(nowMs)
    const at = this.#second % this.#size
    this.#totals[at] = (this.#totals[at] as number) + 1
    this.total += 1
    if (isFailure) {
      this.#failures[at] = (this.#failures[at] as number) + 1
      this.failures += 1
    }
    if (isSlow) {
      this.#slow[at] = (this.#slow[at] as number) + 1
      this.slow += 1
    }
  }

  #clear(at: number): void {
    this.total -= this.#totals[at] as number
    this.failures -= this.#failures[at] as number
    this.slow -= this.#slow[at] as number
    this.#totals[at] = 0
    this.#failures[at] = 0
    this.#slow[at] = 0
  }
}
