import type { Clock } from '../clock.ts'

export interface CrashBudgetOptions {
  /** Failures within the window that suspend the version … */
  readonly failures: number
  /** … when they are at least this share of its calls in the window, from 0 to 1. */
  readonly share: number
  readonly windowMs: number
  /** How long the first suspension lasts; each further one twice as long. */
  readonly backoffMs: number
  readonly maxBackoffMs: number
}

/** Ten failures in ten seconds, half of all calls; then one second, two, four … up to a minute. */
export const CRASH_BUDGET: CrashBudgetOptions = {
  failures: 10,
  share: 0.5,
  windowMs: 10_000,
  backoffMs: 1_000,
  maxBackoffMs: 60_000,
}

/**
 * How often one plugin version may fail before it is left alone for a while.
 *
 *     open ──`failures` and `share`──▶ suspended ──back-off──▶ trial ──success──▶ open
 *                                            ▲                     │
 *                                            └── failure, twice as long
 *
 * One request in a hundred that fails says something about that request; a share of them says something
 * about the version. A suspended version is not run: its requests get what `failPolicy` says, without waiting for a trap.
 */
export class CrashBudget {
  readonly #options: CrashBudgetOptions
  readonly #clock: Clock
  /** The window begins with a failure: nothing is kept while all goes well. */
  #windowStartMs = 0
  #failures = 0
  #successes = 0
  #suspendedUntilMs = 0
  #suspensions = 0
  #isTrial = false

  constructor(clock: Clock, options: CrashBudgetOptions = CRASH_BUDGET) {
    this.#clock = clock
    this.#options = options
  }

  /** How often it has been suspended since it last worked. */
  get suspensions(): number {
    return this.#suspensions
  }

  /** As `isSuspended`, without making the caller the trial. */
  get isWaiting(): boolean {
    return this.#suspendedUntilMs !== 0 && this.#clock.monotonicMs() < this.#suspendedUntilMs
  }

  /** True while the version must not be run. The first call after the back-off is the trial. */
  isSuspended(): boolean {
    if (this.#suspendedUntilMs === 0) return false
    if (this.#clock.monotonicMs() < this.#suspendedUntilMs) return true
    this.#suspendedUntilMs = 0
    this.#isTrial = true
    return false
  }

  succeeded(): void {
    this.#successes += 1
    if (!this.#isTrial) return
    this.#isTrial = false
    this.#suspensions = 0
    this.#failures = 0
  }

  /** True when this failure suspends the version. */
  failed(): boolean {
    // Items that were under way when it was suspended say nothing new.
    if (this.#suspendedUntilMs !== 0) return false
    const now = this.#clock.monotonicMs()
    const { failures, share, windowMs, backoffMs, maxBackoffMs } = this.#options
    if (this.#failures === 0 || now - this.#windowStartMs >= windowMs) {
      this.#windowStartMs = now
      this.#failures = 0
      this.#successes = 0
    }
    this.#failures += 1
    const calls = this.#failures + this.#successes
    const isBad = this.#failures >= failures && this.#failures >= share * calls
    if (!this.#isTrial && !isBad) return false
    this.#isTrial = false
    this.#failures = 0
    this.#suspendedUntilMs = now + Math.min(maxBackoffMs, backoffMs * 2 ** this.#suspensions)
    this.#suspensions += 1
    return true
  }
}
