import { GatewayError } from '../../errors.ts'
import { Body, type BodySource } from '../../exchange/body.ts'
import type { FullLimits } from '../full-limits.ts'
import { BodyReader, TOO_LARGE } from './body-reader.ts'
import { CR, copyOf, LF, wholeBody } from './bytes.ts'
import { BROKEN, DONE } from './chunked.ts'
import { INCOMPLETE, REFUSED } from './head.ts'
import { HeadBuffer } from './head-buffer.ts'
import type { ReadBuffer } from './read-buffer.ts'
import { RequestHead } from './request-head.ts'

/** Between two requests. */
export const BETWEEN = 0
/** A part of a head is here. */
export const IN_HEAD = 1
export const IN_BODY = 2
/** The request is here as a whole, and its answer is not out. */
export const WHOLE = 3
/** Nothing more is read: what comes is thrown away. */
export const STOPPED = 4

/** Bytes of further requests that are kept while one is answered; past it the client has to wait. */
export const MAX_PIPELINED_BYTES = 64 * 1024

/** Bytes a held head may grow by before it is looked at again without a line end. */
const PARSE_STEP = 1024

/** Parsing never outlives the call that started it: all connections share one parser. */
const head = new RequestHead()

/** Whom a reader reads for. */
export interface ReaderOwner extends BodySource {
  readonly limits: FullLimits
  /** False while answers wait that the client does not read. */
  readonly canTakeRequest: boolean
  /** A valid head is here, and what of the body came with it; `head` holds for this call. */
  onRequest(head: RequestHead, body: Body): void
  /** What came is not valid, or too much: answer `status`, end `body` with `error`, and close. */
  onRefused(status: number, reason: string, error: GatewayError | null): void
  /** The last byte of a body that came after its head is here. */
  onBodyRead(body: Body, trailers: string[] | null): void
}

/**
 * Cuts the bytes of a connection into requests, one at a time: the next is not looked at before `next` says
 * that the answer is out.
 *
 *     BETWEEN ─byte─▶ IN_HEAD ─head─▶ IN_BODY ─last byte─▶ WHOLE ─next─▶ BETWEEN
 *        └──────────────┴──────────────┴─ refused, stop ─────┴──────▶ STOPPED
 */
export class RequestReader {
  phase = BETWEEN
  readonly #owner: ReaderOwner
  readonly #held: HeadBuffer = new HeadBuffer()
  readonly #body: BodyReader
  /** The size of what is held at which parsing is tried again without a line end. */
  #parseAt = 0
  #hasSkippedLine = false
  /** Inside `#consume`: an answer that is out at once must not start a second one. */
  #isConsuming = false

  constructor(reads: ReadBuffer, owner: ReaderOwner) {
    this.#owner = owner
    this.#body = new BodyReader(reads)
  }

  /** Bytes of the current body so far. */
  get received(): number {
    return this.#body.received
  }

  /** Bytes of the current body that are still to come; -1 when that is not known. */
  get left(): number {
    return this.#body.left
  }

  /** Nothing was received that is still to be answered. */
  get isIdle(): boolean {
    return this.phase === BETWEEN && this.#held.length === 0
  }

