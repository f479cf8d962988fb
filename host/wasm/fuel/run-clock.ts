import { monotonicMs } from '../../clock.ts'

/** One call in so many is timed; must be a power of two. */
export const TIMED_CALLS = 8

/** What a timed call may change at most: one that the machine held up says little about the others. */
const MAX_FACTOR = 2

/**
 * How long the calls of one guest run in the event loop. Reading the clock twice costs as much as a third of a call
 * that does nothing; so one call in TIMED_CALLS is timed, and the others take what their fuel says: fuel is about one
 * for each instruction, and one for every 8 bytes that host calls move.
 *
 *     timed call ──time and fuel──▶ time of one fuel ──fuel of another call──▶ its time
 */
export class RunClock {
  readonly #now: () => number
  #calls = 0
  #startedAtMs = 0
  #isTimed = false
  /** 0 until a call was timed. */
  #msPerFuel = 0

  /** `now` in milliseconds. */
  constructor(now: () => number = monotonicMs) {
    this.#now = now
  }

  start(): void {
    this.#isTimed = this.#msPerFuel === 0 || (this.#calls & (TIMED_CALLS - 1)) === 0
    this.#calls += 1
    if (this.#isTimed) this.#startedAtMs = this.#now()
  }

  /** Milliseconds since `start`, of a call that has used so much fuel. */
  stop(fuel: number): number {
    if (!this.#isTimed) return fuel * this.#msPerFuel
    const ms = this.#now() - this.#startedAtMs
    const known = this.#msPerFuel
    const measured = fuel === 0 ? 0 : ms / fuel
    this.#msPerFuel = known === 0 ? measured : Math.min(measured, known * MAX_FACTOR)
    return ms
  }
}
