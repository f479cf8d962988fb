import type { Clock } from '../clock.ts'
import type { Endpoint } from './endpoint.ts'

/**
 * Which endpoints of a pool may get requests: those that are healthy and not ejected.
 *
 * When fewer than the panic threshold are left, all of them: then either the checks are wrong, or those
 * that are left would break under the traffic of all (Envoy: healthy_panic_threshold). A threshold of 0
 * never panics: with no endpoint left, requests are answered at once instead of waiting for what is dead.
 */
export class Availability {
  readonly #all: readonly Endpoint[]
  readonly #panicPercent: number
  readonly #clock: Clock
  readonly #onChange = (): void => {
    this.#isStale = true
  }
  #isStale = true
  /** When the next ejection ends; Infinity when nothing is ejected. */
  #nextChangeMs = Number.POSITIVE_INFINITY
  #isPanicking = false

  constructor(all: readonly Endpoint[], panicPercent: number, clock: Clock) {
    this.#all = all
    this.#panicPercent = panicPercent
    this.#clock = clock
    for (const { state } of all) state.listen(this.#onChange)
  }

  get isPanicking(): boolean {
    return this.#isPanicking
  }

  /** True when `list` has to be asked again. Costs nothing while nothing is ejected. */
  get isStale(): boolean {
    if (this.#isStale) return true
    if (this.#nextChangeMs === Number.POSITIVE_INFINITY) return false
    return this.#clock.monotonicMs() >= this.#nextChangeMs
  }

  list(): readonly Endpoint[] {
    const nowMs = this.#clock.monotonicMs()
    this.#isStale = false
    this.#nextChangeMs = Number.POSITIVE_INFINITY
    const available = this.#all.filter(({ state }) => {
      if (state.ejectedUntilMs > nowMs) {
        this.#nextChangeMs = Math.min(this.#nextChangeMs, state.ejectedUntilMs)
        return false
      }
      if (state.ejectedUntilMs > 0) {
        state.warmSinceMs = state.ejectedUntilMs
        state.ejectedUntilMs = 0
        // What was under way when it was ejected may have failed since.
        state.failures = 0
      }
      return state.isHealthy
    })
    this.#isPanicking = available.length * 100 < this.#panicPercent * this.#all.length
    return this.#isPanicking ? this.#all : available
  }

  close(): void {
    for (const { state } of this.#all) state.unlisten(this.#onChange)
  }
}
