import type { Socket } from 'node:net'
import { monotonicMs } from '../../clock.ts'
import { GatewayError } from '../../errors.ts'
import { Body, type BodySource } from '../../exchange/body.ts'
import { Exchange } from '../../exchange/exchange.ts'
import { Request } from '../../exchange/request.ts'
import type { ExchangeHandler } from '../engine.ts'
import { BodyReader, TOO_LARGE } from './body-reader.ts'
import { UNTIL_CLOSE } from './body-writer.ts'
import { CR, LF, wholeBody } from './bytes.ts'
import { BROKEN, DONE } from './chunked.ts'
import { ExchangeRunner, type RunnerOwner } from './exchange-runner.ts'
import { INCOMPLETE, REFUSED } from './head.ts'
import { HeadBuffer } from './head-buffer.ts'
import { ALLOW_LINE, closingAnswer } from './head-text.ts'
import { BodyPace, WritePace } from './pace.ts'
import type { ReadBuffer } from './read-buffer.ts'
import { MAX_REQUEST_LINE, RequestHead } from './request-head.ts'
import type { NativeServer } from './server.ts'

/** Between two requests. */
const IDLE = 0
/** A part of a head is here. */
const HEAD = 1
/** A body is being read; the answer may have begun. */
const BODY = 2
/** The request is here as a whole; its answer is not done. */
const ANSWERING = 3
/** Our last byte is written; what still comes is thrown away, so that the client can read our answer. */
const LINGERING = 4
const CLOSED = 5

/** Bytes of further requests that are kept while one is answered; past it the client has to wait. */
export const MAX_PIPELINED_BYTES = 64 * 1024

/** An unread body up to this size is read and dropped to keep the connection; past it, it closes. */
export const MAX_DRAINED_BYTES = 64 * 1024

/** How long a client may go on sending after our last byte, and how much. */
export const LINGER_MS = 2_000
export const MAX_LINGER_BYTES = 4 * 1024 * 1024

/** Requests one connection may carry before it is closed, so that long-lived ones move to newer instances. */
export const MAX_REQUESTS_PER_CONNECTION = 10_000

/** Bytes a held line may grow by before it is looked at again without its end. */
const PARSE_STEP = 1024

/** Parsing never outlives the call that started it: all connections share one parser. */
const head = new RequestHead()

/**
 * One connection of a client: reads requests one after the other and has them answered in order. Time limits
 * are looked at by the ticker; no timer belongs to a connection.
 *
 *     IDLE ─byte─▶ HEAD ─head─▶ BODY ─last byte─▶ ANSWERING ─answered─▶ IDLE
 *      │             │            │                   │
 *      └─────────────┴── refused, closing, last answer ┴──▶ LINGERING ──▶ CLOSED
 */
export class ServerConnection implements BodySource, RunnerOwner {
  readonly handler: ExchangeHandler
  readonly #server: NativeServer
  readonly #socket: Socket
  readonly #remoteAddress: string
  readonly #reads: ReadBuffer
  readonly #held: HeadBuffer = new HeadBuffer()
  readonly #reader: BodyReader
  readonly #runner: ExchangeRunner
  readonly #bodyPace: BodyPace = new BodyPace()
  readonly #writePace: WritePace = new WritePace()
  #phase = IDLE
  /** When the phase began. */
  #sinceMs: number
  #requests = 0
  #isPersistent = true
  #isHttp10 = false
  #expectsContinue = false
  /** The answer of the request whose body is still being read is out. */
  #hasAnswered = false
  /** The size of what is held at which parsing is tried again without a line end. */
  #parseAt = 0
  #hasSkippedLine = false
  /** Inside `#consume`: an answer that ends at once must not start a second one. */
  #isConsuming = false
  #isPaused = false
  #pausedAtMs = 0
  /** The client will send no more. */
  #hasEnded = false
  #lingered = 0