  /** Takes `bytes[0, length)`; the memory is used again after the call. */
  feed(bytes: Buffer, length: number): void {
    if (this.phase !== IN_HEAD) {
      this.#consume(bytes, length)
      return
    }
    const held = this.#held
    const hasLine = held.add(bytes, 0, length)
    if (!hasLine && held.length < this.#parseAt) return
    this.#parseAt = held.length + PARSE_STEP
    this.#consume(held.bytes, held.length)
  }

  /** The answer is out: goes on with the next request, when there is room for another answer. */
  next(): void {
    if (this.phase === WHOLE) this.phase = BETWEEN
    if (this.phase !== BETWEEN || this.#isConsuming || !this.#owner.canTakeRequest) return
    const { bytes, length } = this.#held
    this.#held.clear()
    this.#owner.resume()
    if (length > 0) this.#consume(bytes, length)
  }

  /** Reads no more requests; answers the bytes that have come after the last one, null for none. */
  release(): Buffer | null {
    const { bytes, length } = this.#held
    const rest = length === 0 ? null : copyOf(bytes, 0, length)
    this.stop()
    return rest
  }

  /** Reads no more; answers the body that was being read. */
  stop(): Body | null {
    this.phase = STOPPED
    this.#held.clear()
    return this.#body.close()
  }

  /** The answer is out before the body is: what is left of it is read and dropped. */
  dropBody(reason: Error): void {
    this.#body.body?.cancel(reason)
  }

  #consume(bytes: Buffer, length: number): void {
    this.#isConsuming = true
    try {
      let at = 0
      while (at < length && this.phase !== STOPPED) {
        if (this.phase === WHOLE || (this.phase === BETWEEN && !this.#owner.canTakeRequest)) {
          this.#hold(bytes, at, length)
          return
        }
        at =
          this.phase === IN_BODY
            ? this.#readBody(bytes, at, length)
            : this.#readHead(bytes, at, length)
      }
    } finally {
      this.#isConsuming = false
    }
  }

  /** Answers where to read on; `end` when all is read, kept or refused. */
  #readHead(bytes: Buffer, start: number, end: number): number {
    let at = start
    if (bytes[at] === CR && !this.#hasSkippedLine) {
      // One empty line before a request is let pass (RFC 9112, section 2.2).
      if (at + 1 === end) return this.#holdHead(bytes, at, end)
      if (bytes[at + 1] === LF) {
        this.#hasSkippedLine = true
        this.#dropHeld(bytes)
        at += 2
        if (at === end) {
          this.phase = BETWEEN
          return end
        }
      }
    }
    const result = head.parse(bytes, at, end, this.#owner.limits)
    if (result === INCOMPLETE) return this.#holdHead(bytes, at, end)
    this.#dropHeld(bytes)
    if (result === REFUSED) {
      this.#owner.onRefused(head.status, head.reason, null)
      return end
    }
    return this.#begin(bytes, head.end, end)
  }

  #holdHead(bytes: Buffer, at: number, end: number): number {
    if (this.phase !== IN_HEAD) {
      this.phase = IN_HEAD
      this.#parseAt = this.#owner.limits.maxRequestLineBytes
    }
    if (bytes !== this.#held.bytes) this.#held.add(bytes, at, end)
    return end
  }

  #dropHeld(bytes: Buffer): void {
    if (bytes === this.#held.bytes) this.#held.clear()
  }

  /** A valid head is here. What of the body came with it is read before anybody acts on the request. */
  #begin(bytes: Buffer, start: number, end: number): number {
    this.#hasSkippedLine = false
    this.phase = WHOLE
    const length = head.isChunked ? -1 : head.contentLength
    if (!head.isChunked && length <= 0) {
      this.#owner.onRequest(head, Body.none)
      return start
    }
    const maxBytes = this.#owner.limits.maxBodyBytes
    if (maxBytes >= 0 && length > maxBytes) {
      this.#refuseTooLarge(maxBytes)
      return end
    }
    if (length > 0 && end - start >= length) {
      this.#owner.onRequest(head, wholeBody(bytes, start, start + length))
      return start + length
    }
    const body = Body.stream(this.#owner, length)
    this.#body.open(body, head, maxBytes)
    this.phase = IN_BODY
    if (start === end) {
      this.#owner.onRequest(head, body)
      return end
    }
    // 100-continue is not asked for any more.
    head.expectsContinue = false
    const next = this.#readBody(bytes, start, end)
    // Broken framing in the first bytes: nobody gets to see the request.
    if (this.phase !== STOPPED) this.#owner.onRequest(head, body)
    return next
  }

  #readBody(bytes: Buffer, start: number, end: number): number {
    const reader = this.#body
    const result = reader.read(bytes, start, end)
    // A consumer of the body may have ended the connection.
    if (this.phase !== IN_BODY) return end
    if (result === DONE) {
      this.phase = WHOLE
      const trailers = reader.trailers
      const body = reader.close()
      if (body !== null) this.#owner.onBodyRead(body, trailers)
      return reader.end
    }
    if (result === BROKEN) this.#owner.onRefused(reader.status, reader.reason, null)
    else if (result === TOO_LARGE) this.#refuseTooLarge(this.#owner.limits.maxBodyBytes)
    return end
  }

  #refuseTooLarge(limit: number): void {
    const error = new GatewayError('REQUEST_BODY_TOO_LARGE', { limit })
    this.#owner.onRefused(413, error.message, error)
  }

  /** Bytes of further requests, while this one is answered. */
  #hold(bytes: Buffer, start: number, end: number): void {
    this.#held.add(bytes, start, end)
    if (this.#held.length >= MAX_PIPELINED_BYTES) this.#owner.pause()
  }
}
