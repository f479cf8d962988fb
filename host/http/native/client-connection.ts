import { connect, type Socket } from 'node:net'
import { monotonicMs } from '../../clock.ts'
import { GatewayError, reasonOf } from '../../errors.ts'
import { Body, type BodySource } from '../../exchange/body.ts'
import { Response } from '../../exchange/response.ts'
import { BodyReader } from './body-reader.ts'
import { wholeBody } from './bytes.ts'
import { BROKEN, DONE } from './chunked.ts'
import type { ClientPool } from './client-pool.ts'
import { INCOMPLETE, REFUSED } from './head.ts'
import { HeadBuffer } from './head-buffer.ts'
import { ReadBuffer } from './read-buffer.ts'
import { RequestWriter, type UploadOwner } from './request-writer.ts'
import { ResponseHead } from './response-head.ts'
import { isIdempotent, type UpstreamCall } from './upstream-call.ts'

const CONNECTING = 0
/** Open, nothing asked. */
const IDLE = 1
/** A request is out, no complete head is back. */
const WAITING = 2
const BODY = 3
const CLOSED = 4

/** Interim answers (1xx) before the answer itself. */
export const MAX_INTERIM = 16

/** Parsing never outlives the call that started it: all connections share one parser. */
const head = new ResponseHead()

/**
 * One connection to an upstream: one request at a time, used again only after an answer that left no doubt
 * where it ended.
 *
 *     CONNECTING ──▶ IDLE ─start─▶ WAITING ─head─▶ BODY ─end─▶ IDLE (back in the pool) or CLOSED
 *        │             └── a byte nobody asked for ──▶ CLOSED
 *        └── refused, too late ──▶ CLOSED
 */
export class ClientConnection implements BodySource, UploadOwner {
  readonly #pool: ClientPool
  readonly #socket: Socket
  readonly #writer: RequestWriter
  readonly #reads: ReadBuffer = new ReadBuffer()
  readonly #held: HeadBuffer = new HeadBuffer()
  readonly #reader: BodyReader = new BodyReader(this.#reads)
  readonly #onExchangeAbort: () => void
  #phase = CONNECTING
  /** When the phase began, or the body last moved. */
  #sinceMs: number
  #call: UpstreamCall | null = null
  /** Answers this connection has given. */
  #answers = 0
  #interim = 0
  #hasBytes = false
  #isPersistent = true
  #keepAliveMs = 0
  #isPaused = false
  #hasEnded = false
  #bodyMark = 0
  #failure: Error | null = null

