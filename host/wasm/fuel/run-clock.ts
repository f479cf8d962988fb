import { monotonicMs } from '../../clock.ts'

/** One call in so many is timed; must be a power of two. */
export const TIMED_CALLS = 8

/** The first calls are all timed: code is cold, and what fuel takes then says nothing about later. */
export const COLD_CALLS = 64

/** What a timed call may change at most: one that the machine held up says little about the others. */
const MAX_FACTOR = 2

/** A longer estimate is held against the clock. */
const LONG_MS = 1

/**
 * How long the calls of one guest run in the event loop. Reading the clock twice costs as much as a third of a call
 * that does nothing; so, once the code is warm, one call in TIMED_CALLS is timed, and the others take what their fuel
 * says: fuel is about one for each instruction, and one for every 8 bytes that host calls move.
 *
 *     timed call ──time and fuel──▶ time of one fuel ──fuel of another call──▶ its time
 */
export class RunClock {
  readonly #now: () => number
  #calls = 0
  /** When the clock was last looked at. */
  #lookedAtMs = 0
  #isTimed = false
  /** 0 until a call was timed. */
  #msPerFuel = 0

  /** `now` in milliseconds. */
  constructor(now: () => number = monotonicMs) {
    this.#now = now
  }

  start(): void {
    this.#isTimed =
      this.#calls < COLD_CALLS || (this.#calls & (TIMED_CALLS - 1)) === 0 || this.#msPerFuel === 0
    this.#calls += 1
    if (this.#isTimed) this.#lookedAtMs = this.#now()
  }

  /** Milliseconds since `start`, of a call that has used so much fuel. */
  stop(fuel: number): number {
    const estimateMs = fuel * this.#msPerFuel
    if (!this.#isTimed && estimateMs < LONG_MS) return estimateMs
    const now = this.#now()
    const ms = now - this.#lookedAtMs
    this.#lookedAtMs = now
    // It began after the last look.
    if (!this.#isTimed) return Math.min(estimateMs, ms)
    const measured = fuel === 0 ? 0 : ms / fuel
    const known = this.#msPerFuel
    this.#msPerFuel = known === 0 ? measured : Math.min(measured, known * MAX_FACTOR)
    return ms
  }
}
