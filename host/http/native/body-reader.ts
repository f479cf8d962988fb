import type { Body } from '../../exchange/body.ts'
import { BROKEN, ChunkDecoder, DATA, DONE, MORE } from './chunked.ts'
import type { ReadBuffer } from './read-buffer.ts'

/** The body has more bytes than it may have; `read` answers this beside MORE, DONE and BROKEN. */
export const TOO_LARGE = 4

/** How the end of a body is found (RFC 9112, section 6.3). */
export interface Framing {
  readonly isChunked: boolean
  /** -1 when it is not announced: then the end of the connection is the end of the body. */
  readonly contentLength: number
}

/** Reads the body of one message after the other from the bytes of a connection into `Body`. */
export class BodyReader {
  /** The body that is being read; null between two. */
  body: Body | null = null
  /** Bytes of it so far. */
  received = 0
  /** Bytes that are still to come; -1 when that is not known. */
  left = 0
  /** After DONE: where the next message begins. */
  end = 0
  /** After DONE. */
  trailers: string[] | null = null
  /** After BROKEN. */
  status = 0
  reason = ''
  readonly #reads: ReadBuffer
  #decoder: ChunkDecoder | null = null
  #maxBytes = -1

  constructor(reads: ReadBuffer) {
    this.#reads = reads
  }

  /** Starts with `body`; more than `maxBytes` are refused, -1 for no limit. */
  open(body: Body, framing: Framing, maxBytes: number): void {
    this.body = body
    this.received = 0
    this.left = framing.isChunked ? -1 : framing.contentLength
    this.trailers = null
    this.#decoder = framing.isChunked ? new ChunkDecoder() : null
    this.#maxBytes = maxBytes
  }

  /** Only the end of the connection ends this body. */
  get isUntilClose(): boolean {
    return this.#decoder === null && this.left < 0
  }

  /** Takes what belongs to the body from `bytes[start, end)`. */
  read(bytes: Buffer, start: number, end: number): number {
    const decoder = this.#decoder
    if (decoder !== null) return this.#readChunks(decoder, bytes, start, end)
    const stop = this.left >= 0 && this.left < end - start ? start + this.left : end
    this.received += stop - start
    if (this.left >= 0) this.left -= stop - start
    this.#push(bytes, start, stop)
    this.end = stop
    return this.left === 0 ? DONE : MORE
  }

  /** Lets go of the body, whether it is whole or not. */
  close(): Body | null {
    const body = this.body
    this.body = null
    this.#decoder = null
    this.#reads.reset()
    return body
  }

  #push(bytes: Buffer, start: number, end: number): void {
    const body = this.body
    // A consumer has ended the connection: nobody wants the rest.
    if (body === null) return
    const chunk = this.#reads.take(bytes, start, end)
    if (body.push(chunk)) this.#reads.giveBack(chunk)
  }

  #readChunks(decoder: ChunkDecoder, bytes: Buffer, start: number, end: number): number {
    let at = start
    for (;;) {
      const result = decoder.next(bytes, at, end)
      if (result === DATA) {
        at = decoder.dataEnd
        this.received += at - decoder.dataStart
        if (this.#maxBytes >= 0 && this.received > this.#maxBytes) return TOO_LARGE
        this.#push(bytes, decoder.dataStart, at)
      } else {
        if (result === DONE) {
          this.end = decoder.end
          this.trailers = decoder.trailers
        } else if (result === BROKEN) {
          this.status = decoder.status
          this.reason = decoder.reason
        }
        return result
      }
    }
  }
}
