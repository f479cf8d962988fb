import type { Socket } from 'node:net'
import { monotonicMs } from '../../clock.ts'
import { GatewayError } from '../../errors.ts'
import { Body, type BodySource } from '../../exchange/body.ts'
import { Exchange } from '../../exchange/exchange.ts'
import { Headers } from '../../exchange/headers.ts'
import { Request } from '../../exchange/request.ts'
import { CR, copyOf, LF } from './bytes.ts'
import { BROKEN, ChunkDecoder, DATA, DONE } from './chunked.ts'
import { INCOMPLETE, REFUSED } from './head.ts'
import { HeadBuffer } from './head-buffer.ts'
import { closingAnswer } from './head-text.ts'
import type { ReadBuffer } from './read-buffer.ts'
import { MAX_REQUEST_LINE, RequestHead } from './request-head.ts'
import { type AnswerTo, ResponseWriter, type WriterOwner } from './response-writer.ts'
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

/** How long a client may go on sending after our last byte. */
export const LINGER_MS = 2_000

/** Bytes a client may go on sending after our last byte. */
export const MAX_LINGER_BYTES = 4 * 1024 * 1024

/** Parsing never outlives the call that started it: all connections share one parser. */
const head = new RequestHead()

/**
 * One connection of a client: reads requests one after the other, hands each to the handler, writes the
 * answers in order.
 *
 *     IDLE ─byte─▶ HEAD ─head─▶ BODY ─last byte─▶ ANSWERING ─answered─▶ IDLE
 *      │             │            │                   │
 *      └─────────────┴── refused, closing, last answer ┴──▶ LINGERING ──▶ CLOSED
 */
export class ServerConnection implements BodySource, WriterOwner, AnswerTo {
  isHead = false
  isHttp10 = false
  isPersistent = true
  readonly #server: NativeServer
  readonly #socket: Socket
  readonly #writer: ResponseWriter
  readonly #reads: ReadBuffer
  readonly #held: HeadBuffer = new HeadBuffer()
  readonly #remoteAddress: string
  readonly #onSettled: () => void
  readonly #onRejected: (error: unknown) => void
  #phase = IDLE
  /** When the phase began. */
  #sinceMs: number
  #exchange: Exchange | null = null
  #requests = 0
  /** The size of what is held at which parsing is tried again without a line end. */
  #parseAt = 0
  #hasSkippedLine = false
  /** Inside `#consume`: an answer that ends at once must not start a second one. */
  #isConsuming = false
  #isPaused = false
  #pausedAtMs = 0
  #hasEnded = false

  #hasAnswered = false

  #body: Body | null = null
  #bodyLeft = 0
  #bodyBytes = 0
  #decoder: ChunkDecoder | null = null
  #expectsContinue = false
  /** What `#bodyBytes` was when it last grew, and when that was seen. */
  #bodyMark = 0
  #bodyMarkMs = 0

  #writtenMark = 0
  #writeStalledSinceMs = 0

