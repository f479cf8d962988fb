import type { Socket } from 'node:net'
import type { Body, BodySink } from '../../exchange/body.ts'
import type { UpstreamRequest } from '../engine.ts'
import { fieldLines, MAX_TEXT_LENGTH } from './head-text.ts'

/** Told how an upload goes. */
export interface UploadOwner {
  /** The request body broke off: what was sent is not a whole request. */
  onUploadFailed(error: Error): void
}

/** Streamed pieces up to this size travel as text together with their framing, in one write. */
const SMALL_PIECE = 8 * 1024

/** Writes requests to one upstream connection, one after the other. */
export class RequestWriter implements BodySink {
  /** The last byte of the request was handed to the socket. */
  isDone = true
  /** Bytes of a stream were sent: the request cannot be sent a second time. */
  hasStreamed = false
  readonly #socket: Socket
  readonly #owner: UploadOwner
  #body: Body | null = null
  /** The head, as long as it waits for the first piece of the body. */
  #head = ''
  /** Bytes that Content-Length has promised; -1 for chunks. */
  #left = -1

  constructor(socket: Socket, owner: UploadOwner) {
    this.#socket = socket
    this.#owner = owner
  }

  /** Sends `request`; false when its head cannot be sent as it is, and then nothing was written. */
  start(request: UpstreamRequest): boolean {
    const fields = requestFields(request.headers)
    if (fields === null || BREAKS_LINE.test(request.target) || BREAKS_LINE.test(request.host)) return false
    const head = `${request.method} ${request.target} HTTP/1.1\r\nhost: ${request.host}\r\n${fields}`
    const body = request.body
    this.isDone = false
    this.hasStreamed = false
    if (body.isWhole && body.trailers === null) this.#sendWhole(head, request.method, body)
    else this.#sendStream(head, body)
    return true
  }

  onDrain(): void {
    this.#body?.resume()
  }

  /** The rest of the body is not wanted. */
  stop(error: Error): void {
    const body = this.#body
    this.#body = null
    body?.cancel(error)
  }

  write(chunk: Buffer): boolean {
    if (this.#body === null || chunk.length === 0) return true
    this.hasStreamed = true
    const socket = this.#socket
    const isChunked = this.#left < 0
    if (!isChunked) {
      if (chunk.length > this.#left) {
        this.fail(WRONG_LENGTH)
        return true
      }
      this.#left -= chunk.length
    }
    let before = this.#head
    this.#head = ''
    if (isChunked) before += `${chunk.length.toString(16)}\r\n`
    if (chunk.length <= SMALL_PIECE) {
      const text = before + chunk.latin1Slice()
      return socket.write(isChunked ? `${text}\r\n` : text, 'latin1')
    }
    if (before === '' && !isChunked) return socket.write(chunk)
    socket.cork()
    socket.write(before, 'latin1')
    const hasRoom = socket.write(chunk)
    if (isChunked) socket.write('\r\n', 'latin1')
    socket.uncork()
    return hasRoom
  }

  end(trailers: string[] | null): void {
    if (this.#body === null) return
    if (this.#left > 0) {
      this.fail(WRONG_LENGTH)
      return
    }
    const lines = trailers === null ? '' : (fieldLines(trailers) ?? '')
    const last = this.#left < 0 ? `${this.#head}0\r\n${lines}\r\n` : this.#head
    this.#head = ''
    this.#body = null
    this.isDone = true
    if (last !== '') this.#socket.write(last, 'latin1')
  }

  fail(error: Error): void {
    if (this.#body === null) return
    this.#body = null
    this.#head = ''
    this.#owner.onUploadFailed(error)
  }

  #sendWhole(head: string, method: string, body: Body): void {
    const bytes = body.whole()
    const socket = this.#socket
    this.isDone = true
    if (bytes.length === 0) {
      // A method that defines a body says that it has none; the others are silent (RFC 9110, section 8.6).
      const framing = method === 'POST' || method === 'PUT' || method === 'PATCH'
      socket.write(framing ? `${head}content-length: 0\r\n\r\n` : `${head}\r\n`, 'latin1')
      return
    }
    const start = `${head}content-length: ${bytes.length}\r\n\r\n`
    if (bytes.length <= MAX_TEXT_LENGTH - start.length) {
      socket.write(start + bytes.latin1Slice(), 'latin1')
      return
    }
    socket.cork()
    socket.write(start, 'latin1')
    socket.write(bytes)
    socket.uncork()
  }

  #sendStream(head: string, body: Body): void {
    this.#body = body
    this.#left = body.announcedLength
    this.#head =
      this.#left >= 0
        ? `${head}content-length: ${this.#left}\r\n\r\n`
        : `${head}transfer-encoding: chunked\r\n\r\n`
    body.pipe(this)
    if (this.#head === '') return
    this.#socket.write(this.#head, 'latin1')
    this.#head = ''
  }
}

/** Host is written from its own part of the request. */
function requestFields(list: readonly string[]): string | null {
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string
    if (name.length === 4 && name.toLowerCase() === 'host') {
      return fieldLines(list.filter((_, at) => at !== i && at !== i + 1))
    }
  }
  return fieldLines(list)
}

const BREAKS_LINE = /[^!-~]/
const WRONG_LENGTH = new Error('the body does not have the length that was announced')
