import type { Clock } from '../clock.ts'
import { GatewayError } from '../errors.ts'
import { CpuBudget } from '../resilience/cpu-budget.ts'
import { CrashBudget } from '../resilience/crash-budget.ts'
import { type Executor, type GuestOutcome, NOT_MEASURED } from './executor.ts'
import { WASM_DEFAULTS } from './limits.ts'

/** Upper bounds of the buckets of running times, in seconds. */
export const RUN_SECONDS_BUCKETS: readonly number[] = [
  0.000_001, 0.000_002, 0.000_005, 0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.01, 0.1,
]

/** Upper bounds of the buckets of waiting times, in seconds. */
export const QUEUE_SECONDS_BUCKETS: readonly number[] = [
  0.000_01, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1,
]
/** Upper bounds of the buckets of the fuel of a call. */
export const FUEL_BUCKETS: readonly number[] = [
  100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000,
]

/** Counts by size: how many values lie in each bucket, and their sum. */
export class Distribution {
  readonly bounds: readonly number[]
  /** One more than there are bounds: the last is for what is above all of them. */
  readonly counts: number[]
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Array(bounds.length + 1).fill(0)
  }

  add(value: number): void {
    this.sum += value
    const { bounds, counts } = this
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket += 1
    counts[bucket] = (counts[bucket] as number) + 1
  }
}

/** Calls that were refused before anything ran: they say nothing about running and waiting. */
const NOT_RUN: ReadonlySet<string> = new Set(['GUEST_SUSPENDED', 'GUEST_CPU', 'GUEST_CLOSED'])
/** Failures that are not the version's own: the load's, or what came of earlier ones. */
const NOT_ITS_FAULT: ReadonlySet<string> = new Set(['GUEST_QUEUE_FULL', ...NOT_RUN])

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
  /** What guests were refused, by the part of the grant. */
  readonly denials = new Map<string, number>()
  readonly runSeconds = new Distribution(RUN_SECONDS_BUCKETS)
  readonly queueSeconds = new Distribution(QUEUE_SECONDS_BUCKETS)
  /** Fuel of the calls that were measured. */
  readonly fuel = new Distribution(FUEL_BUCKETS)
  /** What its generations run on now. */
  readonly executors = new Set<Executor>()
  /** How much running time it may use in a second. */
  readonly cpu: CpuBudget
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
    this.cpu = new CpuBudget(clock, WASM_DEFAULTS.cpuPerSecondMs)
    this.#budget = new CrashBudget(clock)
    this.#onSuspended = onSuspended
  }

  /** True while calls are refused; looking does not start a trial. */
  get isSuspended(): boolean {
    return this.#budget.isWaiting
  }

  /** Null when a call may run; otherwise the failure it gets without running. */
  refusal(): GatewayError | null {
    if (this.cpu.isSpent()) {
      return new GatewayError('GUEST_CPU', { plugin: this.plugin, ms: this.cpu.perSecondMs })
    }
    if (!this.#budget.isSuspended()) return null
    return new GatewayError('GUEST_SUSPENDED', { plugin: this.plugin })
  }

  /** As `refusal`, for a call that has been let in: null unless it was suspended since. */
  suspension(): GatewayError | null {
    return this.isSuspended ? new GatewayError('GUEST_SUSPENDED', { plugin: this.plugin }) : null
  }

  observe(outcome: GuestOutcome): void {
    this.calls[outcome.kind] += 1
    const { failure } = outcome
    if (failure === null) {
      this.#measure(outcome)
      this.#budget.succeeded()
      return
    }
    this.failures.set(failure.code, (this.failures.get(failure.code) ?? 0) + 1)
    if (!NOT_RUN.has(failure.code)) this.#measure(outcome)
    if (NOT_ITS_FAULT.has(failure.code) || !this.#budget.failed()) return
    this.#onSuspended({
      pipeline: this.pipeline,
      filter: this.filter,
      digest: this.digest,
      reason: failure.message,
      count: this.#budget.suspensions,
    })
  }

  #measure({ runMs, queueMs, fuel }: GuestOutcome): void {
    this.cpu.spend(runMs)
    this.runSeconds.add(runMs / 1_000)
    this.queueSeconds.add(queueMs / 1_000)
    if (fuel !== NOT_MEASURED) this.fuel.add(fuel)
  }
}
