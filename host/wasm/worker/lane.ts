import { Piscina } from 'piscina'
import { monotonicMs } from '../../clock.ts'
import { GatewayError, reasonOf } from '../../errors.ts'
import { ChangeLog } from '../change-log.ts'
import { DataDesk } from '../data/data-desk.ts'
import { NO_DATA } from '../data/data-operation.ts'
import type { DataStore } from '../data/data-store.ts'
import type { GuestItem, GuestOutcome, PluginSetup } from '../executor.ts'
import { decodeFrames } from '../guest-frames.ts'
import { failedOutcome, outcomeOf } from '../outcome.ts'
import { Block, SLOTS, SlotState } from './block.ts'
import { type BesideBodies, bodiesBeside, readChanges, writeRequest } from './codec.ts'
import {
  type BatchReply,
  type BatchTask,
  type LaneMemory,
  type LogMessage,
  ResultCode,
} from './protocol.ts'

/** An item on its way: who sent it, who waits for it, since when. */
export class QueuedItem {
  readonly setup: PluginSetup
  readonly item: GuestItem
  readonly timeoutMs: number
  /** Past this moment the item is no longer worth running. */
  readonly expiresAtMs: number
  readonly complete: (outcome: GuestOutcome) => void

  constructor(
    setup: PluginSetup,
    item: GuestItem,
    timeoutMs: number,
    expiresAtMs: number,
    complete: (outcome: GuestOutcome) => void,
  ) {
    this.setup = setup
    this.item = item
    this.timeoutMs = timeoutMs
    this.expiresAtMs = expiresAtMs
    this.complete = complete
  }
}

/** Where the key-value data is, and how long a guest waits for it. */
export interface LaneData {
  readonly store: DataStore
  readonly waitMs: number
}

/** The worker's file has the extension of this one: TypeScript in a checkout, JavaScript in a package. */
const THREAD_FILE = new URL(
  import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js',
  import.meta.url,
).href

/**
 * One thread and the items on their way to it. All items of an event-loop tick travel in one Piscina run,
 * and at most one run is under way: waking a thread costs 40 to 130 us, running an item 1 us.
 */
export class Lane {
  /** Items waiting here or running. */
  load = 0
  /** The thread is up: it has answered once. */
  readonly ready: Promise<void>
  readonly #pool: Piscina<BatchTask, BatchReply>
  readonly #block = new Block()
  readonly #known = new Set<number>()
  readonly #data: DataDesk
  readonly #onLog: (message: LogMessage) => void
  #queue: QueuedItem[] = []
  #batch: QueuedItem[] = []
  #drops: number[] = []
  /** The item that was past its time when last looked at. */
  #suspect: QueuedItem | null = null
  #isFlushScheduled = false
  #isRunning = false
  #isClosed = false

