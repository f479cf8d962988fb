import type { Executor, ExecutorStatus, GuestItem, GuestOutcome } from './executor.ts'
import { failedOutcome } from './outcome.ts'
import type { PluginMonitor } from './plugin-monitor.ts'

/** Any executor, watched: outcomes are counted, and a version that keeps failing is not run for a while. */
export class MonitoredExecutor implements Executor {
  readonly #inner: Executor
  readonly #monitor: PluginMonitor

  constructor(inner: Executor, monitor: PluginMonitor) {
    this.#inner = inner
    this.#monitor = monitor
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
    return outcome
  }
}
