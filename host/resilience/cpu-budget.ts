import type { Clock } from '../clock.ts'

/**
 * How much running time one filter may use in a second. What is unused is kept for one second, so that a
 * burst may use two seconds' worth at once; a call that runs long leaves a debt, which is waited for.
 *
 *     left ──time used──▶ 0 or less ──▶ refused ──time passes──▶ more than 0 ──▶ open
 *
 * The clock is looked at when nothing is left: while a filter uses less than its share, counting is one
 * subtraction a call.
 */
export class CpuBudget {
  readonly #clock: Clock
  #perSecondMs: number
  #leftMs: number
  #filledAtMs: number

  /** `perSecondMs`: milliseconds of running time in each second. */
  constructor(clock: Clock, perSecondMs: number) {
    this.#clock = clock
    this.#perSecondMs = perSecondMs
    this.#leftMs = perSecondMs
    this.#filledAtMs = clock.monotonicMs()
  }

  /** What a later generation of the same filter may use; a debt stays. */
  set perSecondMs(ms: number) {
    this.#leftMs = Math.min(this.#leftMs, ms)
    this.#perSecondMs = ms
  }

  get perSecondMs(): number {
    return this.#perSecondMs
  }

  spend(ms: number): void {
    this.#leftMs -= ms
  }

  /** True while calls are refused. */
  isSpent(): boolean {
    if (this.#leftMs > 0) return false
    const now = this.#clock.monotonicMs()
    const earnedMs = ((now - this.#filledAtMs) * this.#perSecondMs) / 1_000
    this.#filledAtMs = now
    this.#leftMs = Math.min(this.#perSecondMs, this.#leftMs + earnedMs)
    return this.#leftMs <= 0
  }
}