  constructor(server: NativeServer, socket: Socket, reads: ReadBuffer) {
    this.#server = server
    this.#socket = socket
    this.#reads = reads
    this.#writer = new ResponseWriter(socket, this)
    const address = socket.remoteAddress ?? ''
    this.#remoteAddress = address.startsWith('::ffff:') ? address.slice(7) : address
    this.#sinceMs = monotonicMs()
    // Made once per connection, so that a request makes no closures.
    this.#onSettled = () => this.#answer()
    this.#onRejected = (error) => this.#answerFailure(error)
    socket.on('error', ignoreError)
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
    if (this.#phase === HEAD) {
      const held = this.#held
      const hasLine = held.add(bytes, 0, length)
      if (!hasLine && held.length < this.#parseAt) return
      this.#parseAt = held.length + PARSE_STEP
      this.#consume(held.bytes, held.length)
    } else this.#consume(bytes, length)
  }

  /** BodySource: the consumer of the request body has room again. */
  resume(): void {
    if (!this.#isPaused || this.#phase === CLOSED) return
    this.#isPaused = false
    const pausedMs = monotonicMs() - this.#pausedAtMs
    this.#sinceMs += pausedMs
    this.#bodyMarkMs += pausedMs
    this.#socket.resume()
  }

  /** BodySource: the consumer of the request body is full. */
  pause(): void {
    if (this.#isPaused || this.#phase === CLOSED) return
    this.#isPaused = true
    this.#pausedAtMs = monotonicMs()
    this.#socket.pause()
  }

  /** BodySource: nobody wants the rest of the request body; it is dropped as it comes. */
  cancel(_error: Error): void {
    this.resume()
  }

  /** The writer: the answer is out, or has broken off. */
  onAnswered(isComplete: boolean): void {
    const exchange = this.#exchange
    this.#exchange = null
    this.#hasAnswered = true
    if (exchange !== null) this.#finish(exchange, isComplete)
    if (this.#phase === CLOSED) return
    if (!isComplete) {
      this.#socket.destroy()
      return
    }
    if (!this.isPersistent) {
      this.#body?.cancel(ANSWERED)
      this.#linger()
    } else if (this.#phase === BODY) this.#body?.cancel(ANSWERED)
    else this.#becomeIdle()
  }

  /** The writer: the body broke off before anything was written. */
  onUnsent(): void {
    this.#refuse(502, 'the upstream broke off')
  }

  /** Closes when nothing is under way, and otherwise after the answer that is. */
  closeGracefully(): void {
    this.isPersistent = false
    if (this.#phase === IDLE) this.#linger()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Looks at the time limits. */
  tick(nowMs: number): void {
    const limits = this.#server.limits
    const elapsedMs = nowMs - this.#sinceMs
    switch (this.#phase) {
      case IDLE:
        if (elapsedMs > (this.#requests === 0 ? limits.headerTimeoutMs : limits.keepAliveTimeoutMs)) {
          this.#linger()
        }
        break
      case HEAD:
        if (elapsedMs > limits.headerTimeoutMs) this.#refuse(408, 'the head took too long')
        break
      case BODY:
        if (!this.#isPaused) this.#checkBody(nowMs, elapsedMs)
        break
      case LINGERING:
        if (this.#socket.writableLength > 0) this.#sinceMs = nowMs
        else if (elapsedMs > LINGER_MS) this.#socket.destroy()
        break
      default:
    }
    if (this.#socket.writableLength > 0) this.#checkWrite(nowMs)
    else this.#writeStalledSinceMs = 0
  }

  /** A body may neither stand still nor drip: each `minBodyRate` bytes earn a second more. */
  #checkBody(nowMs: number, elapsedMs: number): void {
    const { bodyIdleMs, minBodyRate } = this.#server.tuning
    if (this.#bodyMark !== this.#bodyBytes) {
      this.#bodyMark = this.#bodyBytes
      this.#bodyMarkMs = nowMs
    }
    const earnedMs = (this.#bodyBytes / minBodyRate) * 1000
    if (nowMs - this.#bodyMarkMs > bodyIdleMs || elapsedMs > bodyIdleMs + earnedMs) {
      this.#refuse(408, 'the body came too slowly')
    }
  }

  #checkWrite(nowMs: number): void {
    const mark = this.#socket.bytesWritten - unsentBytes(this.#socket)
    if (this.#writeStalledSinceMs === 0 || mark !== this.#writtenMark) {
      this.#writtenMark = mark
      this.#writeStalledSinceMs = nowMs
    } else if (nowMs - this.#writeStalledSinceMs > this.#server.tuning.writeIdleMs) {
      this.#socket.destroy()
    }
  }

  #consume(bytes: Buffer, length: number): void {
    this.#isConsuming = true
    let at = 0
    while (at < length) {
      if (this.#phase === IDLE && this.#socket.writableNeedDrain) {
        // Answers that are not read must not pile up.
        this.#hold(bytes, at, length)
        break
      }
      if (this.#phase <= HEAD) at = this.#readHead(bytes, at, length)
      else if (this.#phase === BODY) at = this.#readBody(bytes, at, length)
      else if (this.#phase === ANSWERING) {
        this.#hold(bytes, at, length)
        break
      } else {
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
          this.#becomeIdle()
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
    this.isHead = head.method === 'HEAD'
    this.isHttp10 = head.isHttp10
    this.isPersistent = head.isPersistent && server.limits.keepAlive && !server.isClosing
    this.#sinceMs = nowMs
    this.#phase = ANSWERING
    const maxBody = server.limits.maxBodyBytes
    if (maxBody >= 0 && head.contentLength > maxBody) {
      this.#refuse(413, `the body is larger than ${maxBody} bytes`)
      return end
    }
    if (head.target === '*') return this.#answerOptions(start, end)

    let body = Body.none
    let at = start
    const target = head.target
    const method = head.method
    const host = head.host
    const list = head.list
    this.#body = null
    this.#hasAnswered = false
    this.#expectsContinue = false
    if (head.isChunked || head.contentLength > 0) {
      const length = head.contentLength
      this.#expectsContinue = head.expectsContinue && start === end
      if (length > 0 && end - start >= length) {
        body = Body.bytes(copyOf(bytes, start, start + length))
        at = start + length
      } else {
        body = Body.stream(this, length)
        this.#body = body
        this.#bodyLeft = length
        this.#bodyBytes = 0
        this.#bodyMark = 0
        this.#bodyMarkMs = nowMs
        this.#decoder = length < 0 ? new ChunkDecoder() : null
        this.#phase = BODY
        if (at < end) at = this.#readBody(bytes, at, end)
        // Broken framing in the first bytes: nobody has seen the request yet.
        if (this.#phase > ANSWERING) return end
      }
    }
    const request = new Request(
      method,
      target,
      server.scheme,
      host === '' ? this.#localHost() : host,
      head.isHttp10 ? '1.0' : '1.1',
      new Headers(list as string[]),
      body,
      this.#remoteAddress,
    )
    this.#run(new Exchange(request, server.name, nowMs))
    return at
  }

  #run(exchange: Exchange): void {
    this.#exchange = exchange
    let pending: void | Promise<void>
    try {
      pending = this.#server.handler(exchange)
    } catch (error) {
      this.#answerFailure(error)
      return
    }
    if (pending === undefined) {
      this.#answer()
      return
    }
    if (this.#expectsContinue) {
      // Only now: who is turned away at once need not send the body.
      this.#expectsContinue = false
      if (this.#phase === BODY) this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')
    }
    pending.then(this.#onSettled, this.#onRejected)
  }

  #answer(): void {
    const exchange = this.#exchange
    // Null: the client left or was refused while the handler ran.
    if (exchange === null) return
    const response = exchange.response
    if (response === null) {
      this.#answerFailure(NO_RESPONSE)
      return
    }
    if (this.#phase === BODY) this.#decidePersistence()
    if (this.#server.isClosing) this.isPersistent = false
    if (!this.#canStayOpen(response.body)) this.isPersistent = false
    if (!this.#writer.start(response, this)) {
      response.body.cancel(ANSWERED)
      this.#answerFailure(NO_RESPONSE)
    }
  }

  /** HTTP/1.0 knows no chunks: a body of unknown length ends with the connection. */
  #canStayOpen(body: Body): boolean {
    return !this.isHttp10 || this.isHead || body.isWhole || body.announcedLength >= 0
  }

  /** The answer comes before the body is read: is what is left worth reading? */
  #decidePersistence(): void {
    if (this.#expectsContinue || this.#decoder !== null || this.#bodyLeft > MAX_DRAINED_BYTES) {
      this.isPersistent = false
    }
  }

  #answerFailure(_error: unknown): void {
    if (this.#exchange !== null) this.#refuse(500, 'the gateway failed')
  }

  #answerOptions(start: number, end: number): number {
    if (head.isChunked || head.contentLength > 0) {
      this.#refuse(400, 'a body where none is expected')
      return end
    }
    // About the server as a whole, so it is answered here (RFC 9110, section 9.3.7).
    const close = this.isPersistent ? '' : 'connection: close\r\n'
    this.#socket.write(`HTTP/1.1 204 No Content\r\n${OPTIONS_ALLOW}${close}\r\n`, 'latin1')
    if (this.isPersistent) this.#becomeIdle()
    else this.#linger()
    return start
  }

  #readBody(bytes: Buffer, start: number, end: number): number {
    const body = this.#body as Body
    const decoder = this.#decoder
    if (decoder !== null) return this.#readChunks(decoder, body, bytes, start, end)
    const stop = this.#bodyLeft < end - start ? start + this.#bodyLeft : end
    this.#bodyLeft -= stop - start
    this.#bodyBytes += stop - start
    body.push(this.#reads.take(bytes, start, stop))
    if (this.#bodyLeft === 0) this.#endBody(body, null)
    return stop
  }

  #readChunks(
    decoder: ChunkDecoder,
    body: Body,
    bytes: Buffer,
    start: number,
    end: number,
  ): number {
    const maxBody = this.#server.limits.maxBodyBytes
    let at = start
    for (;;) {
      const result = decoder.next(bytes, at, end)
      if (result === DATA) {
        at = decoder.dataEnd
        this.#bodyBytes += at - decoder.dataStart
        if (maxBody >= 0 && this.#bodyBytes > maxBody) {
          this.#refuse(413, `the body is larger than ${maxBody} bytes`)
          return end
        }
        body.push(this.#reads.take(bytes, decoder.dataStart, at))
        // A consumer may have ended the connection.
        if (this.#phase !== BODY) return end
      } else if (result === DONE) {
        this.#endBody(body, decoder.trailers)
        return decoder.end
      } else {
        if (result === BROKEN) this.#refuse(decoder.status, decoder.reason)
        return end
      }
    }
  }

  #endBody(body: Body, trailers: string[] | null): void {
    if (this.#phase !== BODY) return
    this.#phase = ANSWERING
    this.#body = null
    this.#decoder = null
    this.#reads.reset()
    // A consumer that was full would leave us deaf to a client that goes away.
    this.resume()
    body.end(trailers)
    if (this.#hasAnswered && this.#phase === ANSWERING) this.#becomeIdle()
  }

  /** Bytes of further requests, while this one is answered. */
  #hold(bytes: Buffer, start: number, end: number): void {
    this.#held.add(bytes, start, end)
    if (this.#held.length >= MAX_PIPELINED_BYTES) this.pause()
  }

  #becomeIdle(): void {
    this.#phase = IDLE
    this.#sinceMs = monotonicMs()
    if (this.#isConsuming) return
    this.#readHeld()
  }

  /** Goes on with what was held back, unless the client does not read the answers it asked for. */
  #readHeld(): void {
    if (this.#held.length === 0 && !this.#isPaused && !this.#hasEnded) return
    if (this.#socket.writableNeedDrain) return
    const { bytes, length } = this.#held
    this.#held.clear()
    this.resume()
    if (length > 0) this.#consume(bytes, length)
    if (this.#hasEnded && this.#phase <= HEAD) this.#onEnd()
  }

  #onDrain(): void {
    this.#writer.onDrain()
    if (this.#phase === IDLE) this.#readHeld()
  }

  /** Answers from here and closes. Whoever works on the request is told that its client is gone. */
  #refuse(status: number, reason: string): void {
    const exchange = this.#exchange
    const body = this.#body
    const hasBegun = this.#writer.isBusy
    this.#exchange = null
    this.#body = null
    if (hasBegun) {
      this.#phase = CLOSED
      this.#writer.abort(new GatewayError('REQUEST_INVALID', { reason }))
    } else {
      const extra = status === 405 ? OPTIONS_ALLOW : ''
      this.#socket.write(closingAnswer(status, reason, extra), 'latin1')
      this.#linger()
    }
    if (exchange !== null) {
      exchange.abort()
      this.#writer.status = status
      this.#finish(exchange, false)
    }
    body?.fail(new GatewayError('REQUEST_INVALID', { reason }))
    if (hasBegun) this.#socket.destroy()
  }

  /** Ends our side; the socket goes when the client has ended too, or after a while. */
  #linger(): void {
    this.#phase = LINGERING
    this.#sinceMs = monotonicMs()
    this.#bodyBytes = 0
    this.#held.clear()
    this.#reads.reset()
    this.resume()
    this.#socket.end()
    if (this.#hasEnded) this.#socket.destroySoon()
  }

  /** Closing with unread bytes makes the kernel send a reset, which can overtake our answer. */
  #discard(length: number): void {
    this.#bodyBytes += length
    if (this.#bodyBytes > MAX_LINGER_BYTES) this.#socket.destroy()
  }

  /** The client will send no more. Before an answer has begun that means that it has left. */
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
    this.#server.removeConnection(this)
    this.#held.clear()
    const exchange = this.#exchange
    const body = this.#body
    this.#exchange = null
    this.#body = null
    this.#writer.abort(CLIENT_GONE)
    body?.fail(CLIENT_GONE)
    if (exchange === null) return
    exchange.abort()
    if (this.#writer.status === 0) this.#writer.status = 499
    this.#finish(exchange, false)
  }

  #finish(exchange: Exchange, isComplete: boolean): void {
    exchange.finish({
      status: this.#writer.status,
      durationMs: monotonicMs() - exchange.startedAtMs,
      sentBytes: this.#writer.sentBytes,
      isComplete,
    })
    this.#writer.status = 0
    this.#writer.sentBytes = 0
  }

  /** For HTTP/1.0 without Host: the address that was asked. */
  #localHost(): string {
    const address = this.#socket.localAddress ?? '127.0.0.1'
    return `${address.includes(':') ? `[${address}]` : address}:${this.#server.port}`
  }
}

/** Bytes a held line may grow by before it is looked at again without its end. */
const PARSE_STEP = 1024

const OPTIONS_ALLOW = 'allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n'

const ANSWERED = new Error('the answer was sent before the body was read')
const CLIENT_GONE: GatewayError = new GatewayError('UPSTREAM_ABORTED', {})
const NO_RESPONSE = new Error('the handler left no response that can be sent')

/** "close" follows every error and does the work. */
function ignoreError(): void {
  // Nothing to do here; see above.
}

/** Bytes the socket has taken and the kernel has not, as finely as Node tells. */
function unsentBytes(socket: Socket): number {
  const handle = (socket as { _handle?: { writeQueueSize?: unknown } | null })._handle
  const queued = handle?.writeQueueSize
  return typeof queued === 'number' ? queued : socket.writableLength
}
