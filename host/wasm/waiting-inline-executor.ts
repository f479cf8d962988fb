import { monotonicMs } from '../clock.ts'
import { GatewayError } from '../errors.ts'
import { type DataPort, NO_DATA } from './data/data-operation.ts'
import type {
  Executor,
  ExecutorStatus,
  GuestItem,
  GuestOutcome,
  OutcomeListener,
  PluginSetup,
} from './executor.ts'
import { framesOf } from './guest-frames.ts'
import { HOST_SEAMS, Instance, type InstanceSeams } from './instance.ts'
import { type GuestServices, NO_SERVICES } from './outbound/guest-services.ts'
import { failedOutcome, outcomeOf, trapOf } from './outcome.ts'

export interface WaitingInlineOptions {
  /** Live instances at most, those that wait for an answer included. */
  readonly maxConcurrency: number
  readonly queueLength: number
  readonly queueTimeoutMs: number
}

/** An instance, and the request it works on. */
interface Seat {
  instance: Instance | null
  requestId: string
}

interface Waiting {
  readonly take: (seat: Seat) => void
  readonly timer: NodeJS.Timeout
}

/**
 * Runs guests that can wait in the event loop: `isolation: inline` for a module that imports an outbound
 * call or a function of the embedder. One instance serves one request at a time, from its first step to its
 * last, so there are as many as requests that wait, up to `maxConcurrency`.
 */
export class WaitingInlineExecutor implements Executor {
  readonly #setup: PluginSetup
  readonly #options: WaitingInlineOptions
  readonly #log: (level: number, message: string, requestId: string) => void
  readonly #data: DataPort
  readonly #seams: InstanceSeams
  readonly #services: GuestServices
  readonly #free: Seat[] = []
  readonly #seats = new Set<Seat>()
  readonly #queue: Waiting[] = []
  #calls = 0
  #failures = 0
  #isClosed = false

  constructor(
    setup: PluginSetup,
    options: WaitingInlineOptions,
    log: (level: number, message: string, requestId: string) => void,
    data: DataPort = NO_DATA,
    seams: InstanceSeams = HOST_SEAMS,
    services: GuestServices = NO_SERVICES,
  ) {
    this.#setup = setup
    this.#options = options
    this.#log = log
    this.#data = data
    this.#seams = seams
    this.#services = services
  }

  /** An instance that serves nobody now; null when there is none. */
  get instance(): Instance | null {
    return this.#free.at(-1)?.instance ?? null
  }

  /** Drops the instances that serve nobody, as the host may at any time. */
  forget(): void {
    for (const seat of this.#free) seat.instance = null
  }

  start(): Promise<void> {
    try {
      const seat: Seat = { instance: null, requestId: '' }
      seat.instance = this.#make(seat)
      this.#seats.add(seat)
      this.#free.push(seat)
      return Promise.resolve()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  submit(item: GuestItem, listener: OutcomeListener): null {
    void this.#serve(item).then((outcome) => listener.onOutcome(outcome))
    return null
  }

  async #serve(item: GuestItem): Promise<GuestOutcome> {
    this.#calls += 1
    const askedAtMs = monotonicMs()
    const seat = this.#isClosed ? null : await this.#takeSeat()
    const queueMs = monotonicMs() - askedAtMs
    if (seat === null) {
      this.#failures += 1
      const code = this.#isClosed ? 'GUEST_CLOSED' : 'GUEST_QUEUE_FULL'
      const refused = new GatewayError(code, { filter: this.#setup.name })
      return failedOutcome(refused, 0, null, queueMs)
    }
    const outcome = await this.#run(seat, item, queueMs)
    if (outcome.failure !== null) this.#failures += 1
    this.#giveBack(seat)
    return outcome
  }

  status(): ExecutorStatus {
    let memoryBytes = 0
    let instances = 0
    for (const { instance } of this.#seats) {
      if (instance === null) continue
      instances += 1
      memoryBytes += instance.memoryBytes
    }
    return {
      isolation: 'inline',
      queued: this.#queue.length,
      running: this.#seats.size - this.#free.length,
      calls: this.#calls,
      failures: this.#failures,
      instances,
      memoryBytes,
    }
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.#free.length = 0
    return Promise.resolve()
  }

  async #run(seat: Seat, item: GuestItem, queueMs: number): Promise<GuestOutcome> {
    let runMs = 0
    let resumedAtMs = monotonicMs()
    try {
      seat.requestId = item.requestId
      seat.instance ??= this.#make(seat)
      const { instance } = seat
      let step = await instance.begin(item)
      while (step.ask !== null) {
        runMs += monotonicMs() - resumedAtMs
        const answer = await this.#services.calls.call(this.#setup, step.ask, item, null)
        resumedAtMs = monotonicMs()
        step = await instance.resume(answer)
      }
      runMs += monotonicMs() - resumedAtMs
      const { call } = instance
      const changes = call.takeChanges()
      const outcome = outcomeOf(step.value, call.hasReplied, changes, runMs, queueMs)
      call.unload()
      if (!instance.canReset) seat.instance = null
      return outcome
    } catch (error) {
      const isDry = seat.instance?.isDry ?? false
      // After a trap the state of an instance is unknown: the next item gets a new one.
      seat.instance = null
      const failure = isDry
        ? new GatewayError('GUEST_FUEL', {})
        : error instanceof GatewayError
          ? error
          : trapOf(error)
      runMs += monotonicMs() - resumedAtMs
      return failedOutcome(failure, runMs, framesOf(error), queueMs)
    }
  }

  /** A seat now, or when one is free; null when that takes too long. */
  #takeSeat(): Seat | null | Promise<Seat | null> {
    const free = this.#free.pop()
    if (free !== undefined) return free
    if (this.#seats.size < this.#options.maxConcurrency) {
      const seat: Seat = { instance: null, requestId: '' }
      this.#seats.add(seat)
      return seat
    }
    if (this.#queue.length >= this.#options.queueLength) return null
    return new Promise((resolve) => {
      const waiting: Waiting = {
        take: (seat) => {
          clearTimeout(timer)
          resolve(seat)
        },
        timer: setTimeout(() => {
          this.#queue.splice(this.#queue.indexOf(waiting), 1)
          resolve(null)
        }, this.#options.queueTimeoutMs),
      }
      const { timer } = waiting
      this.#queue.push(waiting)
    })
  }

  #giveBack(seat: Seat): void {
    const next = this.#queue.shift()
    if (next !== undefined) next.take(seat)
    else if (!this.#isClosed) this.#free.push(seat)
  }

  #make(seat: Seat): Instance {
    return new Instance(
      this.#setup,
      (level, message) => this.#log(level, message, seat.requestId),
      this.#data,
      this.#seams,
      (denials) => this.#services.denied(this.#setup.id, denials, seat.requestId),
    )
  }
}
