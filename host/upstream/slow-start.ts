import type { Clock } from '../clock.ts'
import type { EndpointState } from './endpoint-state.ts'

/** Envoy's names; times in milliseconds. */
export interface SlowStartSpec {
  /** Time in which the traffic of a new endpoint grows to its full share; 0 for none. */
  readonly slowStartWindow: number
  /** The share it begins with. */
  readonly minWeightPercent: number
}

/**
 * Lets the traffic of an endpoint grow that is new or well again: caches are cold and pools are empty, and
 * a full share at once may knock it over again.
 *
 *     share 100 % │              ╱‾‾‾‾‾
 *                 │         ╱
 *         minimum │____╱
 *                 └────┴─────────┴─────▶ time
 *                      available  + window
 */
export class SlowStart {
  readonly #spec: SlowStartSpec
  readonly #clock: Clock
  readonly #random: () => number

  constructor(spec: SlowStartSpec, clock: Clock, random: () => number) {
    this.#spec = spec
    this.#clock = clock
    this.#random = random
  }

  /** False when the endpoint should be passed over this time. */
  admits(state: EndpointState): boolean {
    if (state.warmSinceMs < 0) return true
    const elapsedMs = this.#clock.monotonicMs() - state.warmSinceMs
    if (elapsedMs >= this.#spec.slowStartWindow) {
      state.warmSinceMs = -1
      return true
    }
    const share = elapsedMs / this.#spec.slowStartWindow
    return this.#random() < Math.max(share, this.#spec.minWeightPercent / 100)
  }
}
