import { monotonicMs } from '../../clock.ts'
import type { GatewayError } from '../../errors.ts'
import { ChangeLog } from '../change-log.ts'
import type { GuestOutcome, PluginSetup } from '../executor.ts'
import { decodeFrames } from '../guest-frames.ts'
import { failedOutcome, outcomeOf } from '../outcome.ts'
import { Block, SLOTS, SlotState } from './block.ts'
import { ChangeReader } from './change-codec.ts'
import { type BesideBodies, bodiesBeside, writeRequest } from './codec.ts'
import {
  type BatchReply,
  type BatchTask,
  failureOf,
  ResultCode,
  type SlotAnswer,
} from './protocol.ts'
import type { QueuedItem } from './queued-item.ts'

/** What a batch says of its items. */
export interface BatchEvents {
  /** The item has its outcome. */
  answer(item: QueuedItem, outcome: GuestOutcome): void
  /** The guest of the item waits; `slot` is what its question is found by. */
  wait(item: QueuedItem, slot: number, reply: BatchReply): void
}

/** The items that are under way to a thread and back, and the block of shared memory they lie in. */
export class Batch {
  readonly #block = new Block()
  readonly #events: BatchEvents
  /** Setups the thread has. */
  readonly #known = new Set<number>()
  #items: QueuedItem[] = []
  /** Of the item whose outcome is told now. */
  readonly #changes = new ChangeReader()

  constructor(events: BatchEvents) {
    this.#events = events
  }

  /** What the thread shares. */
  get memory(): SharedArrayBuffer {
    return this.#block.memory
  }

  get size(): number {
    return this.#items.length
  }

  setupAt(slot: number): PluginSetup | null {
    return this.#items[slot]?.setup ?? null
  }

  startedAtMs(slot: number): number {
    return this.#block.startedAtMs(slot)
  }

  /** Milliseconds the guest of this slot has run. */
  runMs(slot: number): number {
    return this.#block.runMs(slot)
  }

  /** The item that runs at this moment and for longer than it may, or null. */
  overdue(nowMs: number): QueuedItem | null {
    const slot = this.#items.findIndex((_, at) => this.#block.state(at) === SlotState.running)
    const item = this.#items[slot]
    if (item === undefined) return null
    return nowMs - this.#block.startedAtMs(slot) > item.timeoutMs ? item : null
  }

  /** True when the thread has this setup; it need not be kept there any more. */
  forget(setupId: number): boolean {
    return this.#known.delete(setupId)
  }

  /** Takes as many items off the front of `queue` as fit; some may be answered at once. */
  fill(queue: QueuedItem[], drops: readonly number[] | null): BatchTask {
    const block = this.#block
    let bodies: BesideBodies[] | null = null
    let installs: PluginSetup[] | null = null
    let answers: SlotAnswer[] | null = null
    let count = 0
    block.requests.at = 0
    const canWait = queue[0]?.canWait === true
    while (count < SLOTS && count < queue.length) {
      const item = queue[count] as QueuedItem
      const refusal = item.refusal === null ? null : item.refusal()
      if (refusal !== null) {
        queue.splice(count, 1)
        this.#events.answer(item, item.unrun(refusal))
        continue
      }
      // Guests that can wait are run in another way: a batch is all of one kind.
      if (item.canWait !== canWait) break
      if (!writeRequest(block.requests, item.setup.id, item.item)) {
        if (count > 0) break
        // Alone in an empty block and still too large: its head is past every limit of the engines.
        queue.shift()
        this.#events.answer(item, item.refused())
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
    this.#items = queue.splice(0, count)
    return { count, installs, drops, bodies, canWait, answers }
  }

  /** Answers what has run, and returns what has not. */
  settle(reply: BatchReply): QueuedItem[] {
    const items = this.#items
    this.#items = []
    this.#block.results.at = 0
    for (let slot = 0; slot < reply.processed && slot < items.length; slot++) {
      const item = items[slot] as QueuedItem
      if (this.#block.result(slot) === ResultCode.waiting) {
        // Its place in the results is passed over, though nothing is in it.
        this.#changes.read(this.#block.results)
        this.#events.wait(item, slot, reply)
        continue
      }
      const isOversize = reply.oversize !== null && slot === reply.processed - 1
      this.#events.answer(
        item,
        isOversize ? this.#oversizeOutcome(slot, item, reply) : this.#outcome(slot, item),
      )
    }
    return items.slice(reply.processed)
  }

  /**
   * The thread is about to be ended: answers what is done, lets `failure` say what becomes of what runs, and
   * returns what had not started.
   */
  end(failure: (item: QueuedItem, runMs: number) => GatewayError): QueuedItem[] {
    const now = monotonicMs()
    const unrun: QueuedItem[] = []
    const items = this.#items
    this.#items = []
    this.#block.results.at = 0
    for (let slot = 0; slot < items.length; slot++) {
      const item = items[slot] as QueuedItem
      if (this.#block.move(slot, SlotState.queued, SlotState.taken)) {
        unrun.push(item)
      } else if (this.#block.move(slot, SlotState.running, SlotState.taken)) {
        const startedAtMs = this.#block.startedAtMs(slot)
        // Ahead of now is the start of a new instance.
        const runMs = Math.max(0, now - startedAtMs)
        const queueMs = Math.min(now, startedAtMs) - item.enqueuedAtMs
        this.#events.answer(item, failedOutcome(failure(item, runMs), runMs, null, queueMs))
      } else {
        this.#events.answer(item, this.#outcome(slot, item))
      }
    }
    return unrun
  }

  #outcome(slot: number, item: QueuedItem): GuestOutcome {
    const code = this.#block.result(slot)
    const runMs = this.#block.runMs(slot)
    const queueMs = this.#block.startedAtMs(slot) - item.enqueuedAtMs
    this.#changes.read(this.#block.results)
    const changes = this.#changes.log
    if (code <= ResultCode.trapped) {
      const [reason = '', frames = ''] = changes.entries().map(([, , text]) => String(text))
      const failure = failureOf(code, reason)
      return failedOutcome(failure, runMs, decodeFrames(frames), queueMs)
    }
    const fuel = this.#block.fuel(slot)
    const given = changes.size === 0 ? null : changes
    return outcomeOf(code, code === ResultCode.replied, given, runMs, queueMs, fuel)
  }

  /** Its changes came in the message, because they did not fit in the block. */
  #oversizeOutcome(slot: number, item: QueuedItem, reply: BatchReply): GuestOutcome {
    const code = this.#block.result(slot)
    const changes = ChangeLog.of(reply.oversize ?? [])
    const queueMs = this.#block.startedAtMs(slot) - item.enqueuedAtMs
    const runMs = this.#block.runMs(slot)
    return outcomeOf(code, code === ResultCode.replied, changes, runMs, queueMs)
  }
}
