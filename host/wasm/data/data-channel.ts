import { BlockArea } from '../worker/block.ts'
import { DATA_LIMITS } from './data-limits.ts'
import type { DataOperation, DataReply } from './data-operation.ts'

/**
 * Where an operation asked from a thread is:
 *
 *     idle ──thread──▶ asked ──loop──▶ taken ──loop──▶ answered ──thread──▶ idle
 *                        │                                                   ▲
 *                        └──thread──▶ withdrawn ──thread─────────────────────┘
 *
 * `withdrawn`: the wait was too long; nothing was done and nothing will be.
 *
 * It changes by compare-and-exchange where both sides could want to change it, so an operation is done
 * once or not at all, whatever becomes of the thread.
 */
export const ChannelState = { idle: 0, asked: 1, taken: 2, answered: 3, withdrawn: 4 } as const

const STATE = 0
const RINGS = 1
const SLOT = 2
const CONTROL_BYTES = 4 * 4
const NUMBER_BYTES = 3 * 8

/** Stands for "nothing" where a length is expected. */
const ABSENT = -1

/**
 * Numbers, the key, and two values of `swap`; the lengths before them and what aligning takes. A host call
 * reads at most as much from a guest; a key whose bytes are no UTF-8 may grow to three times its length.
 */
const AREA_BYTES = 3 * DATA_LIMITS.keyBytes + 2 * DATA_LIMITS.valueBytes + 64

/**
 * The memory that a thread and the event loop share for key-value data: one operation at a time.
 *
 *     control   Int32 × 4               state, how often the thread rang, slot of the running item
 *     numbers   Int64, Float64 × 2      integer, float, life
 *     area      bytes                   the operation, then in the same place its reply
 */
export class DataChannel {
  readonly memory: SharedArrayBuffer
  readonly #control: Int32Array
  readonly #integer: BigInt64Array
  readonly #floats: Float64Array
  readonly #area: BlockArea

  /** Over `memory` that the other side made, or over new memory. */
  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(CONTROL_BYTES + NUMBER_BYTES + AREA_BYTES)
    this.#control = new Int32Array(this.memory, 0, CONTROL_BYTES / 4)
    this.#integer = new BigInt64Array(this.memory, CONTROL_BYTES, 1)
    this.#floats = new Float64Array(this.memory, CONTROL_BYTES + 8, 2)
    this.#area = new BlockArea(this.memory, CONTROL_BYTES + NUMBER_BYTES, AREA_BYTES)
  }

  get state(): number {
    return Atomics.load(this.#control, STATE)
  }

  /** The slot of the item whose guest asks. */
  get slot(): number {
    return this.#control[SLOT] as number
  }

  /** True when it was in state `from` and is now in `to`. */
  move(from: number, to: number): boolean {
    return Atomics.compareExchange(this.#control, STATE, from, to) === from
  }

  /** For a thread that starts: whatever a former one has left is void. */
  reset(): void {
    Atomics.store(this.#control, STATE, ChannelState.idle)
  }

  /** Thread: lays the operation out and rings. */
  ask(slot: number, operation: DataOperation): void {
    const area = this.#area
    area.at = 0
    area.putInt(operation.kind)
    area.putInt(operation.isLenient ? 1 : 0)
    area.putBytes(Buffer.from(operation.key, 'utf8'))
    area.putBytes(operation.value)
    area.putInt(operation.expected === null ? ABSENT : 0)
    if (operation.expected !== null) area.putBytes(operation.expected)
    this.#integer[0] = operation.integer
    this.#floats[0] = operation.float
    this.#floats[1] = operation.ttlMs
    this.#control[SLOT] = slot
    Atomics.store(this.#control, STATE, ChannelState.asked)
    this.ring()
  }

  /** Loop: what was asked; every part is a copy. */
  readOperation(operation: DataOperation): void {
    const area = this.#area
    area.at = 0
    operation.kind = area.int()
    operation.isLenient = area.int() === 1
    operation.key = Buffer.from(area.bytes()).toString('utf8')
    operation.value = area.bytes()
    operation.expected = area.int() === ABSENT ? null : area.bytes()
    operation.integer = this.#integer[0] as bigint
    operation.float = this.#floats[0] as number
    operation.ttlMs = this.#floats[1] as number
  }

  /** Loop: lays the reply out and wakes the thread. */
  answer(reply: DataReply): void {
    const area = this.#area
    area.at = 0
    area.putInt(reply.code)
    area.putInt(reply.scanned)
    area.putBytes(reply.value)
    this.#integer[0] = reply.integer
    this.#floats[0] = reply.float
    Atomics.store(this.#control, STATE, ChannelState.answered)
    Atomics.notify(this.#control, STATE)
  }

  /** Thread: the reply; its value is a copy. */
  readReply(reply: DataReply): void {
    const area = this.#area
    area.at = 0
    reply.code = area.int()
    reply.scanned = area.int()
    reply.value = area.bytes()
    reply.integer = this.#integer[0] as bigint
    reply.float = this.#floats[0] as number
  }

  /** Thread: sleeps until the state is another than `from`, or for `ms`. */
  sleep(from: number, ms: number): void {
    Atomics.wait(this.#control, STATE, from, ms)
  }

  /** Wakes whoever waits in `rung`. */
  ring(): void {
    Atomics.add(this.#control, RINGS, 1)
    Atomics.notify(this.#control, RINGS)
  }

  get rings(): number {
    return Atomics.load(this.#control, RINGS)
  }

  /**
   * Loop: a promise that is kept when somebody rings after `rings` was read; null when somebody has. It
   * keeps no process alive.
   */
  rung(rings: number): Promise<unknown> | null {
    const waiting = Atomics.waitAsync(this.#control, RINGS, rings)
    return waiting.async ? waiting.value : null
  }
}
