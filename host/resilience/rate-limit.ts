import type { Clock } from '../clock.ts'

/** Easegress's fields; times in milliseconds. */
export interface RateLimitSpec {
  readonly limitForPeriod: number
  readonly limitRefreshPeriod: number
  /** How long a permit may lie ahead. */
  readonly timeoutDuration: number
}

/** What `acquire` answers when there is no permit within the timeout. */
export const LIMITED = -1

/**
 * So many permits a period. When those of this period are gone, a caller gets one of a later period and
 * waits for its beginning, at most the timeout long: it reserves, it does not queue.
 *
 *     period      0         1         2               limit 3
 *              ■ ■ ■  │  ■ ■ ■  │  ■ · ·              taken ■, free ·
 *     now ──────▶ the next caller waits until period 2 begins
 *
 * Periods follow each other from the moment the limit was made.
 */
export class RateLimit {
  readonly #spec: RateLimitSpec
  readonly #clock: Clock
  readonly #startMs: number
  #period = 0
  /** Permits taken of this period and of later ones. */
  #taken = 0

  constructor(spec: RateLimitSpec, clock: Clock) {
    this.#spec = spec
    this.#clock = clock
    this.#startMs = clock.monotonicMs()
  }

  /** Milliseconds to wait, 0 for none, or LIMITED. A permit that is given is taken. */
  acquire(): number {
    const { limitForPeriod, limitRefreshPeriod, timeoutDuration } = this.#spec
    const elapsedMs = this.#clock.monotonicMs() - this.#startMs
    const period = Math.floor(elapsedMs / limitRefreshPeriod)
    if (period > this.#period) {
      this.#taken = Math.max(0, this.#taken - (period - this.#period) * limitForPeriod)
      this.#period = period
    }
    if (this.#taken < limitForPeriod) {
      this.#taken += 1
      return 0
    }
    const ahead = Math.floor(this.#taken / limitForPeriod)
    const waitMs = (this.#period + ahead) * limitRefreshPeriod - elapsedMs
    if (waitMs > timeoutDuration) return LIMITED
    this.#taken += 1
    return waitMs
  }
}
