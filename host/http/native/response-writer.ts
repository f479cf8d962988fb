import type { Socket } from 'node:net'
import type { Body, BodySink } from '../../exchange/body.ts'
import type { Response } from '../../exchange/response.ts'
import { dateLine, fieldLines, MAX_TEXT_LENGTH, statusLine } from './head-text.ts'

/** How the request asks to be answered. */
export interface AnswerTo {
  readonly isHead: boolean
  readonly isHttp10: boolean
  /** The connection stays open after this answer. */
  readonly isPersistent: boolean
}

/** Told when an answer has been handed to the socket, or has broken off. */
export interface WriterOwner {
  onAnswered(isComplete: boolean): void
  /** The body broke off and nothing of the answer was written. */
  onUnsent(): void
}

const LENGTH = 0
const CHUNKED = 1
/** HTTP/1.0 without a length: the end of the connection is the end of the body. */
const UNTIL_CLOSE = 2

/** Streamed pieces up to this size travel as text together with their framing, in one write. */
const SMALL_PIECE = 8 * 1024

/**
 * Writes answers to one connection, one after the other: status line, Date, framing and Connection are
 * written here and nowhere else. A small whole answer is one write of one text; a streamed body passes
 * piece by piece, each flushed at once, and asks its producer to wait while the client does not read.
 */
export class ResponseWriter implements BodySink {
  /** Body bytes of the current answer that were handed to the socket. */
  sentBytes = 0
  /** The status that was sent; 0 while there is none. */
  status = 0
  readonly #socket: Socket
  readonly #owner: WriterOwner
  #framing = LENGTH
  #left = 0
  #body: Body | null = null
  /** The head, as long as it waits for the first piece of the body. */
  #head = ''

  constructor(socket: Socket, owner: WriterOwner) {
    this.#socket = socket
    this.#owner = owner
  }

  /** Is an answer under way? */
  get isBusy(): boolean {
    return this.#body !== null
  }

  /** Sends `response`; false when its head cannot be sent as it is, and then nothing was written. */
  start(response: Response, to: AnswerTo): boolean {
    const status = response.status
    const fields = fieldLines(response.headers.list)
    if (fields === null || !(status >= 200 && status <= 599)) return false
    let head = statusLine(status) + fields
    if (!response.headers.has('date')) head += dateLine()
    if (!to.isPersistent) head += 'connection: close\r\n'
    else if (to.isHttp10) head += 'connection: keep-alive\r\n'

    const body = response.body
    this.sentBytes = 0
    this.status = status
    if (to.isHead || status === 204 || status === 304) {
      this.#socket.write(head + bodilessFraming(status, to.isHead, body), 'latin1')
      body.cancel(UNWANTED)
      this.#owner.onAnswered(true)
    } else if (body.isWhole && body.trailers === null) this.#sendWhole(head, body)
    else this.#sendStream(head, body, to)
    return true
  }

  /** The socket has room again. */
  onDrain(): void {
    this.#body?.resume()
  }

  /** The client is gone: whoever produces the body stops. */
  abort(error: Error): void {
    const body = this.#body
    this.#body = null
    body?.cancel(error)
  }

  write(chunk: Buffer): boolean {
    if (this.#body === null || chunk.length === 0) return true
    if (this.#framing === LENGTH && chunk.length > this.#left) {
      this.#breakOff()
      return true
    }
    this.#left -= chunk.length
    this.sentBytes += chunk.length
    const socket = this.#socket
    const isChunked = this.#framing === CHUNKED
    let before = this.#head
    this.#head = ''
    if (isChunked) before += `${chunk.length.toString(16)}\r\n`
    if (chunk.length <= SMALL_PIECE) {
      const text = before + chunk.latin1Slice()
      return socket.write(isChunked ? `${text}\r\n` : text, 'latin1')
    }
    if (before === '' && !isChunked) return socket.write(chunk)
    // One system call for the three parts.
    socket.cork()
    socket.write(before, 'latin1')
    const hasRoom = socket.write(chunk)
    if (isChunked) socket.write('\r\n', 'latin1')
    socket.uncork()
    return hasRoom
  }

  end(trailers: string[] | null): void {
    if (this.#body === null) return
    if (this.#framing === LENGTH && this.#left !== 0) {
      this.#breakOff()
      return
    }
    const lines = trailers === null ? '' : (fieldLines(trailers) ?? '')
    const last = this.#framing === CHUNKED ? `${this.#head}0\r\n${lines}\r\n` : this.#head
    this.#head = ''
    if (last !== '') this.#socket.write(last, 'latin1')
    this.#finish(true)
  }

  fail(_error: Error): void {
    if (this.#body === null) return
    if (this.#head === '') this.#finish(false)
    else {
      this.#body = null
      this.#head = ''
      this.status = 0
      this.#owner.onUnsent()
    }
  }

  #sendWhole(head: string, body: Body): void {
    const bytes = body.whole()
    const socket = this.#socket
    this.sentBytes = bytes.length
    const start = `${head}content-length: ${bytes.length}\r\n\r\n`
    if (bytes.length <= MAX_TEXT_LENGTH - start.length) {
      socket.write(bytes.length === 0 ? start : start + bytes.latin1Slice(), 'latin1')
    } else {
      socket.cork()
      socket.write(start, 'latin1')
      socket.write(bytes)
      socket.uncork()
    }
    this.#owner.onAnswered(true)
  }

  #sendStream(head: string, body: Body, to: AnswerTo): void {
    this.#body = body
    if (body.announcedLength >= 0) {
      this.#framing = LENGTH
      this.#left = body.announcedLength
      this.#head = `${head}content-length: ${body.announcedLength}\r\n\r\n`
    } else if (to.isHttp10) {
      this.#framing = UNTIL_CLOSE
      this.#head = `${head}\r\n`
    } else {
      this.#framing = CHUNKED
      this.#head = `${head}transfer-encoding: chunked\r\n\r\n`
    }
    // What has arrived already leaves together with the head.
    body.pipe(this)
    if (this.#head === '') return
    this.#socket.write(this.#head, 'latin1')
    this.#head = ''
  }

  /** The body does not keep to the length that was announced: the client must not take it for whole. */
  #breakOff(): void {
    this.#body?.cancel(UNWANTED)
    this.#finish(false)
  }

  #finish(isComplete: boolean): void {
    this.#body = null
    this.#head = ''
    this.#owner.onAnswered(isComplete)
  }
}

/** The length a GET would have had, for HEAD and 304; 204 has no framing at all (RFC 9110, section 8.6). */
function bodilessFraming(status: number, isHead: boolean, body: Body): string {
  if (status === 204) return '\r\n'
  const length = body.isWhole && !body.isEmpty ? body.whole().length : body.announcedLength
  return length > 0 || (isHead && length === 0) ? `content-length: ${length}\r\n\r\n` : '\r\n'
}

const UNWANTED = new Error('nobody reads this body')