  constructor(onLog: (message: LogMessage) => void, data: LaneData) {
    this.#onLog = onLog
    this.#data = new DataDesk((slot, operation, reply) => {
      const namespace = this.#batch[slot]?.setup.data ?? null
      if (namespace === null) NO_DATA.execute(operation, reply)
      else data.store.execute(namespace, operation, reply)
    })
    this.#pool = new Piscina({
      filename: THREAD_FILE,
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      recordTiming: false,
      workerHistogram: false,
      // A guest's thread inherits nothing of the process: no variables, no flags.
      env: {},
      execArgv: [],
      argv: [],
      resourceLimits: { stackSizeMb: 1 },
      workerData: {
        block: this.#block.memory,
        data: this.#data.channel.memory,
        dataWaitMs: data.waitMs,
      } satisfies LaneMemory,
    })
    this.#pool.on('message', (message: LogMessage) => {
      if (message.type === 'guest-log') this.#onLog(message)
    })
    // A thread that dies rejects its run, which is where it is dealt with.
    this.#pool.on('error', () => undefined)
    this.ready = this.#pool
      .run({ count: 0, installs: null, drops: null, bodies: null })
      .then(() => undefined)
    // Whoever waits for `ready` sees the failure; a lane that is closed early has nobody who does.
    this.ready.catch(() => undefined)
  }

  get threadId(): number {
    return this.#pool.threads[0]?.threadId ?? -1
  }

  enqueue(item: QueuedItem): void {
    this.load += 1
    this.#queue.push(item)
    this.#schedule()
  }

  /** Items in front, in their order: those of a lane that was ended before they ran. */
  enqueueFirst(items: readonly QueuedItem[]): void {
    this.load += items.length
    this.#queue.unshift(...items)
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

  /** Answers the items that waited too long. */
  expire(nowMs: number): void {
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
    this.#isClosed = true
    this.#block.results.at = 0
    for (let slot = 0; slot < batch.length; slot++) {
      const item = batch[slot] as QueuedItem
      if (this.#block.move(slot, SlotState.queued, SlotState.taken)) {
        unrun.push(item)
      } else if (this.#block.move(slot, SlotState.running, SlotState.taken)) {
        const runMs = now - this.#block.startedAtMs(slot)
        this.#answer(item, failedOutcome(failure(item, runMs), runMs))
      } else {
        this.#answer(item, this.#readOutcome(slot))
      }
    }
    unrun.push(...this.#queue)
    this.load -= unrun.length
    this.#queue = []
    this.#data.close()
    void this.#pool.destroy()
    return unrun
  }

  /** Waits for what is on its way, then ends the thread. */
  async close(): Promise<void> {
    this.#isClosed = true
    while (this.#isRunning || this.#queue.length > 0) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    await this.#pool.destroy()
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
    this.#pool.run(task).then(this.#settle, this.#fail)
  }

  /** Moves as many queued items into the block as it takes. */
  #fill(): BatchTask {
    const block = this.#block
    const queue = this.#queue
    let bodies: BesideBodies[] | null = null
    let installs: PluginSetup[] | null = null
    let count = 0
    block.requests.at = 0
    while (count < SLOTS && count < queue.length) {
      const item = queue[count] as QueuedItem
      if (!writeRequest(block.requests, item.setup.id, item.item)) {
        if (count > 0) break
        // Alone in an empty block and still too large: its head is past every limit of the engines.
        queue.shift()
        this.#answer(item, queueFull(item))
        continue
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
    return { count, installs, drops, bodies }
  }

  readonly #settle = (reply: BatchReply): void => {
    this.#isRunning = false
    const batch = this.#batch
    this.#batch = []
    this.#block.results.at = 0
    for (let slot = 0; slot < reply.processed && slot < batch.length; slot++) {
      const item = batch[slot] as QueuedItem
      const isOversize = reply.oversize !== null && slot === reply.processed - 1
      this.#answer(item, isOversize ? this.#oversizeOutcome(slot, reply) : this.#readOutcome(slot))
    }
    if (reply.processed < batch.length) {
      this.#queue = batch.slice(reply.processed).concat(this.#queue)
    }
    if (this.#queue.length > 0 || this.#drops.length > 0) this.#flush()
  }

  /** The thread died by itself: what ran is lost, the rest runs on the thread Piscina starts anew. */
  readonly #fail = (error: unknown): void => {
    this.#isRunning = false
    if (this.#isClosed) return
    const batch = this.#batch
    this.#batch = []
    this.#known.clear()
    this.#block.results.at = 0
    const unrun: QueuedItem[] = []
    for (let slot = 0; slot < batch.length; slot++) {
      const item = batch[slot] as QueuedItem
      const state = this.#block.state(slot)
      if (state === SlotState.queued) unrun.push(item)
      else if (state === SlotState.running) {
        this.#answer(
          item,
          failedOutcome(new GatewayError('GUEST_TRAPPED', { reason: reasonOf(error) }, error)),
        )
      } else this.#answer(item, this.#readOutcome(slot))
    }
    this.#queue = unrun.concat(this.#queue)
    if (this.#queue.length > 0) this.#schedule()
  }

  #answer(item: QueuedItem, outcome: GuestOutcome): void {
    this.load -= 1
    item.complete(outcome)
  }

  #readOutcome(slot: number): GuestOutcome {
    const code = this.#block.result(slot)
    const runMs = this.#block.runMs(slot)
    const changes = readChanges(this.#block.results)
    if (code <= ResultCode.trapped) {
      const frames = decodeFrames(String(changes?.values[1] ?? ''))
      return failedOutcome(failureOf(code, String(changes?.values[0] ?? '')), runMs, frames)
    }
    return outcomeOf(code, code === ResultCode.replied, changes, runMs)
  }

  #oversizeOutcome(slot: number, reply: BatchReply): GuestOutcome {
    const code = this.#block.result(slot)
    const changes = new ChangeLog()
    if (reply.oversize !== null) {
      const { kinds, names, values } = reply.oversize
      for (let i = 0; i < kinds.length; i++) {
        changes.push(kinds[i] as number, names[i] as string, values[i] as string | Uint8Array)
      }
    }
    return outcomeOf(code, code === ResultCode.replied, changes, this.#block.runMs(slot))
  }
}

function queueFull(item: QueuedItem): GuestOutcome {
  return failedOutcome(new GatewayError('GUEST_QUEUE_FULL', { filter: item.setup.name }))
}

function failureOf(code: number, reason: string): GatewayError {
  if (code === ResultCode.startFailed) return new GatewayError('GUEST_START', { reason })
  if (code === ResultCode.outOfFuel) return new GatewayError('GUEST_FUEL', {})
  return new GatewayError('GUEST_TRAPPED', { reason })
}
