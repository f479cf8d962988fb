import { copyOf } from './bytes.ts'

/** Bytes one read takes at most. */
export const READ_SIZE = 64 * 1024

/** A read of this size is part of a long body: the next one gets a buffer it may keep. */
const LONG_READ = READ_SIZE / 4

const shared: Buffer = Buffer.allocUnsafeSlow(READ_SIZE)
const sharedWords: Int32Array = new Int32Array(shared.buffer, shared.byteOffset, READ_SIZE / 4)

/** The same memory in words of four bytes, when it is the shared buffer; to make a view takes too long. */
export function wordsOf(bytes: Buffer): Int32Array | null {
  return bytes === shared ? sharedWords : null
}

/**
 * The memory a connection reads into. All connections of a thread share one buffer, because a read is
 * consumed before the next one starts: ten thousand idle connections hold none. What is kept is copied;
 * a long body reads into memory of its own that is handed on as it is.
 */
export class ReadBuffer {
  #own: Buffer | null = null
  #isLong = false

  /** The memory for the next read. */
  next(): Buffer {
    if (!this.#isLong) return shared
    this.#own ??= Buffer.allocUnsafeSlow(READ_SIZE)
    return this.#own
  }

  /** A read brought `chunk`: memory of its own. */
  adopt(chunk: Buffer): void {
    this.#own = chunk
  }

  /** Bytes `[from, to)` of what was read, to keep. */
  take(bytes: Buffer, from: number, to: number): Buffer {
    const size = to - from
    this.#isLong = size >= LONG_READ
    if (bytes !== this.#own || size < LONG_READ) return copyOf(bytes, from, to)
    this.#own = null
    return bytes.subarray(from, to)
  }

  /** The long body is over. */
  reset(): void {
    this.#isLong = false
    this.#own = null
  }
}
