import { GatewayError } from '../errors.ts'
import type { Executor, ExecutorStatus, GuestItem, GuestOutcome } from './executor.ts'
import { failedOutcome } from './outcome.ts'
import type { PluginMonitor } from './plugin-monitor.ts'

/** Results that any guest can give, whether or not it has names for them: `wasmResult1` to `wasmResult9`. */
const PLAIN_RESULTS = 9

/**
 * Any executor, watched: a version that keeps failing is not run for a while. A result that leads nowhere is a
 * failure like any other: nothing of the call is applied. Who applies the changes of an outcome tells the
 * monitor how the call has ended: only then is that known.
 */
export class MonitoredExecutor implements Executor {
  readonly #inner: Executor
  readonly #monitor: PluginMonitor
  readonly #maxResult: number

  /** `results` is how many the guest has names for. */
  constructor(inner: Executor, monitor: PluginMonitor, results: number) {
    this.#inner = inner
    this.#monitor = monitor
    this.#maxResult = Math.max(PLAIN_RESULTS, results)
  }

  start(): Promise<void> {
    return this.#inner.start()
  }

  submit(item: GuestItem): GuestOutcome | Promise<GuestOutcome> {
    const refusal = this.#monitor.refusal()
    if (refusal !== null) return failedOutcome(refusal)
    const outcome = this.#inner.submit(item)
    return outcome instanceof Promise ? outcome.then(this.#checked) : this.#checked(outcome)
  }

  status(): ExecutorStatus {
    return this.#inner.status()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  readonly #checked = (outcome: GuestOutcome): GuestOutcome =>
    outcome.result > this.#maxResult ? unknownResult(outcome) : outcome
}

function unknownResult({ result, runMs, queueMs }: GuestOutcome): GuestOutcome {
  return failedOutcome(new GatewayError('GUEST_RESULT', { value: result }), runMs, null, queueMs)
}
