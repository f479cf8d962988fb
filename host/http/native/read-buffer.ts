import { copyOf } from './bytes.ts'

/** Bytes one read takes at most. */
export const READ_SIZE = 64 * 1024

/** A read of this size is part of a long body: the next one gets memory it may hand on. */
const LONG_READ = READ_SIZE / 4

/** Buffers for long bodies that are kept for the next one. */
const MAX_SPARE = 32

const shared: Buffer = Buffer.allocUnsafeSlow(READ_SIZE)
const sharedWords: Int32Array = new Int32Array(shared.buffer, shared.byteOffset, READ_SIZE / 4)

/** Making one buffer per read costs more than reading: V8 collects garbage for the memory outside of its heap. */
const spare: Buffer[] = []

/** The same memory in words of four bytes, when it is the shared buffer; to make a view takes too long. */
export function wordsOf(bytes: Buffer): Int32Array | null {
  return bytes === shared ? sharedWords : null
}

/**
 * The memory a connection reads into. All connections of a thread share one buffer, because a read is
 * consumed before the next one starts: ten thousand idle connections hold none. What is kept is copied; a
 * long body reads into a buffer of its own, which is handed on as it is and comes back when it was written
 * at once.
 *
 *     shared ──long read──▶ own ──take──▶ lent ──giveBack──▶ own      (else the lent one is gone)
 *       ▲                    │
 *       └── short read, end ─┘  own goes to the spare ones
 */
export class ReadBuffer {
  #own: Buffer | null = null
  #lent: Buffer | null = null
  #isLong = false

  /** The memory for the next read. Asked after each read, so the memory of the last one is free here. */
  next(): Buffer {
    const own = this.#own
    if (this.#isLong) {
      this.#own = own ?? takeSpare()
      return this.#own
    }
    if (own !== null) {
      this.#own = null
      if (own.length === READ_SIZE && spare.length < MAX_SPARE) spare.push(own)
    }
    return shared
  }

  /** A read brought `chunk`: memory of its own. */
  adopt(chunk: Buffer): void {
    this.#own = chunk
  }

  /** Bytes `[from, to)` of what was read, to keep or to give back. */
  take(bytes: Buffer, from: number, to: number): Buffer {
    const size = to - from
    this.#isLong = size >= LONG_READ
    if (size < LONG_READ) return copyOf(bytes, from, to)
    if (bytes === this.#own) {
      this.#own = null
      this.#lent = bytes
      return bytes.subarray(from, to)
    }
    const copy = takeSpare()
    bytes.copy(copy, 0, from, to)
    this.#lent = copy
    return copy.subarray(0, size)
  }

  /** Nobody refers to `chunk`, the last one that was taken. */
  giveBack(chunk: Buffer): void {
    const lent = this.#lent
    this.#lent = null
    if (lent === null || chunk.buffer !== lent.buffer || lent.length !== READ_SIZE) return
    if (this.#own === null) this.#own = lent
    else if (spare.length < MAX_SPARE) spare.push(lent)
  }

  /** The long body is over. */
  reset(): void {
    this.#isLong = false
    this.#lent = null
  }
}

function takeSpare(): Buffer {
  return spare.pop() ?? Buffer.allocUnsafeSlow(READ_SIZE)
}