  constructor(server: NativeServer, socket: Socket, reads: ReadBuffer) {
    this.#server = server
    this.handler = server.handler
    this.#socket = socket
    this.#reads = reads
    this.#reader = new BodyReader(reads)
    this.#runner = new ExchangeRunner(socket, this)
    const address = socket.remoteAddress ?? ''
    this.#remoteAddress = address.startsWith('::ffff:') ? address.slice(7) : address
    this.#sinceMs = monotonicMs()
    // "close" follows every error and does the work.
    socket.on('error', () => socket.destroy())
    socket.on('end', () => this.#onEnd())
    socket.on('close', () => this.#onClose())
    socket.on('drain', () => this.#onDrain())
  }

  /** A read that brought its own memory. */
  onChunk(chunk: Buffer): void {
    this.#reads.adopt(chunk)
    this.onBytes(chunk, chunk.length)
  }

  /** `bytes[0, length)` arrived; the memory is used again after the call. */
  onBytes(bytes: Buffer, length: number): void {
    if (this.#phase !== HEAD) {
      this.#consume(bytes, length)
      return
    }
    const held = this.#held
    const hasLine = held.add(bytes, 0, length)
    if (!hasLine && held.length < this.#parseAt) return
    this.#parseAt = held.length + PARSE_STEP
    this.#consume(held.bytes, held.length)
  }

  /** BodySource: the consumer of the request body has room again. */
  resume(): void {
    if (!this.#isPaused || this.#phase === CLOSED) return
    this.#isPaused = false
    this.#bodyPace.excuse(monotonicMs() - this.#pausedAtMs)
    this.#socket.resume()
  }

  /** BodySource: the consumer of the request body is full. */
  pause(): void {
    if (this.#isPaused || this.#phase >= LINGERING) return
    this.#isPaused = true
    this.#pausedAtMs = monotonicMs()
    this.#socket.pause()
  }

  /** BodySource: nobody wants the rest of the request body; it is dropped as it comes. */
  cancel(_error: Error): void {
    this.resume()
  }

  /** RunnerOwner: only now is the body asked for; who is turned away at once need not send it. */
  onPending(): void {
    if (!this.#expectsContinue) return
    this.#expectsContinue = false
    if (this.#phase === BODY) this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')
  }

  /** RunnerOwner: decides at the moment of the answer whether another request may follow. */
  staysOpen(body: Body): boolean {
    const server = this.#server
    const hasLength = body.isWhole || body.announcedLength >= 0
    if (
      server.isClosing ||
      !server.limits.keepAlive ||
      this.#requests >= MAX_REQUESTS_PER_CONNECTION ||
      // HTTP/1.0 knows no chunks: a body of unknown length ends with the connection.
      (this.#isHttp10 && !hasLength) ||
      (this.#phase === BODY && !this.#isWorthDraining())
    ) {
      this.#isPersistent = false
    }
    return this.#isPersistent
  }

  /** RunnerOwner: the answer is out, or has broken off. */
  onAnswered(isComplete: boolean): void {
    this.#hasAnswered = true
    if (this.#phase === CLOSED) return
    if (!isComplete) this.#cut()
    else if (!this.#isPersistent) this.#linger()
    else if (this.#phase === BODY) this.#reader.body?.cancel(ANSWERED)
    else this.#becomeIdle()
  }

  /** Closes when nothing is under way, and otherwise after the answer that is. */
  closeGracefully(): void {
    if (this.#phase === IDLE && this.#held.length === 0) this.#linger()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Looks at the time limits. */
  tick(nowMs: number): void {
    const { limits, tuning } = this.#server
    const elapsedMs = nowMs - this.#sinceMs
    switch (this.#phase) {
      case IDLE:
        if (
          elapsedMs > (this.#requests === 0 ? limits.headerTimeoutMs : limits.keepAliveTimeoutMs)
        ) {
          this.#linger()
        }
        break
      case HEAD:
        if (elapsedMs > limits.headerTimeoutMs) this.#refuse(408, 'the head took too long')
        break
      case BODY:
        if (!this.#isPaused && this.#isBodyTooSlow(nowMs)) {
          this.#refuse(408, 'the body came too slowly')
        }
        break
      case LINGERING:
        if (this.#socket.writableLength > 0) this.#sinceMs = nowMs
        else if (elapsedMs > LINGER_MS) this.#socket.destroy()
        break
      default:
    }
    if (this.#writePace.isStalled(this.#socket, nowMs, tuning.writeIdleMs)) this.#socket.destroy()
  }

  #isBodyTooSlow(nowMs: number): boolean {
    const { limits, tuning } = this.#server
    const idleMs = limits.bodyIdleTimeoutMs ?? tuning.bodyIdleMs
    return this.#bodyPace.isTooSlow(nowMs, this.#reader.received, idleMs, tuning.minBodyRate)
  }

  #consume(bytes: Buffer, length: number): void {
    this.#isConsuming = true
    let at = 0
    while (at < length) {
      const phase = this.#phase
      if (phase === ANSWERING || (phase === IDLE && this.#socket.writableNeedDrain)) {
        // One request at a time, and no answers pile up that the client does not read.
        this.#hold(bytes, at, length)
        break
      }
      if (phase <= HEAD) at = this.#readHead(bytes, at, length)
      else if (phase === BODY) at = this.#readBody(bytes, at, length)
      else {
        this.#discard(length - at)
        break
      }
    }
    this.#isConsuming = false
  }

  /** Answers where to read on; `end` when all is read, kept or thrown away. */
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
          this.#phase = IDLE
          return end
        }
      }
    }
    const result = head.parse(bytes, at, end, this.#server.limits)
    if (result === INCOMPLETE) return this.#holdHead(bytes, at, end)
    this.#dropHeld(bytes)
    if (result === REFUSED) {
      this.#refuse(head.status, head.reason)
      return end
    }
    return this.#begin(bytes, head.end, end)
  }

  #holdHead(bytes: Buffer, at: number, end: number): number {
    if (this.#phase !== HEAD) {
      this.#phase = HEAD
      this.#sinceMs = monotonicMs()
      this.#parseAt = MAX_REQUEST_LINE
    }
    if (bytes !== this.#held.bytes) this.#held.add(bytes, at, end)
    return end
  }

  #dropHeld(bytes: Buffer): void {
    if (bytes === this.#held.bytes) this.#held.clear()
  }

  /** A valid head is here. What of the body came with it is read before anybody acts on the request. */
  #begin(bytes: Buffer, start: number, end: number): number {
    const server = this.#server
    const nowMs = monotonicMs()
    this.#requests += 1
    this.#hasSkippedLine = false
    this.#hasAnswered = false
    this.#expectsContinue = false
    this.#isHttp10 = head.isHttp10
    this.#isPersistent = head.isPersistent
    this.#phase = ANSWERING
    const hasBody = head.isChunked || head.contentLength > 0
    if (head.target === '*') return this.#answerOptions(hasBody, start, end)
    const request = new Request(
      head.method,
      head.target,
      server.scheme,
      head.host === '' ? this.#localHost() : head.host,
      head.isHttp10 ? '1.0' : '1.1',
      head.headers,
      Body.none,
      this.#remoteAddress,
    )
    const next = hasBody ? this.#openBody(request, bytes, start, end, nowMs) : start
    // Refused: broken framing in the first bytes, or too many of them.
    if (this.#phase > ANSWERING) return end
    this.#runner.run(new Exchange(request, server.name, nowMs))
    return next
  }

  #openBody(request: Request, bytes: Buffer, start: number, end: number, nowMs: number): number {
    const maxBytes = this.#server.limits.maxBodyBytes
    const length = head.isChunked ? -1 : head.contentLength
    if (maxBytes >= 0 && length > maxBytes) {
      this.#refuseTooLarge()
      return end
    }
    if (length > 0 && end - start >= length) {
      request.body = wholeBody(bytes, start, start + length)
      return start + length
    }
    request.body = Body.stream(this, length)
    this.#reader.open(request.body, head, maxBytes)
    this.#bodyPace.start(nowMs)
    this.#expectsContinue = head.expectsContinue && start === end
    this.#phase = BODY
    return start < end ? this.#readBody(bytes, start, end) : end
  }

  /** About the server as a whole, so it is answered here (RFC 9110, section 9.3.7). */
  #answerOptions(hasBody: boolean, start: number, end: number): number {
    if (hasBody) {
      this.#refuse(400, 'a body where none is expected')
      return end
    }
    const staysOpen = this.staysOpen(Body.none)
    const close = staysOpen ? '' : 'connection: close\r\n'
    this.#socket.write(`HTTP/1.1 204 No Content\r\n${ALLOW_LINE}${close}\r\n`, 'latin1')
    if (staysOpen) this.#becomeIdle()
    else this.#linger()
    return start
  }

  #readBody(bytes: Buffer, start: number, end: number): number {
    const reader = this.#reader
    const result = reader.read(bytes, start, end)
    if (this.#phase !== BODY) return end
    if (result === DONE) {
      this.#endBody()
      return reader.end
    }
    if (result === BROKEN) this.#refuse(reader.status, reader.reason)
    else if (result === TOO_LARGE) this.#refuseTooLarge()
    return end
  }

  #endBody(): void {
    this.#phase = ANSWERING
    const trailers = this.#reader.trailers
    const body = this.#reader.close()
    // A consumer that was full would leave us deaf to a client that goes away.
    this.resume()
    body?.end(trailers)
    if (this.#hasAnswered && this.#phase === ANSWERING) this.#becomeIdle()
  }

  /** The answer comes before the body is read: is reading the rest cheaper than a new connection? */
  #isWorthDraining(): boolean {
    const left = this.#reader.left
    return !this.#expectsContinue && left >= 0 && left <= MAX_DRAINED_BYTES
  }

  /** Bytes of further requests, while this one is answered. */
  #hold(bytes: Buffer, start: number, end: number): void {
    this.#held.add(bytes, start, end)
    if (this.#held.length >= MAX_PIPELINED_BYTES) this.pause()
  }

  #becomeIdle(): void {
    this.#phase = IDLE
    this.#sinceMs = monotonicMs()
    if (!this.#isConsuming) this.#readHeld()
  }

  /** Goes on with what was held back, unless the client does not read the answers it asked for. */
  #readHeld(): void {
    if (this.#socket.writableNeedDrain) return
    const { bytes, length } = this.#held
    this.#held.clear()
    this.resume()
    if (length > 0) this.#consume(bytes, length)
    if (this.#hasEnded && this.#phase <= HEAD) this.#onEnd()
  }

  #onDrain(): void {
    this.#runner.writer.onDrain()
    if (this.#phase === IDLE) this.#readHeld()
  }

  #refuseTooLarge(): void {
    const limit = this.#server.limits.maxBodyBytes
    const error = new GatewayError('REQUEST_BODY_TOO_LARGE', { limit })
    this.#refuse(413, error.message, error)
  }

  /** Answers from here and closes. Whoever works on the request is told that it will not be heard. */
  #refuse(status: number, reason: string, error?: GatewayError): void {
    const cause = error ?? new GatewayError('REQUEST_INVALID', { reason })
    const hasBegun = this.#runner.isSending || (this.#phase === BODY && this.#hasAnswered)
    const body = this.#reader.close()
    if (hasBegun) this.#phase = CLOSED
    else {
      this.#socket.write(closingAnswer(status, reason), 'latin1')
      this.#linger()
    }
    this.#runner.cancel(status, cause)
    body?.fail(cause)
    // Half an answer must not look like a whole one.
    if (hasBegun) this.#cut()
  }

  /** Cuts the connection. Where only its end ends the answer, a reset says that it is not whole. */
  #cut(): void {
    if (this.#runner.writer.framing === UNTIL_CLOSE) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
  }

  /** Ends our side; the socket goes when the client has ended too, or after a while. */
  #linger(): void {
    const body = this.#reader.close()
    this.#phase = LINGERING
    this.#sinceMs = monotonicMs()
    this.#lingered = 0
    this.#held.clear()
    body?.cancel(ANSWERED)
    this.resume()
    this.#socket.end()
    if (this.#hasEnded) this.#socket.destroySoon()
  }

  /** Closing with unread bytes makes the kernel send a reset, which can overtake our answer. */
  #discard(length: number): void {
    this.#lingered += length
    if (this.#lingered > MAX_LINGER_BYTES) this.#socket.destroy()
  }

  /** The client will send no more. While an answer is due that means that it has left. */
  #onEnd(): void {
    this.#hasEnded = true
    switch (this.#phase) {
      case IDLE:
        if (this.#held.length === 0) this.#linger()
        break
      case HEAD:
        this.#refuse(400, 'the head ended early')
        break
      case BODY:
        this.#refuse(400, 'the body ended early')
        break
      case ANSWERING:
        this.#socket.destroy()
        break
      default:
        this.#socket.destroySoon()
    }
  }

  #onClose(): void {
    this.#phase = CLOSED
    this.#held.clear()
    const body = this.#reader.close()
    this.#runner.cancel(499, CLIENT_LEFT)
    body?.fail(CLIENT_LEFT)
    this.#server.removeConnection(this)
  }

  /** For HTTP/1.0 without Host: the address that was asked. */
  #localHost(): string {
    const address = this.#socket.localAddress ?? '127.0.0.1'
    return `${address.includes(':') ? `[${address}]` : address}:${this.#server.port}`
  }
}

const ANSWERED = new Error('the answer was sent before the body was read')
const CLIENT_LEFT: GatewayError = new GatewayError('UPSTREAM_ABORTED', {})
