import { monotonicMs } from '../../clock.ts'
import { ChangeLog } from '../change-log.ts'
import type { ThreadData } from '../data/thread-data.ts'
import { NOT_MEASURED } from '../executor.ts'
import { encodeFrames, framesOf } from '../guest-frames.ts'
import { type GuestInput, Phase } from '../guest-input.ts'
import type { Instance } from '../instance.ts'
import { WASM_DEFAULTS } from '../limits.ts'
import type { GuestAsk } from '../outbound/guest-ask.ts'
import type { GuestStep } from '../outbound/guest-calls.ts'
import { type Block, SlotState } from './block.ts'
import { sizeOfChanges, writeChanges } from './change-codec.ts'
import {
  type BatchReply,
  type BatchTask,
  failedResult,
  fillFailure,
  ResultCode,
  type SetupMessage,
  type SlotAsk,
} from './protocol.ts'
import { ThreadItem } from './thread-item.ts'

/** An instance and the request it works on, from its first step to its last. */
export interface Seat {
  instance: Instance | null
  requestId: string
}

/** What the guests of one setup have in this thread. */
interface Room {
  readonly setup: SetupMessage
  readonly free: Seat[]
  /** Those that are free and those that wait. */
  readonly seats: Set<Seat>
}

/** What one slot came to. */
interface SlotResult {
  readonly code: number
  readonly answer: ChangeLog
}

/**
 * The guests of a thread that can wait for an answer. While one waits its slot is done as far as the batch
 * goes, its instance stays as it is, and the thread serves others; with the answer it comes back as an item
 * of a later batch. How many instances that takes, the lane sees to.
 */
export class WaitingGuests {
  readonly #block: Block
  readonly #data: ThreadData
  readonly #make: (setup: SetupMessage, seat: Seat) => Instance
  readonly #rooms = new Map<number, Room>()
  readonly #waiting = new Map<number, Seat>()
  readonly #log = new ChangeLog()
  #tokens = 0

  constructor(block: Block, data: ThreadData, make: (setup: SetupMessage, seat: Seat) => Instance) {
    this.#block = block
    this.#data = data
    this.#make = make
  }

  /** Setups that come and go. */
  update({ drops, installs }: BatchTask): void {
    for (const id of drops ?? []) this.#rooms.delete(id)
    for (const setup of installs ?? []) {
      if (setup.canWait === true) this.#rooms.set(setup.id, { setup, free: [], seats: new Set() })
    }
  }

  /** Instances and bytes of their memories, by setup. */
  *usage(): Iterable<readonly [setupId: number, instances: number, bytes: number]> {
    for (const [id, { seats }] of this.#rooms) {
      let count = 0
      let bytes = 0
      for (const { instance } of seats) {
        if (instance === null) continue
        count += 1
        bytes += instance.memoryBytes
      }
      yield [id, count, bytes]
    }
  }

  /** Runs one batch, slot by slot, each to its next step. */
  async run(task: BatchTask): Promise<BatchReply> {
    const block = this.#block
    const asks: SlotAsk[] = []
    block.requests.at = 0
    block.results.at = 0
    for (let slot = 0; slot < task.count; slot++) {
      const beside = task.bodies?.find((bodies) => bodies.slot === slot) ?? null
      // Its guest may ask for it when the block has others.
      const input = new ThreadItem(block.requests).read(beside).keep()
      const room = this.#rooms.get(input.setupId)
      const isCall = input.phase !== Phase.answer && input.phase !== Phase.start
      // Making the instance has a time of its own: it is not the request's.
      const isNew = isCall && (room?.free.at(-1)?.instance ?? null) === null
      block.setStarted(slot, monotonicMs() + (isNew ? WASM_DEFAULTS.startTimeoutMs : 0))
      // Lost to the event loop, which has taken everything that did not run: this thread is being ended.
      if (!block.move(slot, SlotState.queued, SlotState.running)) return replyOf(slot, asks)
      const { code, answer } =
        room === undefined
          ? this.#failed(ResultCode.trapped, 'the thread does not know the plugin')
          : await this.#runSlot(slot, room, input, task, asks)
      block.setEnded(slot, monotonicMs(), NOT_MEASURED)
      block.setResult(slot, code)
      if (!block.results.hasRoom(sizeOfChanges(answer))) {
        return { ...replyOf(slot + 1, asks), oversize: answer.entries() }
      }
      writeChanges(block.results, answer)
      const state = code <= ResultCode.trapped ? SlotState.failed : SlotState.done
      if (!block.move(slot, SlotState.running, state)) return replyOf(slot, asks)
    }
    return replyOf(task.count, asks)
  }

  async #runSlot(
    slot: number,
    room: Room,
    input: GuestInput,
    task: BatchTask,
    asks: SlotAsk[],
  ): Promise<SlotResult> {
    this.#data.slot = slot
    const resumed = task.answers?.find((one) => one.slot === slot) ?? null
    const seat = resumed === null ? takeSeat(room) : this.#waiting.get(resumed.token)
    if (seat === undefined) return this.#failed(ResultCode.trapped, LOST)
    try {
      let step: GuestStep
      if (resumed !== null && seat.instance !== null) {
        this.#waiting.delete(resumed.token)
        step = await seat.instance.resume(resumed.answer)
      } else {
        seat.requestId = input.requestId
        if (seat.instance === null) {
          seat.instance = this.#make(room.setup, seat)
          this.#block.setStarted(slot, monotonicMs())
        }
        step =
          input.phase === Phase.start ? { ask: null, value: 0 } : await seat.instance.begin(input)
      }
      if (step.ask !== null) return this.#wait(slot, seat, step.ask, asks)
      const { call } = seat.instance
      const code = call.hasReplied ? ResultCode.replied : step.value
      const answer = ChangeLog.of(call.changes.entries())
      call.unload()
      if (!seat.instance.canReset) seat.instance = null
      room.free.push(seat)
      return { code, answer }
    } catch (error) {
      const isDry = seat.instance?.isDry ?? false
      // After a trap the state of an instance is unknown: the next item gets a new one.
      seat.instance = null
      room.free.push(seat)
      const now = monotonicMs()
      if (this.#block.startedAtMs(slot) > now) this.#block.setStarted(slot, now)
      const { code, reason } = failedResult(error, isDry)
      return this.#failed(code, reason, encodeFrames(framesOf(error)))
    }
  }

  #wait(slot: number, seat: Seat, ask: GuestAsk, asks: SlotAsk[]): SlotResult {
    this.#tokens += 1
    this.#waiting.set(this.#tokens, seat)
    asks.push({ slot, token: this.#tokens, ask })
    // What the lane reads if this thread is ended before it has heard of the wait.
    return this.#failed(ResultCode.waiting, LOST)
  }

  #failed(code: number, reason: string, frames = ''): SlotResult {
    fillFailure(this.#log, reason, frames)
    return { code, answer: this.#log }
  }
}

const LOST = 'the thread it waited in was ended'

function takeSeat(room: Room): Seat {
  const free = room.free.pop()
  if (free !== undefined) return free
  const seat: Seat = { instance: null, requestId: '' }
  room.seats.add(seat)
  return seat
}

function replyOf(processed: number, asks: readonly SlotAsk[]): BatchReply {
  return { processed, isTrapped: false, oversize: null, asks: asks.length === 0 ? null : asks }
}
