import { GatewayError } from '../errors.ts'
import { type DataPort, NO_DATA } from './data/data-operation.ts'
import {
  type Executor,
  type ExecutorStatus,
  FUEL_SAMPLE,
  type GuestItem,
  type GuestOutcome,
  NOT_MEASURED,
  type PluginSetup,
} from './executor.ts'
import { RunClock } from './fuel/run-clock.ts'
import { framesOf, type GuestFrame } from './guest-frames.ts'
import { HOST_SEAMS, Instance, type InstanceSeams } from './instance.ts'
import { LogRate } from './log-rate.ts'
import { type GuestServices, NO_SERVICES } from './outbound/guest-services.ts'
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
  readonly #services: GuestServices
  readonly #lines = new LogRate()
  readonly #clock = new RunClock()
  #instance: Instance | null = null
  #calls = 0
  #failures = 0
  #isClosed = false

  constructor(
    setup: PluginSetup,
    log: (level: number, message: string, requestId: string) => void,
    data: DataPort = NO_DATA,
    seams: InstanceSeams = HOST_SEAMS,
    services: GuestServices = NO_SERVICES,
  ) {
    this.#services = services
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
      return this.#failed(new GatewayError('GUEST_CLOSED', { filter: this.#setup.name }), 0)
    }
    try {
      this.#instance ??= this.#make()
      const { call } = this.#instance
      this.#clock.start()
      const value = this.#instance.run(item)
      const used = this.#instance.fuelUsed
      const runMs = this.#clock.stop(used)
      const isMeasured = (this.#calls & (FUEL_SAMPLE - 1)) === 1
      const fuel = isMeasured ? used : NOT_MEASURED
      const { hasReplied, noted } = call
      const outcome = outcomeOf(value, hasReplied, call.lendChanges(), runMs, 0, fuel, noted)
      call.unload()
      if (!this.#instance.canReset) this.#instance = null
      return outcome
    } catch (error) {
      const isDry = this.#instance?.isDry ?? false
      const runMs = this.#instance === null ? 0 : this.#clock.stop(this.#instance.fuelUsed)
      // After a trap the state of an instance is unknown: the next item gets a new one.
      this.#instance = null
      const failure = isDry
        ? new GatewayError('GUEST_FUEL', {})
        : error instanceof GatewayError
          ? error
          : trapOf(error)
      return this.#failed(failure, runMs, framesOf(error))
    }
  }

  status(): ExecutorStatus {
    return {
      isolation: 'inline',
      queued: 0,
      running: 0,
      calls: this.#calls,
      failures: this.#failures,
      instances: this.#instance === null ? 0 : 1,
      memoryBytes: this.#instance?.memoryBytes ?? 0,
    }
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.#instance = null
    return Promise.resolve()
  }

  #make(): Instance {
    const requestId = (): string => this.#instance?.call.input.requestId ?? ''
    const pass = (level: number, message: string): void => this.#log(level, message, requestId())
    return new Instance(
      this.#setup,
      (level, message) => this.#lines.pass(level, message, pass),
      this.#data,
      this.#seams,
      (denials) => this.#services.denied(this.#setup.id, denials, requestId()),
      true,
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
