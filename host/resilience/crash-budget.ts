import type { Clock } from '../clock.ts'

export interface CrashBudgetOptions {
  /** Failures within the window that suspend the version. */
  readonly failures: number
  readonly windowMs: number
  /** How long the first suspension lasts; each further one twice as long. */
  readonly backoffMs: number
  readonly maxBackoffMs: number
}

/** Ten failures in ten seconds; then one second, two, four … up to a minute. */
export const CRASH_BUDGET: CrashBudgetOptions = {
  failures: 10,
  windowMs: 10_000,
  backoffMs: 1_000,
  maxBackoffMs: 60_000,
}

/**
 * How often one plugin version may fail before it is left alone for a while.
 *
 *     open ──`failures` in the window──▶ suspended ──back-off──▶ trial ──success──▶ open
 *                                            ▲                     │
 *                                            └── failure, twice as long
 *
 * A suspended version is not run: its requests get what `failPolicy` says, without waiting for a trap.
 */
export class CrashBudget {
  readonly #options: CrashBudgetOptions
  readonly #clock: Clock
  /** When the last failures happened, oldest first. */
  readonly #times: number[] = []
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
    if (!this.#isTrial) return
    this.#isTrial = false
    this.#suspensions = 0
    this.#times.length = 0
  }

  /** True when this failure suspends the version. */
  failed(): boolean {
    // Items that were under way when it was suspended say nothing new.
    if (this.#suspendedUntilMs !== 0) return false
    const now = this.#clock.monotonicMs()
    const { failures, windowMs, backoffMs, maxBackoffMs } = this.#options
    this.#times.push(now)
    while ((this.#times[0] ?? now) <= now - windowMs) this.#times.shift()
    if (!this.#isTrial && this.#times.length < failures) return false
    this.#isTrial = false
    this.#times.length = 0
    this.#suspendedUntilMs = now + Math.min(maxBackoffMs, backoffMs * 2 ** this.#suspensions)
    this.#suspensions += 1
    return true
  }
}
