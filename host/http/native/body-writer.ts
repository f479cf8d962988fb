import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Body, BodySink } from '../../exchange/body.ts'
import { fieldLines } from './head-text.ts'
import { OUTBOX_MESSAGE_BYTES, Outbox } from './outbox.ts'
import { SEND_SIZE, SendMemory } from './send-memory.ts'

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

/** Streamed pieces up to this size travel together with their framing, in one write. */
export const SMALL_PIECE_BYTES = 8 * 1024

/** A message is put together and written in one go: all connections share the memory for it. */
const memory = new SendMemory()

/** All connections of a thread share it: that is what it is for. */
const outbox = new Outbox()

/**
 * Writes the messages of one connection, one after the other. A small whole message is one write, at the end of
 * the turn; a streamed body passes piece by piece, each flushed at once, and its producer is asked to wait while
 * the peer does not read.
 *
 * A head comes in texts that end with a line end each: its first lines, fields, and fields that were added.
 * Joined before they are written they would be copied twice.
 */
export class BodyWriter implements BodySink {
  /** Body bytes of the current message that were handed to the socket. */
  sentBytes = 0
  framing = BY_LENGTH
  readonly #socket: Socket
  readonly #owner: BodyWriterOwner
  /** TLS keeps what it is given until the records are out. */
  readonly #takesAtOnce: boolean
  /** The round of the outbox that our last message there leaves with. */
  #round = -1
  #left = 0
  #body: Body | null = null
  /** The head, as long as it waits for the first piece of the body. */
  #head = ''

  constructor(socket: Socket, owner: BodyWriterOwner) {
    this.#socket = socket
    this.#owner = owner
    this.#takesAtOnce = !(socket instanceof TLSSocket)
  }

  /** The socket, for whoever writes to it past this, or ends it: what was sent here is out. */
  get socket(): Socket {
    if (this.#round === outbox.round) outbox.flush()
    return this.#socket
  }

  /** A streamed body is under way. */
  get isBusy(): boolean {
    return this.#body !== null
  }

  /** Sends a message without a body. */
  sendHead(start: string, fields: string, added: string): void {
    this.sentBytes = 0
    const size = start.length + fields.length + added.length + 2
    if (size > SEND_SIZE) {
      this.socket.write(`${start}${fields}${added}\r\n`, 'latin1')
      return
    }
    const message = this.#begin(size)
    addHead(message, start, fields, added)
    message.text('\r\n')
    this.#send(message)
  }

  /** Sends a message whose body is whole, with its length. */
  sendWhole(start: string, fields: string, added: string, body: Body): void {
    const whole = body.latin1 ?? body.whole()
    const length = `${whole.length}`
    const headSize = start.length + fields.length + added.length + LENGTH.length + length.length + 4
    this.sentBytes = whole.length
    if (headSize + whole.length > SEND_SIZE) {
      const { socket } = this
      socket.cork()
      socket.write(`${start}${fields}${added}${LENGTH}${length}\r\n\r\n`, 'latin1')
      socket.write(whole, 'latin1')
      socket.uncork()
      return
    }
    const message = this.#begin(headSize + whole.length)
    addHead(message, start, fields, added)
    message.text(LENGTH)
    message.text(length)
    message.text('\r\n\r\n')
    if (typeof whole === 'string') message.text(whole)
    else message.copy(whole)
    this.#send(message)
  }

  /** Sends a message whose body streams. */
  sendStream(start: string, fields: string, added: string, body: Body, framing: number): void {
    const head = start + fields + added
    const { socket } = this
    this.sentBytes = 0
    this.framing = framing
    this.#body = body
    this.#left = body.announcedLength
    if (framing === IN_CHUNKS) this.#head = `${head}transfer-encoding: chunked\r\n\r\n`
    else if (framing === UNTIL_CLOSE) this.#head = `${head}\r\n`
    else this.#head = `${head}content-length: ${body.announcedLength}\r\n\r\n`
    // What has arrived already leaves together with the head.
    body.pipe(this)
    if (this.#body !== null && this.#head !== '') socket.write(this.#takeHead(), 'latin1')
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
    if (chunk.length <= SMALL_PIECE_BYTES && before.length < SEND_SIZE - SMALL_PIECE_BYTES - 2) {
      memory.begin()
      if (before !== '') memory.text(before)
      memory.copy(chunk)
      if (isChunked) memory.text('\r\n')
      return memory.send(socket, this.#takesAtOnce)
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

  /** Where a message of `size` bytes is put together. */
  #begin(size: number): SendMemory {
    const waits =
      size <= OUTBOX_MESSAGE_BYTES && this.#takesAtOnce && this.#socket.writableLength === 0
    const message = waits ? outbox.next : memory
    message.begin()
    return message
  }

  /** Sends a message that was begun. */
  #send(message: SendMemory): void {
    if (message === memory) {
      memory.send(this.socket, this.#takesAtOnce)
      return
    }
    this.#round = outbox.round
    outbox.push(this.#socket)
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

const LENGTH = 'content-length: '

function addHead(message: SendMemory, start: string, fields: string, added: string): void {
  message.text(start)
  message.text(fields)
  if (added !== '') message.text(added)
}

const WRONG_LENGTH = new Error('the body does not have the length that was announced')
