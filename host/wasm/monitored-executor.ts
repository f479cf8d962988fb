import type { Executor, ExecutorStatus, GuestItem, GuestOutcome } from './executor.ts'
import { failedOutcome } from './outcome.ts'
import type { PluginMonitor } from './plugin-monitor.ts'
import type { VersionMeter } from './rollout/rollout-meter.ts'

/** Any executor, watched: outcomes are counted, and a version that keeps failing is not run for a while. */
export class MonitoredExecutor implements Executor {
  readonly #inner: Executor
  readonly #monitor: PluginMonitor
  /** While a version is on trial: what both of them do is counted. */
  readonly #meter: VersionMeter | null

  constructor(inner: Executor, monitor: PluginMonitor, meter: VersionMeter | null = null) {
    this.#inner = inner
    this.#monitor = monitor
    this.#meter = meter
  }

  start(): Promise<void> {
    return this.#inner.start()
  }

  submit(item: GuestItem): GuestOutcome | Promise<GuestOutcome> {
    const refusal = this.#monitor.refusal()
    if (refusal !== null) return this.#observe(failedOutcome(refusal))
    const outcome = this.#inner.submit(item)
    return outcome instanceof Promise ? outcome.then(this.#observe) : this.#observe(outcome)
  }

  status(): ExecutorStatus {
    return this.#inner.status()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  readonly #observe = (outcome: GuestOutcome): GuestOutcome => {
    this.#monitor.observe(outcome)
    if (this.#meter !== null) this.#meter.observe(outcome)
    return outcome
  }
}
