import { GatewayError } from '../../errors.ts'
import type {
  Executor,
  ExecutorStatus,
  GuestItem,
  GuestOutcome,
  OutcomeListener,
  PluginSetup,
} from '../executor.ts'
import { emptyInput, Phase } from '../guest-input.ts'
import { WASM_DEFAULTS } from '../limits.ts'
import { failedOutcome } from '../outcome.ts'
import { type ItemSender, QueuedItem } from './queued-item.ts'
import type { ThreadPool } from './thread-pool.ts'

export interface WorkerExecutorOptions {
  readonly timeoutMs: number
  readonly queueTimeoutMs: number
  readonly queueLength: number
  /** Live instances at most; a thread holds one of each setup. */
  readonly maxConcurrency: number
  /** Asked before an item runs that has waited: why it must not, or null. Default: it may. */
  readonly refusal?: () => GatewayError | null
}

/** Runs guests in the threads of a trust domain: `isolation: worker`. */
export class WorkerExecutor implements Executor, ItemSender {
  readonly #setup: PluginSetup
  readonly #pool: ThreadPool
  readonly #options: WorkerExecutorOptions
  /** Which lanes this setup uses: `maxConcurrency: 1` is one instance on one thread. */
  readonly #firstLane: number
  readonly #laneCount: number
  /** Items that may wait; none once it is closed. */
  #room: number
  #waiting = 0
  #onIdle: (() => void) | null = null
  #isClosed = false
  #calls = 0
  #failures = 0

  constructor(setup: PluginSetup, pool: ThreadPool, options: WorkerExecutorOptions) {
    this.#setup = setup
    this.#pool = pool
    this.#options = options
    this.#room = options.queueLength
    this.#laneCount = Math.min(pool.size, options.maxConcurrency)
    this.#firstLane = setup.id % pool.size
  }

  async start(): Promise<void> {
    const outcome = await new Promise<GuestOutcome>((resolve) => {
      this.#send(START_ITEM, WASM_DEFAULTS.startTimeoutMs, { onOutcome: resolve })
    })
    if (outcome.failure === null) return
    if (outcome.failure.code === 'GUEST_START') throw outcome.failure
    throw new GatewayError('GUEST_START', { reason: outcome.failure.message }, outcome.failure)
  }

  submit(item: GuestItem, listener: OutcomeListener): GuestOutcome | null {
    this.#calls += 1
    if (this.#waiting >= this.#room) {
      this.#failures += 1
      const code = this.#isClosed ? 'GUEST_CLOSED' : 'GUEST_QUEUE_FULL'
      return failedOutcome(new GatewayError(code, { filter: this.#setup.name }))
    }
    this.#send(item, this.#options.timeoutMs, listener)
    return null
  }

  /** ItemSender */
  onAnswered(outcome: GuestOutcome): void {
    this.#waiting -= 1
    if (outcome.failure !== null) this.#failures += 1
    if (this.#isClosed && this.#waiting === 0) this.#onIdle?.()
  }

  status(): ExecutorStatus {
    return {
      isolation: 'worker',
      queued: this.#waiting,
      running: 0,
      calls: this.#calls,
      failures: this.#failures,
      ...this.#pool.instancesOf(this.#setup.id),
    }
  }

  /** Resolves when the items under way are answered, its instances freed, and what they logged is heard. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#room = 0
    if (this.#waiting > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve
      })
    }
    await this.#pool.drop(this.#setup.id)
  }

  #send(item: GuestItem, timeoutMs: number, listener: OutcomeListener): void {
    this.#waiting += 1
    const { queueTimeoutMs, refusal = null } = this.#options
    this.#pool.submit(
      new QueuedItem(
        this.#setup,
        item,
        timeoutMs,
        queueTimeoutMs,
        this.#firstLane,
        this.#laneCount,
        this,
        listener,
        null,
        refusal,
      ),
    )
  }
}

/** Not a request: makes the instance, so that a module that fails at its start is refused before traffic. */
const START_ITEM: GuestItem = emptyInput(Phase.start)
