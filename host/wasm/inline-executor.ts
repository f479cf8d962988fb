import { monotonicMs } from '../clock.ts'
import { GatewayError } from '../errors.ts'
import { ChangeLog } from './change-log.ts'
import { type DataPort, NO_DATA } from './data/data-operation.ts'
import type { Executor, ExecutorStatus, GuestItem, GuestOutcome, PluginSetup } from './executor.ts'
import { framesOf, type GuestFrame } from './guest-frames.ts'
import { HOST_SEAMS, Instance, type InstanceSeams } from './instance.ts'
import { failedOutcome, outcomeOf, trapOf } from './outcome.ts'

/**
 * Runs guests in the event loop: `isolation: inline`. Nothing is copied and nothing waits, so it is the
 * fastest; and nothing can end a guest but its fuel, so it holds up everything while it runs.
 */
export class InlineExecutor implements Executor {
  readonly #setup: PluginSetup
  readonly #log: (level: number, message: string, requestId: string) => void
  readonly #data: DataPort
  readonly #seams: InstanceSeams
  #instance: Instance | null = null
  #requestId = ''
  #calls = 0
  #failures = 0
  #isClosed = false

  constructor(
    setup: PluginSetup,
    log: (level: number, message: string, requestId: string) => void,
    data: DataPort = NO_DATA,
    seams: InstanceSeams = HOST_SEAMS,
  ) {
    this.#setup = setup
    this.#log = log
    this.#data = data
    this.#seams = seams
  }

  /** The instance that serves the next item; null when that one makes it. */
  get instance(): Instance | null {
    return this.#instance
  }

  /** Drops the instance, as the host may at any time: the next item gets a new one. */
  forget(): void {
    this.#instance = null
  }

  start(): Promise<void> {
    try {
      this.#instance = this.#make()
      return Promise.resolve()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  submit(item: GuestItem): GuestOutcome {
    this.#calls += 1
    if (this.#isClosed) {
      return this.#failed(new GatewayError('GUEST_QUEUE_FULL', { filter: this.#setup.name }), 0)
    }
    const startedAtMs = monotonicMs()
    try {
      this.#requestId = item.requestId
      this.#instance ??= this.#make()
      const { call } = this.#instance
      const value = this.#instance.run(item)
      const runMs = monotonicMs() - startedAtMs
      const outcome = outcomeOf(value, call.hasReplied, takeChanges(call.changes), runMs)
      call.unload()
      if (!this.#instance.canReset) this.#instance = null
      return outcome
    } catch (error) {
      const isDry = this.#instance?.isDry ?? false
      // After a trap the state of an instance is unknown: the next item gets a new one.
      this.#instance = null
      const failure = isDry
        ? new GatewayError('GUEST_FUEL', {})
        : error instanceof GatewayError
          ? error
          : trapOf(error)
      return this.#failed(failure, monotonicMs() - startedAtMs, framesOf(error))
    }
  }

  status(): ExecutorStatus {
    return {
      isolation: 'inline',
      queued: 0,
      running: 0,
      calls: this.#calls,
      failures: this.#failures,
    }
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.#instance = null
    return Promise.resolve()
  }

  #make(): Instance {
    return new Instance(
      this.#setup,
      (level, message) => this.#log(level, message, this.#requestId),
      this.#data,
      this.#seams,
    )
  }

  #failed(
    failure: GatewayError,
    runMs: number,
    frames: readonly GuestFrame[] | null = null,
  ): GuestOutcome {
    this.#failures += 1
    return failedOutcome(failure, runMs, frames)
  }
}

/** The instance uses its log again: what leaves is a copy, and nothing when nothing was changed. */
function takeChanges(log: ChangeLog): ChangeLog | null {
  if (log.size === 0) return null
  const taken = new ChangeLog()
  for (let i = 0; i < log.size; i++) {
    taken.push(log.kinds[i] as number, log.names[i] as string, log.values[i] as string | Uint8Array)
  }
  return taken
}
