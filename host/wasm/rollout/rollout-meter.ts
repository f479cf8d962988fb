import type { GuestOutcome } from '../executor.ts'

/** What one of two versions did; only ever growing. */
export interface VersionCounts {
  /** Guest calls that ran. */
  readonly calls: number
  /** Of them: traps, deadlines, out of fuel, results that lead nowhere. */
  readonly failures: number
  /** Running time of them all, without queueing. */
  readonly runMs: number
  /** Requests that have ended. */
  readonly requests: number
  /** Of them: answered with a status of 500 and above. */
  readonly errors: number
}

/** Failures that are the load's doing, that of failures before, or of a swap: no call ran. */
const NOT_RUN: ReadonlySet<string> = new Set([
  'GUEST_QUEUE_FULL',
  'GUEST_SUSPENDED',
  'GUEST_CLOSED',
])

/** Counts for one version; an addition or two a call. */
export class VersionMeter implements VersionCounts {
  calls = 0
  failures = 0
  runMs = 0
  requests = 0
  errors = 0

  observe(outcome: GuestOutcome): void {
    if (outcome.failure !== null && NOT_RUN.has(outcome.failure.code)) return
    this.calls += 1
    this.runMs += outcome.runMs
    if (outcome.failure !== null) this.failures += 1
  }

  ended(status: number): void {
    this.requests += 1
    if (status >= 500) this.errors += 1
  }
}

/**
 * One trial, over all generations and all filters that take part in it. It lives as long as the process: a
 * trial that goes on after a restart is counted anew.
 */
export class RolloutMeter {
  readonly stable = new VersionMeter()
  readonly candidate = new VersionMeter()
  /** Why the version on trial cannot be started; null while it can. */
  startFailure: string | null = null
  /** True when nothing more goes to the version on trial, though filters still have it. */
  isStopped = false
  /** Filters that have both versions now. */
  users = 0
}
