import { GatewayError } from '../../errors.ts'
import { TurnPhase, type TurnTask, turn } from '../../turn.ts'
import { DataDesk } from '../data/data-desk.ts'
import { NO_DATA } from '../data/data-operation.ts'
import type { DataStore } from '../data/data-store.ts'
import type { GuestOutcome } from '../executor.ts'
import { type GuestServices, NO_SERVICES } from '../outbound/guest-services.ts'
import { failedOutcome } from '../outcome.ts'
import { Batch } from './batch.ts'
import { ParkedItems } from './parked-items.ts'
import type { BatchReply, LogMessage, ThreadMessage } from './protocol.ts'
import type { QueuedItem } from './queued-item.ts'
import { ThreadLink } from './thread-link.ts'

/** Where the key-value data is, how long a guest waits for it, and who makes the calls of guests. */
export interface LaneData {
  readonly store: DataStore
  readonly waitMs: number
  /** Default: nobody is called. */
  readonly services?: GuestServices
}

/** How often a lane that is to be closed looks whether its guests still wait. */
const PARKED_POLL_MS = 5

/**
 * One thread and the items on their way to it. All items of an event-loop tick travel in one batch, and at
 * most one batch is under way: waking a thread costs more than running an item.
 */
export class Lane implements TurnTask {
  /** Items waiting here or running. */
  load = 0
  /** The thread is up: it has answered once. */
  readonly ready: Promise<void>
  /** Takes items this lane gives back, in their order, and runs them elsewhere or later. */
  onGivenBack: (items: readonly QueuedItem[]) => void = (items) => this.enqueueFirst(items)
  readonly #thread: ThreadLink
  readonly #batch: Batch
  /** The thread is gone, by itself: whoever hears it ends this lane and runs its items elsewhere. */
  onDied: () => void = () => undefined
  /** Bytes of the memories of the instances in the thread, by setup. */
  #instances: ReadonlyMap<number, number> = new Map()
  /** How many of them there are, by setup. */
  #counts: ReadonlyMap<number, number> = new Map()
  readonly #data: DataDesk
  readonly #onLog: (message: LogMessage) => void
  readonly #parked: ParkedItems<QueuedItem>
  #queue: QueuedItem[] = []
  #drops: number[] = []
  /** The item that was past its time when last looked at. */
  #suspect: QueuedItem | null = null
  #isFlushScheduled = false
  /** A batch is under way; the first is the thread's start. */
  #isRunning = true
  #isUp = false
  #isEnded = false

