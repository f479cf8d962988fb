import { availableParallelism } from 'node:os'
import { monotonicMs } from '../../clock.ts'
import { GatewayError } from '../../errors.ts'
import { DATA_WAIT_MS } from '../data/data-limits.ts'
import { DataStore } from '../data/data-store.ts'
import { type GuestServices, NO_SERVICES } from '../outbound/guest-services.ts'
import { failedOutcome } from '../outcome.ts'
import { Lane, type LaneData } from './lane.ts'
import type { LogMessage } from './protocol.ts'
import type { QueuedItem } from './queued-item.ts'

/** How often running guests are looked at, while any runs: a deadline is kept to within this. */
const WATCH_MS = 5

/** How long dropped instances are waited for; a thread that is busy with a long batch takes its time. */
const DROP_MS = 1_000

/** How long a spare thread that died waits for its successor. */
const RESPAWN_MS = 100

/** Threads of a trust domain when nothing is said: one core is left to the event loop. */
export function defaultThreads(): number {
  return Math.max(1, Math.min(8, availableParallelism() - 1))
}

/**
 * The threads of one trust domain. They belong to nobody: every plugin of the domain shares them, at
 * about 20 MB each. One more stands by with its code loaded, so that ending a thread leaves no hole.
 */
export class ThreadPool {
  readonly #lanes: Lane[] = []
  readonly #onLog: (message: LogMessage) => void
  readonly #data: LaneData
  #spare: Lane
  #timer: NodeJS.Timeout | null = null
  #isClosed = false
  #replaced = 0

  /** `store` has the key-value data of the domain's guests; default one of their own. */
  constructor(
    threads: number,
    onLog: (message: LogMessage) => void,
    store: DataStore = new DataStore(),
    dataWaitMs: number = DATA_WAIT_MS,
    services: GuestServices = NO_SERVICES,
  ) {
    this.#onLog = onLog
    this.#data = { store, waitMs: dataWaitMs, services }
    for (let i = 0; i < threads; i++) this.#lanes.push(this.#makeLane())
    this.#spare = this.#makeLane()
  }

  get size(): number {
    return this.#lanes.length
  }

  /** Threads that were ended because a guest ran too long, or that ended by themselves. */
  get replaced(): number {
    return this.#replaced
  }

  /** What there is of a setup in all threads: instances, and bytes of their memories. */
  instancesOf(setupId: number): { readonly instances: number; readonly memoryBytes: number } {
    let instances = 0
    let memoryBytes = 0
    for (const lane of this.#lanes) {
      const bytes = lane.memoryOf(setupId)
      if (bytes === null) continue
      instances += lane.instancesOf(setupId)
      memoryBytes += bytes
    }
    return { instances, memoryBytes }
  }

  /** Gives the item to the least loaded of its lanes. */
  submit(item: QueuedItem): void {
    const { firstLane, laneCount } = item
    let best = this.#lanes[firstLane % this.#lanes.length] as Lane
    for (let i = 1; i < laneCount && best.load > 0; i++) {
      const lane = this.#lanes[(firstLane + i) % this.#lanes.length] as Lane
      if (lane.load < best.load) best = lane
    }
    best.enqueue(item)
    // Unreferenced: a gateway that has nothing else to do may end.
    this.#timer ??= setInterval(this.#watch, WATCH_MS).unref()
  }

  /**
   * Frees the instances of a setup that has no items here any more. Resolves when the threads have said that
   * they are gone: what those instances logged came before it.
   */
  async drop(setupId: number): Promise<void> {
    for (const lane of this.#lanes) lane.drop(setupId)
    const endsAtMs = monotonicMs() + DROP_MS
    while (this.instancesOf(setupId).instances > 0 && !this.#isClosed) {
      if (monotonicMs() > endsAtMs) return
      await new Promise((resolve) => setTimeout(resolve, WATCH_MS))
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#lanes, this.#spare].map((lane) => lane.close()))
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  readonly #watch = (): void => {
    const now = monotonicMs()
    let isBusy = false
    for (let i = 0; i < this.#lanes.length; i++) {
      const lane = this.#lanes[i] as Lane
      if (lane.load === 0) continue
      isBusy = true
      if (lane.overdue(now) !== null) this.#replace(i, lane, timedOut)
      lane.expire(now)
    }
    if (!isBusy && this.#timer !== null) {
      clearInterval(this.#timer)
      this.#timer = null
    }
  }

  #makeLane(): Lane {
    const lane = new Lane(this.#onLog, this.#data)
    // Behind what waits already: others come first now.
    lane.onGivenBack = (items) => {
      for (const item of items) this.submit(item)
    }
    lane.onDied = () => this.#bury(lane)
    return lane
  }

  #replace(index: number, lane: Lane, failure: (item: QueuedItem) => GatewayError): void {
    this.#replaced += 1
    const successor = this.#spare.isEnded ? this.#makeLane() : this.#spare
    this.#lanes[index] = successor
    this.#spare = this.#makeLane()
    const unrun = lane.end(failure)
    if (unrun.length > 0) successor.enqueueFirst(unrun)
  }

  /** A thread ended by itself: one of Node's limits, or somebody from outside. */
  #bury(lane: Lane): void {
    if (this.#isClosed) {
      for (const item of lane.end(threadDied)) item.complete(failedOutcome(threadDied()))
      return
    }
    const index = this.#lanes.indexOf(lane)
    if (index >= 0) {
      this.#replace(index, lane, threadDied)
      return
    }
    lane.end(threadDied)
    if (lane !== this.#spare) return
    // Not at once: a thread that cannot even start would be made anew without end.
    setTimeout(() => {
      if (!this.#isClosed && this.#spare === lane) this.#spare = this.#makeLane()
    }, RESPAWN_MS).unref()
  }
}

function timedOut(item: QueuedItem): GatewayError {
  return new GatewayError('GUEST_TIMEOUT', { ms: item.timeoutMs })
}

function threadDied(): GatewayError {
  return new GatewayError('GUEST_TRAPPED', { reason: 'its thread ended' })
}
