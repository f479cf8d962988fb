import { monotonicMs } from '../../clock.ts'
import { GatewayError } from '../../errors.ts'
import { ChangeLog } from '../change-log.ts'
import { DataDesk } from '../data/data-desk.ts'
import { NO_DATA } from '../data/data-operation.ts'
import type { DataStore } from '../data/data-store.ts'
import type { GuestItem, GuestOutcome, PluginSetup } from '../executor.ts'
import { emptyInput, Phase } from '../guest-call.ts'
import { decodeFrames } from '../guest-frames.ts'
import { type GuestServices, NO_SERVICES } from '../outbound/guest-services.ts'
import { failedOutcome, outcomeOf } from '../outcome.ts'
import { Block, SLOTS, SlotState } from './block.ts'
import { type BesideBodies, bodiesBeside, readChanges, writeRequest } from './codec.ts'
import { ParkedItems, type Resumption } from './parked-items.ts'
import {
  type BatchReply,
  type BatchTask,
  failureOf,
  type LogMessage,
  ResultCode,
  type SlotAnswer,
  type ThreadMessage,
} from './protocol.ts'
import { ThreadLink } from './thread-link.ts'

/** An item on its way: who sent it, who waits for it, since when. */
export class QueuedItem {
  readonly setup: PluginSetup
  readonly item: GuestItem
  readonly timeoutMs: number
  readonly enqueuedAtMs: number
  /** Past this moment the item is no longer worth running. */
  readonly expiresAtMs: number
  /** The lanes it may run on: so many, counted from the first. */
  readonly firstLane: number
  readonly laneCount: number
  readonly complete: (outcome: GuestOutcome) => void
  /** For an item whose guest has waited: with what it goes on, in the thread it waited in. */
  readonly resumption: Resumption | null
  /** Asked before it runs: why it must not, or null. For a version that was suspended while it waited. */
  readonly refusal: (() => GatewayError | null) | null