  constructor(onLog: (message: LogMessage) => void, data: LaneData) {
    this.#onLog = onLog
    const services = data.services ?? NO_SERVICES
    this.#parked = new ParkedItems(services, (item, resumption) => {
      this.#queue.push(item.resumed(resumption))
      this.#schedule()
    })
    this.#batch = new Batch({
      answer: (item, outcome) => this.#answer(item, outcome),
      wait: (item, slot, reply) => this.#park(item, slot, reply),
    })
    this.#data = new DataDesk((slot, operation, reply) => {
      const namespace = this.#batch.setupAt(slot)?.data ?? null
      if (namespace === null) NO_DATA.execute(operation, reply)
      else data.store.execute(namespace, operation, reply)
    })
    const memory = {
      block: this.#batch.memory,
      data: this.#data.channel.memory,
      dataWaitMs: data.waitMs,
    }
    this.#thread = new ThreadLink(memory, {
      onReply: (reply) => this.#settle(reply),
      onMessage: (message) => this.#hear(message, services),
      onDied: () => {
        this.#isRunning = false
        if (!this.#isEnded) this.onDied()
      },
    })
    this.ready = this.#thread.ready
  }

  get threadId(): number {
    return this.#thread.threadId
  }

  /** Of no use any more. */
  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Instances of a setup here. */
  instancesOf(setupId: number): number {
    return this.#counts.get(setupId) ?? 0
  }

  /** Bytes of the memories of a setup's instances here; null when there is none. */
  memoryOf(setupId: number): number | null {
    return this.#instances.get(setupId) ?? null
  }

  enqueue(item: QueuedItem): void {
    this.load += 1
    if (item.canWait && !this.#parked.enter(item)) return
    this.#queue.push(item)
    this.#schedule()
  }

  /** Items in front, in their order: those of a lane that was ended before they ran. */
  enqueueFirst(items: readonly QueuedItem[]): void {
    this.load += items.length
    this.#queue.unshift(...items.filter((item) => !item.canWait || this.#parked.enter(item)))
    this.#schedule()
  }

  /** Frees the instance of a setup that will not be used again. */
  drop(setupId: number): void {
    if (!this.#batch.forget(setupId)) return
    this.#drops.push(setupId)
    this.#schedule()
  }

  /** The item whose guest runs past its time now, or null. A guest that waits for data does not run. */
  overdue(nowMs: number): QueuedItem | null {
    if (!this.#isRunning) return null
    this.#data.poll()
    if (this.#data.isBusy) return null
    const item = this.#batch.overdue(nowMs)
    // Seen twice: after a stall of the event loop, or of the whole machine, a guest gets a moment more.
    if (item === null || this.#suspect === item) return item
    this.#suspect = item
    return null
  }

  /** Answers the items that waited too long. How long a thread takes to start is not their fault. */
  expire(nowMs: number): void {
    if (!this.#isUp) return
    // These never came in: nobody can follow them.
    for (const item of this.#parked.expire(({ expiresAtMs }) => expiresAtMs <= nowMs)) {
      this.load -= 1
      item.complete(item.refused())
    }
    if (this.#queue.length === 0 || (this.#queue[0] as QueuedItem).expiresAtMs > nowMs) return
    const kept: QueuedItem[] = []
    for (const item of this.#queue) {
      if (item.expiresAtMs > nowMs) kept.push(item)
      else this.#answer(item, item.refused())
    }
    this.#queue = kept
  }

  /**
   * Ends the thread. What was done is answered, what ran gets `failure`, and what had not started comes
   * back, to be run elsewhere. The lane is of no use afterwards.
   */
  end(failure: (item: QueuedItem, runMs: number) => GatewayError): QueuedItem[] {
    this.#isEnded = true
    const unrun = this.#batch.end(failure).concat(this.#queue)
    this.#queue = []
    const { lost, held } = this.#parked.clear()
    // What has waited here cannot go on anywhere else.
    const movable = unrun.filter((item) => item.resumption === null).concat(held)
    lost.push(...unrun.filter((item) => item.resumption !== null))
    for (const item of lost) this.#answer(item, lostOutcome())
    this.load -= movable.length
    this.#data.close()
    void this.#thread.end()
    return movable
  }

  /** Waits for what is on its way, then ends the thread. */
  async close(): Promise<void> {
    while (this.#batch.size > 0 || this.#queue.length > 0 || this.#parked.size > 0) {
      // An answer may take seconds; what runs takes none.
      await new Promise((resolve) => {
        if (this.#parked.size > 0) setTimeout(resolve, PARKED_POLL_MS)
        else setImmediate(resolve)
      })
    }
    this.#isEnded = true
    await this.#thread.end()
    this.#data.close()
  }

  #schedule(): void {
    if (this.#isFlushScheduled || this.#isRunning) return
    this.#isFlushScheduled = true
    // After the I/O of this tick: everything it brought travels together.
    turn.schedule(TurnPhase.hand, this)
  }

  /** TurnTask */
  onTurn(): void {
    this.#isFlushScheduled = false
    this.#flush()
  }

  #flush(): void {
    if (this.#isRunning || (this.#queue.length === 0 && this.#drops.length === 0)) return
    const drops = this.#drops.length === 0 ? null : this.#drops
    if (drops !== null) this.#drops = []
    const task = this.#batch.fill(this.#queue, drops)
    this.#isRunning = true
    this.#thread.give(task)
  }

  #settle(reply: BatchReply): void {
    this.#isRunning = false
    this.#isUp = true
    const unrun = this.#batch.settle(reply)
    if (reply.isTrapped && unrun[0]?.canWait === false) {
      this.load -= unrun.length
      this.onGivenBack(unrun)
      // In a later turn: whoever counts traps hears of these first, and may suspend the version.
      if (this.#queue.length > 0 || this.#drops.length > 0) this.#schedule()
      return
    }
    if (unrun.length > 0) this.#queue = unrun.concat(this.#queue)
    if (this.#queue.length > 0 || this.#drops.length > 0) this.#flush()
  }

  #hear(message: ThreadMessage, services: GuestServices): void {
    if (message.type === 'guest-log') this.#onLog(message)
    else if (message.type === 'denied') {
      services.denied(message.setupId, message.denials, message.requestId)
    } else {
      const { setups, bytes, counts } = message
      this.#instances = new Map(setups.map((id, i) => [id, bytes[i] ?? 0]))
      this.#counts = new Map(setups.map((id, i) => [id, counts[i] ?? 0]))
    }
  }

  /** The guest of this item waits: its call is made now, and the item comes back with the answer. */
  #park(item: QueuedItem, slot: number, { asks }: BatchReply): void {
    const ask = asks?.find((one) => one.slot === slot)
    if (ask === undefined) {
      this.#answer(item, lostOutcome())
      return
    }
    const usedMs = (item.resumption?.usedMs ?? 0) + this.#batch.runMs(slot)
    const queueMs = item.resumption?.queueMs ?? this.#batch.startedAtMs(slot) - item.enqueuedAtMs
    this.#parked.park(item, ask.token, ask.ask, usedMs, queueMs)
  }

  #answer(item: QueuedItem, outcome: GuestOutcome): void {
    this.load -= 1
    if (item.canWait) {
      const next = this.#parked.leave(item)
      if (next !== null) {
        this.#queue.push(next)
        this.#schedule()
      }
    }
    item.complete(outcome)
  }
}

function lostOutcome(): GuestOutcome {
  return failedOutcome(
    new GatewayError('GUEST_TRAPPED', { reason: 'the thread it waited in was ended' }),
  )
}