  constructor(pool: ClientPool, host: string, port: number) {
    this.#pool = pool
    this.#sinceMs = monotonicMs()
    this.#onExchangeAbort = () => this.#onAbort()
    const socket = connect({
      host,
      port,
      noDelay: true,
      allowHalfOpen: true,
      onread: {
        buffer: () => this.#reads.next(),
        callback: (length, bytes) => {
          this.#onBytes(bytes as Buffer, length)
          return true
        },
      },
    })
    this.#socket = socket
    this.#writer = new RequestWriter(socket, this)
    socket.on('connect', () => this.#onConnect())
    socket.on('error', (error) => {
      this.#failure ??= error
    })
    socket.on('end', () => this.#onEnd())
    socket.on('close', () => this.#onClose())
    socket.on('drain', () => this.#writer.onDrain())
  }

  /** Open, with nothing under way, as far as is known. */
  get isIdle(): boolean {
    return this.#phase === IDLE && !this.#socket.destroyed
  }

  /** Sends the request of `call` here: at once, or as soon as the connection is open. */
  start(call: UpstreamCall): void {
    this.#call = call
    call.exchange?.onAbort(this.#onExchangeAbort)
    if (this.#phase === IDLE) this.#send(call)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** BodySource: the consumer of the answer has room again. */
  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#sinceMs = monotonicMs()
    if (this.#phase !== CLOSED) this.#socket.resume()
  }

  /** BodySource: the consumer of the answer is full. */
  pause(): void {
    if (this.#isPaused || this.#phase === CLOSED) return
    this.#isPaused = true
    this.#sinceMs = monotonicMs()
    this.#socket.pause()
  }

  /** BodySource: nobody wants the rest of the answer. */
  cancel(_error: Error): void {
    this.#reader.close()
    this.#socket.destroy()
  }

  onUploadFailed(error: Error): void {
    const isClientGone = this.#call?.isAborted ?? false
    this.#fail(
      isClientGone ? new GatewayError('UPSTREAM_ABORTED', {}, error) : this.#invalidRequest(error),
    )
  }

  /** Looks at the time limits. */
  tick(nowMs: number): void {
    const elapsedMs = nowMs - this.#sinceMs
    const tuning = this.#pool.tuning
    const call = this.#call
    switch (this.#phase) {
      case CONNECTING:
        if (elapsedMs > this.#pool.connectTimeoutMs) this.#failConnect('it did not accept in time')
        break
      case IDLE:
        if (elapsedMs > this.#keepAliveMs) this.#socket.destroy()
        break
      case WAITING:
        break
      case BODY:
        if (this.#bodyMark !== this.#reader.received) {
          this.#bodyMark = this.#reader.received
          this.#sinceMs = nowMs
        } else if (elapsedMs > (this.#isPaused ? tuning.unreadMs : tuning.bodyIdleMs)) {
          this.#fail(this.#invalid('the body stood still'))
        }
        break
      default:
    }
    if (call !== null && this.#phase !== BODY && call.isLate(nowMs)) {
      this.#fail(this.#pool.timeout(call.timeoutMs))
    }
  }

  #onConnect(): void {
    this.#phase = IDLE
    this.#sinceMs = monotonicMs()
    if (this.#call === null) this.#pool.release(this)
    else this.#send(this.#call)
  }

  #send(call: UpstreamCall): void {
    this.#phase = WAITING
    this.#hasBytes = false
    this.#interim = 0
    if (!this.#writer.start(call.request)) {
      this.#phase = IDLE
      this.#call = null
      this.#sinceMs = monotonicMs()
      call.reject(this.#invalidRequest(UNSENDABLE))
      this.#pool.release(this)
    }
  }

  #onBytes(bytes: Buffer, length: number): void {
    switch (this.#phase) {
      case WAITING:
        this.#onHeadBytes(bytes, length)
        break
      case BODY:
        this.#readBody(bytes, 0, length)
        break
      default:
        // Nobody asked: whatever it is, it would be taken for the answer to the next request.
        this.#socket.destroy()
    }
  }

  #onHeadBytes(bytes: Buffer, length: number): void {
    this.#hasBytes = true
    const held = this.#held
    if (held.length === 0) {
      this.#readHead(bytes, 0, length)
      return
    }
    held.add(bytes, 0, length)
    this.#readHead(held.bytes, 0, held.length)
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
        this.#fail(this.#invalid(head.reason))
        return
      }
      at = head.end
      if (head.status >= 200) break
      this.#interim += 1
      // Nobody asked for another protocol.
      if (head.status === 101 || this.#interim > MAX_INTERIM) {
        this.#fail(this.#invalid(`the status ${head.status}`))
        return
      }
      if (at === end) {
        this.#held.clear()
        return
      }
    }
    const isOwn = bytes === this.#held.bytes
    if (isOwn) this.#held.clear()
    this.#begin(bytes, at, end)
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
    const call = this.#call as UpstreamCall
    const status = head.status
    const length = head.contentLength
    const response = new Response(status, head.headers)
    this.#isPersistent = head.isPersistent
    this.#keepAliveMs = this.#pool.keepAliveMs(head.keepAliveSeconds)
    this.#answers += 1
    if (call.request.method === 'HEAD' || status === 204 || status === 304) {
      response.body = bodiless(status === 204 ? 0 : length)
      this.#finish(start === end)
    } else if (!head.isChunked && length >= 0 && end - start >= length) {
      response.body = wholeBody(bytes, start, start + length)
      this.#finish(end - start === length)
    } else {
      this.#beginStream(response, length)
      if (start < end) this.#readBody(bytes, start, end)
      if (this.#hasEnded && this.#phase === BODY) this.#onEnd()
    }
    call.resolve(response)
  }

  #beginStream(response: Response, length: number): void {
    response.body = Body.stream(this, length)
    this.#reader.open(response.body, head, -1)
    this.#bodyMark = 0
    this.#sinceMs = monotonicMs()
    this.#phase = BODY
    if (this.#reader.isUntilClose) this.#isPersistent = false
  }

  #readBody(bytes: Buffer, start: number, end: number): void {
    const reader = this.#reader
    const result = reader.read(bytes, start, end)
    if (this.#phase !== BODY) return
    if (result === DONE) this.#endBody(reader.end === end)
    else if (result === BROKEN) this.#fail(this.#invalid(reader.reason))
  }

  #endBody(isExact: boolean): void {
    const trailers = this.#reader.trailers
    const body = this.#reader.close()
    // Back in the pool first: what the end of this body sets off may need a connection.
    this.#finish(isExact)
    body?.end(trailers)
  }

  /** The answer is whole. Bytes after it, or a request that is not out yet, are reasons for doubt. */
  #finish(isExact: boolean): void {
    const isClean = isExact && this.#isPersistent && this.#writer.isDone && !this.#hasEnded
    this.#call = null
    this.#sinceMs = monotonicMs()
    if (this.#isPaused) this.resume()
    if (isClean) {
      this.#phase = IDLE
      this.#pool.release(this)
      return
    }
    this.#phase = CLOSED
    this.#writer.stop(ANSWERED)
    this.#socket.destroy()
  }

  #onEnd(): void {
    this.#hasEnded = true
    if (this.#phase === BODY && this.#reader.isUntilClose) {
      // Neither length nor chunks: the end of the connection is the end of the body.
      this.#endBody(true)
      return
    }
    this.#failure ??= ENDED_EARLY
    this.#socket.destroy()
  }

  #onAbort(): void {
    const call = this.#call
    // The list of a past exchange may still name this connection.
    if (call?.isAborted) this.#fail(new GatewayError('UPSTREAM_ABORTED', {}))
  }

  #failConnect(reason: string): void {
    this.#fail(new GatewayError('UPSTREAM_CONNECT', { endpoint: this.#pool.endpoint, reason }))
  }

  #fail(error: Error): void {
    const call = this.#call
    const body = this.#reader.close()
    const phase = this.#phase
    this.#call = null
    this.#phase = CLOSED
    this.#writer.stop(error)
    this.#socket.destroy()
    if (phase === BODY) body?.fail(error)
    else call?.reject(error)
  }

  #onClose(): void {
    const call = this.#call
    const phase = this.#phase
    this.#pool.remove(this)
    this.#held.clear()
    if (phase === WAITING && call !== null && this.#maySendAgain(call)) {
      this.#call = null
      this.#phase = CLOSED
      call.hasRetried = true
      this.#pool.dispatch(call)
      return
    }
    const reason = this.#failure === null ? ENDED_EARLY.message : reasonOf(this.#failure)
    if (phase === CONNECTING) this.#failConnect(reason)
    else if (phase !== CLOSED) this.#fail(this.#invalid(reason))
  }

  /**
   * An idle connection may be closed by the upstream in the moment it is used again. What is idempotent and
   * can still be sent as a whole gets one second attempt (RFC 9112, section 9.3.1).
   */
  #maySendAgain(call: UpstreamCall): boolean {
    return (
      this.#answers > 0 &&
      !this.#hasBytes &&
      !call.hasRetried &&
      !call.isAborted &&
      isIdempotent(call.request.method) &&
      call.request.body.isWhole
    )
  }

  #invalid(reason: string): GatewayError {
    return new GatewayError('UPSTREAM_INVALID', { endpoint: this.#pool.endpoint, reason })
  }

  #invalidRequest(cause: Error): GatewayError {
    return new GatewayError('REQUEST_INVALID', { reason: cause.message }, cause)
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

const ANSWERED = new Error('the upstream answered before it had the whole body')
const ENDED_EARLY = new Error('it closed the connection before its answer was whole')
const UNSENDABLE = new Error('a header field that cannot be sent')
