import type { Clock } from '../clock.ts'
import { CountWindow, type SlidingWindow, TimeWindow } from './sliding-window.ts'

/** Easegress's fields; times in milliseconds, rates in percent. */
export interface CircuitBreakerSpec {
  readonly slidingWindowType: 'COUNT_BASED' | 'TIME_BASED'
  /** Calls, or seconds. */
  readonly slidingWindowSize: number
  readonly failureRateThreshold: number
  readonly slowCallRateThreshold: number
  /** A call that takes longer is slow. */
  readonly slowCallDurationThreshold: number
  readonly permittedNumberOfCallsInHalfOpenState: number
  readonly minimumNumberOfCalls: number
  /** 0 for no limit. */
  readonly maxWaitDurationInHalfOpenState: number
  readonly waitDurationInOpenState: number
}

export type BreakerState = 'closed' | 'open' | 'halfOpen'

/** What `acquire` answers when the call must not be made. Permits are greater. */
export const REFUSED = 0

/**
 * Stops calls to what fails or is slow, and tries a few after a while.
 *
 *               enough calls in the window, and the failure or the slow-call
 *               rate at its threshold
 *     ┌────────┐ ────────────────────────────────────────────▶ ┌──────┐
 *     │ closed │                                               │ open │ refuses every call
 *     └────────┘ ◀──┐                                    ┌───▶ └──────┘
 *                   │ rates below                  rates │         │ first call after
 *                   │                     at a threshold,│         │ waitDurationInOpenState
 *                   │                 or maxWait… passed │         ▼
 *                   └───────────────────────────── ┌───────────┐ ◀─┘
 *                                                  │ half open │ lets the permitted number of calls
 *                                                  └───────────┘ through, refuses the others
 *
 * Each change of state begins an empty window and outdates every permit: what a call that began in an
 * older state comes to says nothing about this one, and is discarded.
 */
export class CircuitBreaker {
  readonly #spec: CircuitBreakerSpec
  readonly #clock: Clock
  #state: BreakerState = 'closed'
  /** Number of this state, from 1; a permit is the number of the state it was given in. */
  #stateId = 1
  #sinceMs: number
  #window: SlidingWindow
  /** Permits given in this half-open state. */
  #given = 0
  #refused = 0

  constructor(spec: CircuitBreakerSpec, clock: Clock) {
    this.#spec = spec
    this.#clock = clock
    this.#sinceMs = clock.monotonicMs()
    this.#window = closedWindow(spec)
  }

  get state(): BreakerState {
    return this.#state
  }

  /** Calls that were refused since the breaker was made. */
  get refused(): number {
    return this.#refused
  }

  /** A permit to hand back with `record` or `cancel`, or REFUSED. */
  acquire(): number {
    if (this.#state === 'closed') return this.#stateId
    const nowMs = this.#clock.monotonicMs()
    const elapsedMs = nowMs - this.#sinceMs
    if (this.#state === 'open') {
      if (elapsedMs < this.#spec.waitDurationInOpenState) return this.#refuse()
      this.#enter('halfOpen', nowMs)
    } else if (this.#isHalfOpenOver(elapsedMs)) {
      this.#enter('open', nowMs)
      return this.#refuse()
    }
    if (this.#given >= this.#spec.permittedNumberOfCallsInHalfOpenState) return this.#refuse()
    this.#given += 1
    return this.#stateId
  }

  /** The call of `permit` has ended. */
  record(permit: number, isFailure: boolean, durationMs: number): void {
    if (permit !== this.#stateId) return
    const nowMs = this.#clock.monotonicMs()
    if (this.#state === 'halfOpen' && this.#isHalfOpenOver(nowMs - this.#sinceMs)) {
      this.#enter('open', nowMs)
      return
    }
    const spec = this.#spec
    const window = this.#window
    window.add(isFailure, durationMs > spec.slowCallDurationThreshold, nowMs)
    if (window.total < this.#minimum()) return
    const isOver =
      window.failures * 100 >= spec.failureRateThreshold * window.total ||
      window.slow * 100 >= spec.slowCallRateThreshold * window.total
    if (isOver) this.#enter('open', nowMs)
    else if (this.#state === 'halfOpen') this.#enter('closed', nowMs)
  }

  /** The call of `permit` says nothing about the upstream, for instance because the client left. */
  cancel(permit: number): void {
    if (permit === this.#stateId && this.#state === 'halfOpen') this.#given -= 1
  }

  #minimum(): number {
    const { minimumNumberOfCalls, permittedNumberOfCallsInHalfOpenState } = this.#spec
    if (this.#state !== 'halfOpen') return minimumNumberOfCalls
    return Math.min(minimumNumberOfCalls, permittedNumberOfCallsInHalfOpenState)
  }

  #isHalfOpenOver(elapsedMs: number): boolean {
    const limitMs = this.#spec.maxWaitDurationInHalfOpenState
    return limitMs > 0 && elapsedMs >= limitMs
  }

  #refuse(): number {
    this.#refused += 1
    return REFUSED
  }

  #enter(state: BreakerState, nowMs: number): void {
    this.#state = state
    this.#stateId += 1
    this.#sinceMs = nowMs
    this.#given = 0
    if (state === 'closed') this.#window = closedWindow(this.#spec)
    else if (state === 'halfOpen') {
      this.#window = new CountWindow(this.#spec.permittedNumberOfCallsInHalfOpenState)
    }
  }
}

function closedWindow(spec: CircuitBreakerSpec): SlidingWindow {
  return spec.slidingWindowType === 'COUNT_BASED'
    ? new CountWindow(spec.slidingWindowSize)
    : new TimeWindow(spec.slidingWindowSize)
}
