/**
 * The memory one lane shares with its thread. Everything a kill must not lose is in here: which items of
 * the running batch wait, run or are done, since when, and what the done ones answered.
 *
 *     control   Int32  × 2 × slots      state, result of each slot
 *     times     Float64 × 3 × slots     started, ended, on the process's monotonic clock; fuel used
 *     requests  bytes                   records the event loop writes, one a slot
 *     results   bytes                   records the thread writes, one a slot
 *
 * A state changes by compare-and-exchange only, so that after a kill both sides agree on what started:
 *
 *     queued ──thread──▶ running ──thread──▶ done | failed
 *        │                  │
 *        └──loop, at a kill─┴──────────────▶ taken        (the loop got there first)
 */
export const SlotState = { queued: 1, running: 2, done: 3, failed: 4, taken: 5 } as const

/** Items of one batch. */
export const SLOTS = 64
/** Bytes for the records of one batch, each way; bodies that do not fit travel as messages. */
export const AREA_BYTES = 256 * 1024

const CONTROL_BYTES = SLOTS * 2 * 4
/** Numbers of one slot in `times`. */
const TIMES = 3
const TIMES_BYTES = SLOTS * TIMES * 8

export class Block {
  readonly memory: SharedArrayBuffer
  readonly requests: BlockArea
  readonly results: BlockArea
  readonly #control: Int32Array
  readonly #times: Float64Array

  /** Over `memory` that the other side made, or over new memory. */
  constructor(memory?: SharedArrayBuffer) {
    this.memory =
      memory ?? new SharedArrayBuffer(TIMES_BYTES + CONTROL_BYTES + AREA_BYTES + AREA_BYTES)
    this.#times = new Float64Array(this.memory, 0, SLOTS * TIMES)
    this.#control = new Int32Array(this.memory, TIMES_BYTES, SLOTS * 2)
    this.requests = new BlockArea(this.memory, TIMES_BYTES + CONTROL_BYTES, AREA_BYTES)
    this.results = new BlockArea(this.memory, TIMES_BYTES + CONTROL_BYTES + AREA_BYTES, AREA_BYTES)
  }

  state(slot: number): number {
    return Atomics.load(this.#control, slot * 2)
  }

  /** Puts a slot into use for a new batch; no thread looks at it yet. */
  reset(slot: number): void {
    this.#times[slot * TIMES] = 0
    Atomics.store(this.#control, slot * 2, SlotState.queued)
  }

  /** True when the slot was in state `from` and is now in `to`. */
  move(slot: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.#control, slot * 2, from, to) === from
  }

  result(slot: number): number {
    return this.#control[slot * 2 + 1] as number
  }

  setResult(slot: number, result: number): void {
    this.#control[slot * 2 + 1] = result
  }

  startedAtMs(slot: number): number {
    return this.#times[slot * TIMES] as number
  }

  setStarted(slot: number, atMs: number): void {
    this.#times[slot * TIMES] = atMs
  }

  runMs(slot: number): number {
    return (this.#times[slot * TIMES + 1] as number) - (this.#times[slot * TIMES] as number)
  }

  /** The fuel the call has used, or NOT_MEASURED. */
  fuel(slot: number): number {
    return this.#times[slot * TIMES + 2] as number
  }

  setEnded(slot: number, atMs: number, fuel: number): void {
    this.#times[slot * TIMES + 1] = atMs
    this.#times[slot * TIMES + 2] = fuel
  }
}

/** Texts up to here are written character by character: a call into Node costs as much as 30 of them. */
const SHORT = 24

/**
 * A run of bytes written and read in order: whole numbers, latin1 text and bytes, each on a multiple of
 * four. The writer asks `hasRoom` before it writes a record; the reader trusts the writer, which is the
 * host's own code in another thread.
 */
export class BlockArea {
  /** Where the next value is written or read. */
  at = 0
  readonly size: number
  readonly #bytes: Buffer
  readonly #ints: Int32Array

  constructor(memory: SharedArrayBuffer, offset: number, size: number) {
    this.size = size
    this.#bytes = Buffer.from(memory, offset, size)
    this.#ints = new Int32Array(memory, offset, size >> 2)
  }

  hasRoom(bytes: number): boolean {
    return this.at + bytes <= this.size
  }

  putInt(value: number): void {
    this.#ints[this.at >> 2] = value
    this.at += 4
  }

  int(): number {
    const value = this.#ints[this.at >> 2] as number
    this.at += 4
    return value
  }

  /** The whole number at a place that was passed before. */
  intAt(at: number): number {
    return this.#ints[at >> 2] as number
  }

  putText(text: string): void {
    this.beginText(text.length)
    this.addText(text)
    this.endText()
  }

  /** Begins a text of `length` characters that comes in parts: put together first, it would be written twice. */
  beginText(length: number): void {
    this.putInt(length)
  }

  addText(part: string): void {
    const { length } = part
    if (length > SHORT) this.#bytes.latin1Write(part, this.at, length)
    else for (let i = 0; i < length; i++) this.#bytes[this.at + i] = part.charCodeAt(i)
    this.at += length
  }

  endText(): void {
    this.at = (this.at + 3) & ~3
  }

  /** Passes a text over; returns where it stands. */
  passText(): number {
    const length = this.int()
    const start = this.at
    this.at += (length + 3) & ~3
    return start
  }

  /** A part of a text that was passed before. */
  textAt(at: number, length: number): string {
    return length === 0 ? '' : this.#bytes.latin1Slice(at, at + length)
  }

  /** Copies bytes that were passed before to `target`, which has room for them. */
  copyTo(target: Buffer, targetAt: number, at: number, length: number): void {
    this.#bytes.copy(target, targetAt, at, at + length)
  }

  /** Do these bytes say `text`? */
  says(at: number, length: number, text: string): boolean {
    if (text.length !== length) return false
    for (let i = 0; i < length; i++) {
      if (this.#bytes[at + i] !== text.charCodeAt(i)) return false
    }
    return true
  }

  putBytes(bytes: Uint8Array): void {
    this.putInt(bytes.length)
    this.#bytes.set(bytes, this.at)
    this.at += (bytes.length + 3) & ~3
  }

  /** A copy: the area is written again in the next batch. */
  bytes(): Uint8Array {
    const length = this.int()
    const start = this.at
    this.at += (length + 3) & ~3
    const copy = new Uint8Array(length)
    copy.set(this.#bytes.subarray(start, start + length))
    return copy
  }
}
