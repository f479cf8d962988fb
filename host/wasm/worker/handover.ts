/**
 * Where a thread and its batches are:
 *
 *     away ──loop gives, starts a run──▶ given ──thread answers──▶ waiting ──loop gives──▶ given
 *                                                                    └─ nothing came for a while ─▶ away
 *
 * It changes by compare-and-exchange where both sides could want to change it: a thread that leaves and a
 * batch that comes cannot miss each other.
 */
const HandoverState = { away: 0, waiting: 1, given: 2 } as const

const STATE = 0
const ANSWERS = 1
const COUNT = 2
const FLAGS = 3
const WORDS = 4

/** More about the batch, or about its answer, is in a message. */
export const HAS_MESSAGE = 1
/** The rest of the batch is given back: see `BatchReply.isTrapped`. */
export const IS_TRAPPED = 2

/** How long a thread that has answered waits for the next batch before its run ends. */
export const LINGER_MS = 100

/**
 * A few words that a lane and its thread share: one batch at a time is given and answered. A bell in shared
 * memory costs 10 to 13 us of CPU there and back, a run of Piscina 30 to 46; so a run goes on as long as
 * batches come, and ends when none has come for LINGER_MS: an idle thread keeps no process alive.
 */
export class Handover {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array

  /** Over `memory` that the other side made, or over new memory. */
  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(WORDS * 4)
    this.#words = new Int32Array(this.memory)
  }

  /** Of a batch: its slots. Of an answer: those that were run. */
  get count(): number {
    return this.#words[COUNT] as number
  }

  /** A sum of HAS_MESSAGE and IS_TRAPPED. */
  get flags(): number {
    return this.#words[FLAGS] as number
  }

  /** Loop: gives a batch; false when the thread is away, and a run has to be started for it. */
  give(count: number, flags: number): boolean {
    this.#write(count, flags)
    const { waiting, given } = HandoverState
    if (Atomics.compareExchange(this.#words, STATE, waiting, given) === waiting) {
      Atomics.notify(this.#words, STATE)
      return true
    }
    Atomics.store(this.#words, STATE, given)
    return false
  }

  /** How many batches were answered. */
  get answers(): number {
    return Atomics.load(this.#words, ANSWERS)
  }

  /** Loop: a promise that is kept when there are more than `answers`; null when there are. */
  answered(answers: number): Promise<unknown> | null {
    const waiting = Atomics.waitAsync(this.#words, ANSWERS, answers)
    return waiting.async ? waiting.value : null
  }

  /** Thread: answers the batch and listens for the next. */
  answer(count: number, flags: number): void {
    this.#write(count, flags)
    Atomics.store(this.#words, STATE, HandoverState.waiting)
    this.ring()
  }

  /** Wakes whoever waits in `answered`. */
  ring(): void {
    Atomics.add(this.#words, ANSWERS, 1)
    Atomics.notify(this.#words, ANSWERS)
  }

  /** Thread: sleeps until there is a batch; false when none came, and then the thread is away. */
  next(): boolean {
    const { away, waiting } = HandoverState
    Atomics.wait(this.#words, STATE, waiting, LINGER_MS)
    return Atomics.compareExchange(this.#words, STATE, waiting, away) !== waiting
  }

  #write(count: number, flags: number): void {
    this.#words[COUNT] = count
    this.#words[FLAGS] = flags
  }
}
