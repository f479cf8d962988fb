import type { Clock } from '../clock.ts'
import type { EndpointState } from './endpoint-state.ts'

/** Envoy's names and defaults; times in milliseconds. */
export interface OutlierSpec {
  /** Failures in a row that eject: 5xx answers, refused connections, timeouts. */
  readonly consecutive5xx: number
  readonly baseEjectionTime: number
  readonly maxEjectionTime: number
  /** Endpoints of a pool that may be ejected at once; one may be in any case. */
  readonly maxEjectionPercent: number
}

/**
 * Takes an endpoint out of the balance when its answers show that it is unwell. The n-th ejection lasts n
 * times the base time; a time without failures as long as the last ejection takes one step back.
 */
export class OutlierDetector {
  readonly #spec: OutlierSpec
  readonly #clock: Clock

  constructor(spec: OutlierSpec, clock: Clock) {
    this.#spec = spec
    this.#clock = clock
  }

  /**
   * The endpoint of `state` has answered or failed. True when that ejected it. `pool` are the states of all
   * endpoints of the pool.
   */
  record(state: EndpointState, isFailure: boolean, pool: readonly EndpointState[]): boolean {
    if (!isFailure) {
      state.failures = 0
      return false
    }
    state.failures += 1
    if (state.failures < this.#spec.consecutive5xx) return false
    const nowMs = this.#clock.monotonicMs()
    // Answers to requests that were under way when it was ejected change nothing.
    if (state.ejectedUntilMs > nowMs || !this.#mayEject(pool, nowMs)) return false
    this.#eject(state, nowMs)
    return true
  }

  #mayEject(pool: readonly EndpointState[], nowMs: number): boolean {
    let ejected = 0
    for (const { ejectedUntilMs } of pool) if (ejectedUntilMs > nowMs) ejected += 1
    return ejected === 0 || (ejected + 1) * 100 <= this.#spec.maxEjectionPercent * pool.length
  }

  #eject(state: EndpointState, nowMs: number): void {
    const { baseEjectionTime, maxEjectionTime } = this.#spec
    const goodMs = Math.max(0, nowMs - state.ejectionEndMs)
    const lastMs = baseEjectionTime * Math.max(state.ejections, 1)
    state.ejections = Math.max(0, state.ejections - Math.floor(goodMs / lastMs)) + 1
    state.failures = 0
    const endMs = nowMs + Math.min(baseEjectionTime * state.ejections, maxEjectionTime)
    state.ejectionEndMs = endMs
    state.ejectedUntilMs = endMs
    state.changed()
  }
}
