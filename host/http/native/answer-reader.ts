import { Body, type BodySource } from '../../exchange/body.ts'
import { Response } from '../../exchange/response.ts'
import { BodyReader } from './body-reader.ts'
import { copyOf, wholeBody } from './bytes.ts'
import { BROKEN, DONE } from './chunked.ts'
import { INCOMPLETE, REFUSED } from './head.ts'
import { HeadBuffer } from './head-buffer.ts'
import type { ReadBuffer } from './read-buffer.ts'
import { ResponseHead } from './response-head.ts'

/** Interim answers (1xx) before the answer itself. */
export const MAX_INTERIM = 16

/** Whom an answer is read for. */
export interface AnswerOwner extends BodySource {
  /** The answer is here; `isWhole` with its body, `isExact` and nothing behind it. `head` holds for this call. */
  onAnswer(response: Response, head: ResponseHead, isWhole: boolean, isExact: boolean): void
  /** The last byte of a streamed body is here. */
  onAnswerRead(body: Body, trailers: string[] | null, isExact: boolean): void
  /** The upstream goes over to the protocol that was asked for; `rest` came with the head. */
  onUpgraded(response: Response, rest: Buffer | null): void
  /** What came is no valid answer. */
  onBroken(reason: string): void
}

/** Parsing never outlives the call that started it: all connections share one parser. */
const head = new ResponseHead()

/** Reads the answers on one upstream connection, one after the other. */
export class AnswerReader {
  /** A byte of the current answer has arrived. */
  hasBytes = false
  readonly #owner: AnswerOwner
  readonly #held: HeadBuffer = new HeadBuffer()
  readonly #body: BodyReader
  #isHead = false
  /** The protocol that was asked for, in lowercase, or "". */
  #upgrade = ''
  #interim = 0

  constructor(reads: ReadBuffer, owner: AnswerOwner) {
    this.#owner = owner
    this.#body = new BodyReader(reads)
  }

  /** Body bytes of the current answer so far. */
  get received(): number {
    return this.#body.received
  }

  /** Expects the answer to a request with this method, and with an upgrade to `upgrade` unless it is "". */
  expect(method: string, upgrade: string): void {
    this.#isHead = method === 'HEAD'
    this.#upgrade = upgrade
    this.hasBytes = false
    this.#interim = 0
  }

  /** Takes `bytes[0, length)`; the memory is used again after the call. */
  feed(bytes: Buffer, length: number): void {
    this.hasBytes = true
    const held = this.#held
    if (this.#body.body !== null) this.#readBody(bytes, 0, length)
    else if (held.length === 0) this.#readHead(bytes, 0, length)
    else {
      held.add(bytes, 0, length)
      this.#readHead(held.bytes, 0, held.length)
    }
  }

  /** The connection has ended: true when that is how the current body was to end. */
  endByClose(): boolean {
    if (this.#body.body === null || !this.#body.isUntilClose) return false
    this.#endBody(true)
    return true
  }

  /** Reads no more; answers the body that was being read. */
  stop(): Body | null {
    this.#held.clear()
    return this.#body.close()
  }

  #readHead(bytes: Buffer, start: number, end: number): void {
    let at = start
    for (;;) {
      const result = head.parse(bytes, at, end)
      if (result === INCOMPLETE) {
        this.#holdHead(bytes, at, end)
        return
      }
      if (result === REFUSED) {
        this.#owner.onBroken(head.reason)
        return
      }
      at = head.end
      if (head.status >= 200) break
      if (head.status === 101 && this.#upgrade !== '' && head.upgrade === this.#upgrade) {
        this.#goOver(bytes, at, end)
        return
      }
      this.#interim += 1
      // 101: nobody asked for another protocol.
      if (head.status === 101 || this.#interim > MAX_INTERIM) {
        this.#owner.onBroken(`the status ${head.status}`)
        return
      }
      if (at === end) {
        this.#held.clear()
        return
      }
    }
    if (bytes === this.#held.bytes) this.#held.clear()
    this.#begin(bytes, at, end)
  }

  #goOver(bytes: Buffer, start: number, end: number): void {
    const rest = start < end ? copyOf(bytes, start, end) : null
    this.#held.clear()
    this.#owner.onUpgraded(new Response(101, head.headers), rest)
  }

  #holdHead(bytes: Buffer, start: number, end: number): void {
    const held = this.#held
    if (bytes === held.bytes && start === 0) return
    const rest = bytes.subarray(start, end)
    held.clear()
    held.add(rest, 0, rest.length)
  }

  /** The head of the answer is here; the rest of the bytes belongs to its body. */
  #begin(bytes: Buffer, start: number, end: number): void {
    const { status, contentLength: length, isChunked } = head
    if (this.#isHead || status === 204 || status === 304) {
      const body = bodiless(status === 204 ? 0 : length)
      this.#owner.onAnswer(new Response(status, head.headers, body), head, true, start === end)
    } else if (!isChunked && length >= 0 && end - start >= length) {
      const body = length === 0 ? Body.none : wholeBody(bytes, start, start + length)
      const isExact = end - start === length
      this.#owner.onAnswer(new Response(status, head.headers, body), head, true, isExact)
    } else {
      const body = Body.stream(this.#owner, length)
      this.#body.open(body, head, -1)
      this.#owner.onAnswer(new Response(status, head.headers, body), head, false, false)
      if (start < end) this.#readBody(bytes, start, end)
    }
  }

  #readBody(bytes: Buffer, start: number, end: number): void {
    const reader = this.#body
    const result = reader.read(bytes, start, end)
    // The consumer may have given up.
    if (reader.body === null) return
    if (result === DONE) this.#endBody(reader.end === end)
    else if (result === BROKEN) this.#owner.onBroken(reader.reason)
  }

  #endBody(isExact: boolean): void {
    const { trailers } = this.#body
    const body = this.#body.close()
    if (body !== null) this.#owner.onAnswerRead(body, trailers, isExact)
  }
}

/** No bytes, but the length that the answer to a GET would have had; -1 when it is not known. */
function bodiless(length: number): Body {
  if (length === 0) return Body.none
  const body = Body.stream(NO_SOURCE, length)
  body.end()
  return body
}

const NO_SOURCE: BodySource = {
  resume: () => undefined,
  pause: () => undefined,
  cancel: () => undefined,
}
