import { LF } from './bytes.ts'

const FIRST_SIZE = 1024
const EMPTY = Buffer.alloc(0)

/**
 * Bytes of a section that did not arrive whole: a head, a trailer section. Grows by doubling, so that a peer
 * that sends byte by byte costs no more copying than one that sends lines.
 */
export class HeadBuffer {
  bytes: Buffer = EMPTY
  length = 0

  /**
   * Adds `bytes[from, to)`; false when parsing again is no use: without a line end nothing can have become
   * complete.
   */
  add(bytes: Buffer, from: number, to: number): boolean {
    const size = to - from
    if (this.length + size > this.bytes.length) this.#grow(this.length + size)
    bytes.copy(this.bytes, this.length, from, to)
    this.length += size
    const lineEnd = this.bytes.indexOf(LF, this.length - size)
    return lineEnd >= 0 && lineEnd < this.length
  }

  clear(): void {
    this.bytes = EMPTY
    this.length = 0
  }

  #grow(size: number): void {
    let capacity = Math.max(FIRST_SIZE, this.bytes.length)
    while (capacity < size) capacity *= 2
    const grown = Buffer.allocUnsafe(capacity)
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
  }
}
