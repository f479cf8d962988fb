/** Easegress's fields, and the budget as Envoy names it; times in milliseconds. */
export interface RetrySpec {
  /** The first attempt counts. */
  readonly maxAttempts: number
  readonly waitDuration: number
  readonly backOffPolicy: 'random' | 'exponential'
  /** 0 to 1: the wait lies between base·(1-f) and base·(1+f). */
  readonly randomizationFactor: number
  readonly retryBudget: {
    /** Retries that may run at once, in percent of the requests that run. */
    readonly budgetPercent: number
    /** Retries that may run at once however few requests run. */
    readonly minRetryConcurrency: number
  }
}

/** What `next` answers when there is no further attempt. */
export const GIVE_UP = -1

/** How much longer each wait is with `exponential`. */
const GROWTH = 1.5

/**
 * Decides whether a failed request is tried again, and when. The budget keeps an upstream that fails from
 * getting a multiple of its traffic: of the requests that run, at most a fifth are retries.
 *
 *     begin ──▶ attempt ──fails──▶ next ──ms──▶ (wait) ──▶ attempt ──▶ endRetry ──┐
 *                 ▲                 │                                             │
 *                 │                 └── GIVE_UP ──▶ end                 fails ─────┘ next …
 */
export class Retry {
  readonly #spec: RetrySpec
  readonly #random: () => number
  #requests = 0
  #retries = 0
  #overBudget = 0

  /** `random` answers from 0 up to, not including, 1. */
  constructor(spec: RetrySpec, random: () => number) {
    this.#spec = spec
    this.#random = random
  }

  /** Requests that were not tried again because too many others were. */
  get overBudget(): number {
    return this.#overBudget
  }

  /** A request begins; `end` must follow. */
  begin(): void {
    this.#requests += 1
  }

  end(): void {
    this.#requests -= 1
  }

  /**
   * After `attempts` failed attempts: the milliseconds to wait before the next one, which counts as
   * running from now until `endRetry`; or GIVE_UP.
   */
  next(attempts: number): number {
    const { maxAttempts, retryBudget } = this.#spec
    if (attempts >= maxAttempts) return GIVE_UP
    const share = Math.floor((this.#requests * retryBudget.budgetPercent) / 100)
    if (this.#retries >= Math.max(share, retryBudget.minRetryConcurrency)) {
      this.#overBudget += 1
      return GIVE_UP
    }
    this.#retries += 1
    return this.#waitMs(attempts)
  }

  endRetry(): void {
    this.#retries -= 1
  }

  #waitMs(attempts: number): number {
    const { waitDuration, backOffPolicy, randomizationFactor } = this.#spec
    const baseMs =
      backOffPolicy === 'exponential' ? waitDuration * GROWTH ** (attempts - 1) : waitDuration
    return baseMs * (1 + randomizationFactor * (2 * this.#random() - 1))
  }
}

/**
 * May a request be sent once more? Only when doing it twice is the same as doing it once, or when nothing
 * of it was sent; and only while its body is still here.
 */
export function mayRetry(method: string, wasSent: boolean, isBodyHere: boolean): boolean {
  return isBodyHere && (!wasSent || isIdempotent(method))
}

/** RFC 9110, section 9.2.2. */
function isIdempotent(method: string): boolean {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'PUT':
    case 'DELETE':
    case 'OPTIONS':
    case 'TRACE':
      return true
    default:
      return false
  }
}
