import type { Clock } from '../clock.ts'
import { GatewayError } from '../errors.ts'
import { CrashBudget } from '../resilience/crash-budget.ts'
import type { GuestOutcome } from './executor.ts'

/** Upper bounds of the buckets of running times, in seconds. */
export const RUN_SECONDS_BUCKETS: readonly number[] = [
  0.000_001, 0.000_002, 0.000_005, 0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.01, 0.1,
]

/** Why a version was suspended, for whoever can undo it. */
export interface Suspension {
  readonly pipeline: string
  readonly filter: string
  readonly digest: string
  readonly reason: string
  /** How often in a row. */
  readonly count: number
}

/**
 * What is known of one plugin version in one filter, over all of its generations: counts for the metrics,
 * and the crash budget. Counting is an addition or two a call; names and text are made when somebody asks.
 */
export class PluginMonitor {
  readonly pipeline: string
  readonly filter: string
  readonly plugin: string
  readonly version: string
  readonly digest: string
  /** Calls by what they came to: next, result, replied. */
  readonly calls: Record<GuestOutcome['kind'], number> = {
    next: 0,
    result: 0,
    replied: 0,
    failed: 0,
  }
  /** Failures by the code of their error. */
  readonly failures = new Map<string, number>()
  readonly buckets: number[] = new Array(RUN_SECONDS_BUCKETS.length + 1).fill(0)
  runSeconds = 0
  /** Generations that use it now. */
  users = 0
  readonly #budget: CrashBudget
  readonly #onSuspended: (suspension: Suspension) => void

  constructor(
    names: Pick<PluginMonitor, 'pipeline' | 'filter' | 'plugin' | 'version' | 'digest'>,
    clock: Clock,
    onSuspended: (suspension: Suspension) => void,
  ) {
    this.pipeline = names.pipeline
    this.filter = names.filter
    this.plugin = names.plugin
    this.version = names.version
    this.digest = names.digest
    this.#budget = new CrashBudget(clock)
    this.#onSuspended = onSuspended
  }

  /** True while calls are refused; looking does not start a trial. */
  get isSuspended(): boolean {
    return this.#budget.isWaiting
  }

  /** Null when a call may run; otherwise the failure it gets without running. */
  refusal(): GatewayError | null {
    if (!this.#budget.isSuspended()) return null
    return new GatewayError('GUEST_SUSPENDED', { plugin: this.plugin })
  }

  observe(outcome: GuestOutcome): void {
    this.calls[outcome.kind] += 1
    const seconds = outcome.runMs / 1_000
    this.runSeconds += seconds
    let bucket = 0
    while (
      bucket < RUN_SECONDS_BUCKETS.length &&
      seconds > (RUN_SECONDS_BUCKETS[bucket] as number)
    ) {
      bucket += 1
    }
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1
    const { failure } = outcome
    if (failure === null) {
      this.#budget.succeeded()
      return
    }
    this.failures.set(failure.code, (this.failures.get(failure.code) ?? 0) + 1)
    // A full queue is the load's fault, not the plugin's.
    if (failure.code === 'GUEST_QUEUE_FULL' || failure.code === 'GUEST_SUSPENDED') return
    if (!this.#budget.failed()) return
    this.#onSuspended({
      pipeline: this.pipeline,
      filter: this.filter,
      digest: this.digest,
      reason: failure.message,
      count: this.#budget.suspensions,
    })
  }
}
