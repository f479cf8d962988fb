import type { Socket } from 'node:net'
import type { Body, BodySink } from '../../exchange/body.ts'
import { fieldLines, MAX_TEXT_LENGTH } from './head-text.ts'

/** Told how the writing of a streamed body goes. */
export interface BodyWriterOwner {
  /** The last byte of the message was handed to the socket. */
  onBodySent(): void
  /** The body broke off. `isUnsent`: not even the head was written, so something else can be sent. */
  onBodyBroken(error: Error, isUnsent: boolean): void
}

/** How a streamed body is framed: by its length, in chunks, or by the end of the connection (HTTP/1.0). */
export const BY_LENGTH = 0
export const IN_CHUNKS = 1
export const UNTIL_CLOSE = 2

/** Streamed pieces up to this size travel as text together with their framing, in one write. */
export const SMALL_PIECE_BYTES = 8 * 1024

/**
 * Writes the messages of one connection, one after the other. A small whole message is one write of one
 * text; a streamed body passes piece by piece, each flushed at once, and its producer is asked to wait
 * while the peer does not read.
 */
export class BodyWriter implements BodySink {
  /** Body bytes of the current message that were handed to the socket. */
  sentBytes = 0
  framing = BY_LENGTH
  readonly #socket: Socket
  readonly #owner: BodyWriterOwner
  #left = 0
  #body: Body | null = null
  /** The head, as long as it waits for the first piece of the body. */
  #head = ''

  constructor(socket: Socket, owner: BodyWriterOwner) {
    this.#socket = socket
    this.#owner = owner
  }

  /** A streamed body is under way. */
  get isBusy(): boolean {
    return this.#body !== null
  }

  /** Sends a message without a body; `head` ends with its empty line. */
  sendHead(head: string): void {
    this.sentBytes = 0
    this.#socket.write(head, 'latin1')
  }

  /** Sends a message whose body is whole, with its length; `head` ends with its last field line. */
  sendWhole(head: string, body: Body): void {
    const text = body.latin1
    if (text !== null) {
      this.sentBytes = text.length
      this.#socket.write(`${head}content-length: ${text.length}\r\n\r\n${text}`, 'latin1')
      return
    }
    const bytes = body.whole()
    const socket = this.#socket
    const start = `${head}content-length: ${bytes.length}\r\n\r\n`
    this.sentBytes = bytes.length
    if (bytes.length <= MAX_TEXT_LENGTH - start.length) {
      socket.write(bytes.length === 0 ? start : start + bytes.latin1Slice(), 'latin1')
      return
    }
    socket.cork()
    socket.write(start, 'latin1')
    socket.write(bytes)
    socket.uncork()
  }

  /** Sends a message whose body streams; `head` ends with its last field line. */
  sendStream(head: string, body: Body, framing: number): void {
    this.sentBytes = 0
    this.framing = framing
    this.#body = body
    this.#left = body.announcedLength
    if (framing === IN_CHUNKS) this.#head = `${head}transfer-encoding: chunked\r\n\r\n`
    else if (framing === UNTIL_CLOSE) this.#head = `${head}\r\n`
    else this.#head = `${head}content-length: ${body.announcedLength}\r\n\r\n`
    // What has arrived already leaves together with the head.
    body.pipe(this)
    if (this.#body !== null && this.#head !== '') this.#socket.write(this.#takeHead(), 'latin1')
  }

  /** The socket has room again. */
  onDrain(): void {
    this.#body?.resume()
  }

  /** Nothing more can or should be written: whoever produces the body stops. */
  stop(error: Error): void {
    const body = this.#body
    this.#body = null
    this.#head = ''
    body?.cancel(error)
  }

  write(chunk: Buffer): boolean {
    if (this.#body === null || chunk.length === 0) return true
    if (this.framing === BY_LENGTH && chunk.length > this.#left) {
      this.#breakOff()
      return true
    }
    this.#left -= chunk.length
    this.sentBytes += chunk.length
    const socket = this.#socket
    const isChunked = this.framing === IN_CHUNKS
    const head = this.#takeHead()
    const before = isChunked ? `${head}${chunk.length.toString(16)}\r\n` : head
    if (chunk.length <= SMALL_PIECE_BYTES) {
      const text = before + chunk.latin1Slice()
      return socket.write(isChunked ? `${text}\r\n` : text, 'latin1')
    }
    if (before === '') return socket.write(chunk)
    // One system call for all parts.
    socket.cork()
    socket.write(before, 'latin1')
    let hasRoom = socket.write(chunk)
    if (isChunked) hasRoom = socket.write('\r\n', 'latin1')
    socket.uncork()
    return hasRoom
  }

  hasLetGo(): boolean {
    return this.#socket.writableLength === 0
  }

  end(trailers: string[] | null): void {
    if (this.#body === null) return
    if (this.framing === BY_LENGTH && this.#left !== 0) {
      this.#breakOff()
      return
    }
    const head = this.#takeHead()
    this.#body = null
    const lines = trailers === null ? '' : (fieldLines(trailers) ?? '')
    const last = this.framing === IN_CHUNKS ? `${head}0\r\n${lines}\r\n` : head
    if (last !== '') this.#socket.write(last, 'latin1')
    this.#owner.onBodySent()
  }

  fail(error: Error): void {
    if (this.#body === null) return
    const isUnsent = this.#takeHead() !== ''
    this.#body = null
    this.#owner.onBodyBroken(error, isUnsent)
  }

  /** The body does not keep to the length that was announced: the peer must not take it for whole. */
  #breakOff(): void {
    this.#body?.cancel(WRONG_LENGTH)
    this.fail(WRONG_LENGTH)
  }

  #takeHead(): string {
    const head = this.#head
    this.#head = ''
    return head
  }
}

const WRONG_LENGTH = new Error('the body does not have the length that was announced')