  constructor(
    setup: PluginSetup,
    item: GuestItem,
    timeoutMs: number,
    queueTimeoutMs: number,
    firstLane: number,
    laneCount: number,
    complete: (outcome: GuestOutcome) => void,
    resumption: Resumption | null = null,
    refusal: (() => GatewayError | null) | null = null,
  ) {
    this.setup = setup
    this.item = item
    this.timeoutMs = timeoutMs
    this.enqueuedAtMs = monotonicMs()
    this.expiresAtMs = this.enqueuedAtMs + queueTimeoutMs
    this.firstLane = firstLane
    this.laneCount = laneCount
    this.complete = complete
    this.resumption = resumption
    this.refusal = refusal
  }
}

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
export class Lane {
  /** Items waiting here or running. */
  load = 0
  /** The thread is up: it has answered once. */
  readonly ready: Promise<void>
  /** Takes items this lane gives back, in their order, and runs them elsewhere or later. */
  onGivenBack: (items: readonly QueuedItem[]) => void = (items) => this.enqueueFirst(items)
  readonly #thread: ThreadLink
  readonly #block = new Block()
  readonly #known = new Set<number>()
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
  #batch: QueuedItem[] = []
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
    this.#parked = new ParkedItems(services, (item, resumption) => this.#resume(item, resumption))
    this.#data = new DataDesk((slot, operation, reply) => {
      const namespace = this.#batch[slot]?.setup.data ?? null
      if (namespace === null) NO_DATA.execute(operation, reply)
      else data.store.execute(namespace, operation, reply)
    })
    const memory = {
      block: this.#block.memory,
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
    if (item.setup.canWait === true && !this.#parked.enter(item)) return
    this.#queue.push(item)
    this.#schedule()
  }

  /** Items in front, in their order: those of a lane that was ended before they ran. */
  enqueueFirst(items: readonly QueuedItem[]): void {
    this.load += items.length
    this.#queue.unshift(
      ...items.filter((item) => item.setup.canWait !== true || this.#parked.enter(item)),
    )
    this.#schedule()
  }

  /** Frees the instance of a setup that will not be used again. */
  drop(setupId: number): void {
    if (!this.#known.delete(setupId)) return
    this.#drops.push(setupId)
    this.#schedule()
  }

  /** The item whose guest runs past its time now, or null. A guest that waits for data does not run. */
  overdue(nowMs: number): QueuedItem | null {
    if (!this.#isRunning) return null
    this.#data.poll()
    if (this.#data.isBusy) return null
    for (let slot = 0; slot < this.#batch.length; slot++) {
      if (this.#block.state(slot) !== SlotState.running) continue
      const item = this.#batch[slot] as QueuedItem
      if (nowMs - this.#block.startedAtMs(slot) <= item.timeoutMs) return null
      // Seen twice: after a stall of the event loop, or of the whole machine, a guest gets a moment more.
      if (this.#suspect === item) return item
      this.#suspect = item
      return null
    }
    return null
  }

  /** Answers the items that waited too long. How long a thread takes to start is not their fault. */
  expire(nowMs: number): void {
    if (!this.#isUp) return
    // These never came in: nobody can follow them.
    for (const item of this.#parked.expire(({ expiresAtMs }) => expiresAtMs <= nowMs)) {
      this.load -= 1
      item.complete(queueFull(item))
    }
    if (this.#queue.length === 0 || (this.#queue[0] as QueuedItem).expiresAtMs > nowMs) return
    const kept: QueuedItem[] = []
    for (const item of this.#queue) {
      if (item.expiresAtMs > nowMs) kept.push(item)
      else this.#answer(item, queueFull(item))
    }
    this.#queue = kept
  }

  /**
   * Ends the thread. What was done is answered, what ran gets `failure`, and what had not started comes
   * back, to be run elsewhere. The lane is of no use afterwards.
   */
  end(failure: (item: QueuedItem, runMs: number) => GatewayError): QueuedItem[] {
    const now = monotonicMs()
    const unrun: QueuedItem[] = []
    const batch = this.#batch
    this.#batch = []
    this.#isEnded = true
    this.#block.results.at = 0
    for (let slot = 0; slot < batch.length; slot++) {
      const item = batch[slot] as QueuedItem
      if (this.#block.move(slot, SlotState.queued, SlotState.taken)) {
        unrun.push(item)
      } else if (this.#block.move(slot, SlotState.running, SlotState.taken)) {
        const startedAtMs = this.#block.startedAtMs(slot)
        // Ahead of now is the start of a new instance.
        const runMs = Math.max(0, now - startedAtMs)
        const queueMs = Math.min(now, startedAtMs) - item.enqueuedAtMs
        this.#answer(item, failedOutcome(failure(item, runMs), runMs, null, queueMs))
      } else {
        this.#answer(item, this.#readOutcome(slot, item))
      }
    }
    unrun.push(...this.#queue)
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
    while (this.#batch.length > 0 || this.#queue.length > 0 || this.#parked.size > 0) {
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
    setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    this.#isFlushScheduled = false
    if (this.#isRunning || (this.#queue.length === 0 && this.#drops.length === 0)) return
    const task = this.#fill()
    this.#isRunning = true
    this.#thread.give(task)
  }

  /** Moves as many queued items into the block as it takes. */
  #fill(): BatchTask {
    const block = this.#block
    const queue = this.#queue
    let bodies: BesideBodies[] | null = null
    let installs: PluginSetup[] | null = null
    let answers: SlotAnswer[] | null = null
    let count = 0
    block.requests.at = 0
    const canWait = queue[0]?.setup.canWait === true
    while (count < SLOTS && count < queue.length) {
      const item = queue[count] as QueuedItem
      const refused = item.refusal === null ? null : item.refusal()
      if (refused !== null) {
        queue.splice(count, 1)
        this.#answer(item, failedOutcome(refused, 0, null, monotonicMs() - item.enqueuedAtMs))
        continue
      }
      // Guests that can wait are run in another way: a batch is all of one kind.
      if ((item.setup.canWait === true) !== canWait) break
      if (!writeRequest(block.requests, item.setup.id, item.item)) {
        if (count > 0) break
        // Alone in an empty block and still too large: its head is past every limit of the engines.
        queue.shift()
        this.#answer(item, queueFull(item))
        continue
      }
      if (item.resumption !== null) {
        const { token, answer } = item.resumption
        answers ??= []
        answers.push({ slot: count, token, answer })
      }
      const beside = bodiesBeside(count, item.item)
      if (beside !== null) {
        bodies ??= []
        bodies.push(beside)
      }
      if (!this.#known.has(item.setup.id)) {
        this.#known.add(item.setup.id)
        installs ??= []
        installs.push(item.setup)
      }
      block.reset(count)
      count += 1
    }
    this.#batch = count === queue.length ? queue : queue.slice(0, count)
    this.#queue = count === queue.length ? [] : queue.slice(count)
    const drops = this.#drops.length === 0 ? null : this.#drops
    if (drops !== null) this.#drops = []
    return { count, installs, drops, bodies, canWait, answers }
  }

  #settle(reply: BatchReply): void {
    this.#isRunning = false
    this.#isUp = true
    const batch = this.#batch
    this.#batch = []
    this.#block.results.at = 0
    for (let slot = 0; slot < reply.processed && slot < batch.length; slot++) {
      const item = batch[slot] as QueuedItem
      const isOversize = reply.oversize !== null && slot === reply.processed - 1
      if (this.#block.result(slot) === ResultCode.waiting) {
        this.#park(slot, item, reply)
        continue
      }
      this.#answer(
        item,
        isOversize ? this.#oversizeOutcome(slot, item, reply) : this.#readOutcome(slot, item),
      )
    }
    if (reply.processed < batch.length) {
      const unrun = batch.slice(reply.processed)
      if (reply.isTrapped && batch[0]?.setup.canWait !== true) {
        this.load -= unrun.length
        this.onGivenBack(unrun)
        // In a later turn: whoever counts traps hears of these first, and may suspend the version.
        if (this.#queue.length > 0 || this.#drops.length > 0) this.#schedule()
        return
      }
      this.#queue = unrun.concat(this.#queue)
    }
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

  /** The guest of this slot waits: its call is made now, and the item comes back with the answer. */
  #park(slot: number, item: QueuedItem, { asks }: BatchReply): void {
    readChanges(this.#block.results)
    const ask = asks?.find((one) => one.slot === slot)
    if (ask === undefined) {
      this.#answer(item, lostOutcome())
      return
    }
    const usedMs = (item.resumption?.usedMs ?? 0) + this.#block.runMs(slot)
    const queueMs = item.resumption?.queueMs ?? this.#block.startedAtMs(slot) - item.enqueuedAtMs
    this.#parked.park(item, ask.token, ask.ask, usedMs, queueMs)
  }

  #resume(former: QueuedItem, resumption: Resumption): void {
    const { setup, item, timeoutMs, firstLane, laneCount, complete } = former
    const { usedMs, queueMs } = resumption
    // `complete` of a second part adds to that of the first: only this part is added here.
    const usedBefore = usedMs - (former.resumption?.usedMs ?? 0)
    const isFirst = former.resumption === null
    this.#queue.push(
      new QueuedItem(
        setup,
        emptyInput(Phase.answer, item.requestId),
        Math.max(1, timeoutMs - usedBefore),
        Number.POSITIVE_INFINITY,
        firstLane,
        laneCount,
        (outcome) =>
          complete({
            ...outcome,
            runMs: outcome.runMs + usedBefore,
            queueMs: isFirst ? queueMs : outcome.queueMs,
          }),
        resumption,
      ),
    )
    this.#schedule()
  }

  #answer(item: QueuedItem, outcome: GuestOutcome): void {
    this.load -= 1
    if (item.setup.canWait === true) {
      const next = this.#parked.leave(item)
      if (next !== null) {
        this.#queue.push(next)
        this.#schedule()
      }
    }
    item.complete(outcome)
  }

  #readOutcome(slot: number, item: QueuedItem): GuestOutcome {
    const code = this.#block.result(slot)
    const runMs = this.#block.runMs(slot)
    const queueMs = this.#block.startedAtMs(slot) - item.enqueuedAtMs
    const changes = readChanges(this.#block.results)
    if (code <= ResultCode.trapped) {
      const frames = decodeFrames(String(changes?.values[1] ?? ''))
      const failure = failureOf(code, String(changes?.values[0] ?? ''))
      return failedOutcome(failure, runMs, frames, queueMs)
    }
    const fuel = this.#block.fuel(slot)
    return outcomeOf(code, code === ResultCode.replied, changes, runMs, queueMs, fuel)
  }

  #oversizeOutcome(slot: number, item: QueuedItem, reply: BatchReply): GuestOutcome {
    const code = this.#block.result(slot)
    const changes = new ChangeLog()
    if (reply.oversize !== null) {
      const { kinds, names, values } = reply.oversize
      for (let i = 0; i < kinds.length; i++) {
        changes.push(kinds[i] as number, names[i] as string, values[i] as string | Uint8Array)
      }
    }
    const queueMs = this.#block.startedAtMs(slot) - item.enqueuedAtMs
    const runMs = this.#block.runMs(slot)
    return outcomeOf(code, code === ResultCode.replied, changes, runMs, queueMs)
  }
}

function queueFull(item: QueuedItem): GuestOutcome {
  const failure = new GatewayError('GUEST_QUEUE_FULL', { filter: item.setup.name })
  return failedOutcome(failure, 0, null, monotonicMs() - item.enqueuedAtMs)
}

function lostOutcome(): GuestOutcome {
  return failedOutcome(
    new GatewayError('GUEST_TRAPPED', { reason: 'the thread it waited in was ended' }),
  )
}
