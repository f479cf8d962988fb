import { availableParallelism } from 'node:os'
import { monotonicMs } from '../../clock.ts'
import { GatewayError } from '../../errors.ts'
import { DATA_WAIT_MS } from '../data/data-limits.ts'
import { DataStore } from '../data/data-store.ts'
import { Lane, type LaneData, type QueuedItem } from './lane.ts'
import type { LogMessage } from './protocol.ts'

/** How often running guests are looked at, while any runs: a deadline is kept to within this. */
const WATCH_MS = 5

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
  ) {
    this.#onLog = onLog
    this.#data = { store, waitMs: dataWaitMs }
    for (let i = 0; i < threads; i++) this.#lanes.push(new Lane(onLog, this.#data))
    this.#spare = new Lane(onLog, this.#data)
  }

  get size(): number {
    return this.#lanes.length
  }

  /** Threads that were ended because a guest ran too long. */
  get replaced(): number {
    return this.#replaced
  }

  /** Gives the item to the least loaded of `count` lanes, counted from lane `first`. */
  submit(item: QueuedItem, first: number, count: number): void {
    let best = this.#lanes[first % this.#lanes.length] as Lane
    for (let i = 1; i < count && best.load > 0; i++) {
      const lane = this.#lanes[(first + i) % this.#lanes.length] as Lane
      if (lane.load < best.load) best = lane
    }
    best.enqueue(item)
    // Unreferenced: a gateway that has nothing else to do may end.
    this.#timer ??= setInterval(this.#watch, WATCH_MS).unref()
  }

  drop(setupId: number): void {
    for (const lane of this.#lanes) lane.drop(setupId)
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
      if (lane.overdue(now) !== null) this.#replace(i, lane)
      lane.expire(now)
    }
    if (!isBusy && this.#timer !== null) {
      clearInterval(this.#timer)
      this.#timer = null
    }
  }

  #replace(index: number, lane: Lane): void {
    this.#replaced += 1
    const successor = this.#spare
    this.#lanes[index] = successor
    if (!this.#isClosed) this.#spare = new Lane(this.#onLog, this.#data)
    const unrun = lane.end((item) => new GatewayError('GUEST_TIMEOUT', { ms: item.timeoutMs }))
    if (unrun.length > 0) successor.enqueueFirst(unrun)
  }
}
