import { GatewayError } from '../errors.ts'
import type { Executor, ExecutorStatus, GuestItem, GuestOutcome } from './executor.ts'
import { failedOutcome } from './outcome.ts'
import type { PluginMonitor } from './plugin-monitor.ts'
import type { VersionMeter } from './rollout/rollout-meter.ts'

/** Results that any guest can give, whether or not it has names for them: `wasmResult1` to `wasmResult9`. */
const PLAIN_RESULTS = 9

/**
 * Any executor, watched: outcomes are counted, and a version that keeps failing is not run for a while. A
 * result that leads nowhere is a failure like any other: nothing of the call is applied.
 */
export class MonitoredExecutor implements Executor {
  readonly #inner: Executor
  readonly #monitor: PluginMonitor
  readonly #maxResult: number
  /** While a version is on trial: what both of them do is counted. */
  readonly #meter: VersionMeter | null

  /** `results` is how many the guest has names for. */
  constructor(
    inner: Executor,
    monitor: PluginMonitor,
    results: number,
    meter: VersionMeter | null = null,
  ) {
    this.#inner = inner
    this.#monitor = monitor
    this.#maxResult = Math.max(PLAIN_RESULTS, results)
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

  readonly #observe = (given: GuestOutcome): GuestOutcome => {
    const outcome = given.result > this.#maxResult ? unknownResult(given) : given
    this.#monitor.observe(outcome)
    if (this.#meter !== null) this.#meter.observe(outcome)
    return outcome
  }
}

function unknownResult({ result, runMs, queueMs }: GuestOutcome): GuestOutcome {
  return failedOutcome(new GatewayError('GUEST_RESULT', { value: result }), runMs, null, queueMs)
}
