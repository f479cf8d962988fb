import type {
  Executor,
  ExecutorStatus,
  GuestItem,
  GuestOutcome,
  OutcomeListener,
} from './executor.ts'
import { failedOutcome } from './outcome.ts'
import type { PluginMonitor } from './plugin-monitor.ts'

/**
 * Any executor, watched: a version that keeps failing is not run for a while. Who applies the changes of an
 * outcome tells the monitor how the call has ended: only then is that known.
 */
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

  submit(item: GuestItem, listener: OutcomeListener): GuestOutcome | null {
    const refusal = this.#monitor.refusal()
    return refusal === null ? this.#inner.submit(item, listener) : failedOutcome(refusal)
  }

  status(): ExecutorStatus {
    return this.#inner.status()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}
