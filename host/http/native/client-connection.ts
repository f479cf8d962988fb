import { connect, type OnReadOpts, type Socket } from 'node:net'
import { monotonicMs } from '../../clock.ts'
import { GatewayError, isGatewayError, reasonOf } from '../../errors.ts'
import type { Body } from '../../exchange/body.ts'
import type { Response } from '../../exchange/response.ts'
import { dialSecure } from '../tls/dial.ts'
import { tlsFailure } from '../tls/failure.ts'
import { offerTunnel } from '../websocket/offer-tunnel.ts'
import { SocketPeer } from '../websocket/socket-peer.ts'
import { type AnswerOwner, AnswerReader } from './answer-reader.ts'
import type { ClientPool } from './client-pool.ts'
import { guard, reportFault } from './fault.ts'
import { ReadBuffer } from './read-buffer.ts'
import { RequestWriter, type UploadOwner } from './request-writer.ts'
import type { ResponseHead } from './response-head.ts'
import { ticker } from './ticker.ts'
import { isIdempotent, type UpstreamCall } from './upstream-call.ts'

const CONNECTING = 0
/** Open, nothing asked. */
const IDLE = 1
/** A request is out, no complete head is back. */
const WAITING = 2
/** The body of an answer is being read. */
const READING = 3
const CLOSED = 4
/** HTTP is over: the socket belongs to a tunnel, and to no pool. */
const TUNNELLING = 5

/**
 * One connection to an upstream: one request at a time, used again only after an answer that left no doubt
 * where it ended.
 *
 *     CONNECTING ──▶ IDLE ─start─▶ WAITING ─head─▶ READING ─end─▶ IDLE (back in the pool) or CLOSED
 *        │             └── a byte nobody asked for ──▶ CLOSED
 *        └── refused, too late ──▶ CLOSED       WAITING ─101─▶ TUNNELLING
 */
export class ClientConnection implements AnswerOwner, UploadOwner {
  readonly #pool: ClientPool
  readonly #socket: Socket
  readonly #writer: RequestWriter
  readonly #reads: ReadBuffer = new ReadBuffer()
  readonly #reader: AnswerReader = new AnswerReader(this.#reads, this)
  readonly #onExchangeAbort: () => void
  #phase = CONNECTING
  /** When the phase began, or the body last moved. */
  #sinceMs: number
  #call: UpstreamCall | null = null
  /** Answers this connection has given. */
  #answers = 0
  #isPersistent = true
  #keepAliveMs = 0
  #isPaused = false
  #hasEnded = false
  /** What was received of the body when it last moved. */
  #bodyMark = 0
  #failure: Error | null = null
  #peer: SocketPeer | null = null

  constructor(pool: ClientPool, host: string, port: number) {
    this.#pool = pool
    this.#sinceMs = monotonicMs()
    this.#onExchangeAbort = () => this.#onAbort()
    const onread: OnReadOpts = {
      buffer: () => this.#reads.next(),
      callback: (length, bytes) => {
        this.#onBytes(bytes as Buffer, length)
        return true
      },
    }
    const { tls, sessions } = pool
    const socket =
      tls === null
        ? connect({ host, port, noDelay: true, allowHalfOpen: true, onread })
        : dialSecure(tls, host, port, HTTP_1, sessions, onread)
    this.#socket = socket
    this.#writer = new RequestWriter(socket, this)
    const onFault = (error: unknown): void => this.#onFault(error)
    const onConnect = guard(() => this.#onConnect(), onFault)
    const onEnd = guard(() => this.#onEnd(), onFault)
    const onClose = guard(() => this.#onClose(), onFault)
    const onDrain = guard(() => this.#onDrain(), onFault)
    socket.on('error', (error) => {
      this.#failure ??= error
    })
    socket.on(tls === null ? 'connect' : 'secureConnect', onConnect)
    socket.on('end', onEnd)
    socket.on('close', onClose)
    socket.on('drain', onDrain)
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

  /** BodySource: memory that may be read into again. */
  giveBack(chunk: Buffer): void {
    this.#reads.giveBack(chunk)
  }

  /** BodySource: nobody wants the rest of the answer. */
  cancel(_error: Error): void {
    this.#reader.stop()
    this.#socket.destroy()
  }

  onUploadFailed(error: Error): void {
    const isClientGone = this.#call?.isAborted ?? false
    this.#fail(isClientGone ? new GatewayError('UPSTREAM_ABORTED', {}, error) : unsendable(error))
  }

  onAnswer(response: Response, head: ResponseHead, isWhole: boolean, isExact: boolean): void {
    const call = this.#call as UpstreamCall
    this.#isPersistent = head.isPersistent
    this.#keepAliveMs = this.#pool.keepAliveMs(head.keepAliveSeconds)
    this.#answers += 1
    if (isWhole) this.#finish(isExact)
    else {
      if (!head.isChunked && head.contentLength < 0) this.#isPersistent = false
      this.#phase = READING
      this.#sinceMs = monotonicMs()
      this.#bodyMark = 0
    }
    // Who waits runs after this call, when the bytes that came with the head are read.
    call.resolve(response)
  }

  onAnswerRead(body: Body, trailers: string[] | null, isExact: boolean): void {
    // Back in the pool first: what the end of this body sets off may need a connection.
    this.#finish(isExact)
    body.end(trailers)
  }

  onUpgraded(response: Response, rest: Buffer | null): void {
    const call = this.#call as UpstreamCall
    const peer = new SocketPeer(this.#socket, rest)
    this.#call = null
    this.#phase = TUNNELLING
    this.#peer = peer
    // A tunnel outlives the pool that opened it.
    this.#pool.remove(this)
    offerTunnel(response, peer)
    call.resolve(response)
  }

  onBroken(reason: string): void {
    this.#fail(this.#invalid(reason))
  }

  /** Looks at the time limits. */
  tick(nowMs: number): void {
    try {
      this.#checkTime(nowMs)
    } catch (error) {
      this.#onFault(error)
    }
  }

  #checkTime(nowMs: number): void {
    const elapsedMs = nowMs - this.#sinceMs
    const { tuning, connectTimeoutMs, endpoint } = this.#pool
    if (this.#phase === CONNECTING && elapsedMs > connectTimeoutMs) {
      this.#failure = new Error(`it did not accept within ${connectTimeoutMs} ms`)
      this.#socket.destroy()
    } else if (this.#phase === IDLE && elapsedMs > this.#keepAliveMs) {
      this.#socket.destroy()
    } else if (this.#phase === READING) {
      if (this.#bodyMark !== this.#reader.received) {
        this.#bodyMark = this.#reader.received
        this.#sinceMs = nowMs
      } else if (elapsedMs > (this.#isPaused ? tuning.unreadMs : tuning.bodyIdleMs)) {
        this.onBroken('the body stood still')
      }
      return
    }
    const call = this.#call
    if (call?.isLate(nowMs)) {
      this.#fail(new GatewayError('UPSTREAM_TIMEOUT', { endpoint, ms: call.timeoutMs }))
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
    this.#reader.expect(call.request.method, call.request.upgrade ?? '')
    if (this.#writer.start(call.request)) return
    this.#phase = IDLE
    this.#call = null
    this.#sinceMs = monotonicMs()
    call.reject(unsendable(new Error('a part of the request that cannot be sent')))
    this.#pool.release(this)
  }

  #onBytes(bytes: Buffer, length: number): void {
    try {
      if (this.#phase === WAITING || this.#phase === READING) this.#reader.feed(bytes, length)
      else if (this.#peer !== null) this.#peer.onBytes(bytes, length)
      // Nobody asked: whatever it is, it would be taken for the answer to the next request.
      else this.#socket.destroy()
    } catch (error) {
      this.#onFault(error)
    }
  }

  /** Something threw where nothing should. It costs the connection, not the process. */
  #onFault(error: unknown): void {
    reportFault(error)
    this.#failure ??= error instanceof Error ? error : ENDED_EARLY
    this.#socket.destroy()
  }

  /** The answer is whole. Bytes after it, or a request that is not out yet, are reasons for doubt. */
  #finish(isExact: boolean): void {
    const isClean = isExact && this.#isPersistent && this.#writer.isDone && !this.#hasEnded
    this.#call = null
    this.#sinceMs = ticker.nowMs
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

  #onDrain(): void {
    if (this.#peer === null) this.#writer.onDrain()
    else this.#peer.onDrain()
  }

  #onEnd(): void {
    if (this.#peer !== null) {
      this.#peer.onEnd()
      return
    }
    this.#hasEnded = true
    if (this.#phase === READING && this.#reader.endByClose()) return
    this.#failure ??= ENDED_EARLY
    this.#socket.destroy()
  }

  #onAbort(): void {
    // The list of a past exchange may still name this connection.
    if (this.#call?.isAborted) this.#fail(new GatewayError('UPSTREAM_ABORTED', {}))
  }

  /** The call, or the body of its answer, ends with `error`, and with it the connection. */
  #fail(error: Error): void {
    const call = this.#call
    const body = this.#reader.stop()
    const phase = this.#phase
    this.#call = null
    this.#phase = CLOSED
    this.#writer.stop(error)
    this.#socket.destroy()
    if (phase === READING) body?.fail(error)
    else call?.reject(error)
  }

  #onClose(): void {
    if (this.#peer !== null) {
      this.#peer.onClose()
      return
    }
    const call = this.#call
    const phase = this.#phase
    this.#pool.remove(this)
    if (phase === CLOSED) return
    if (phase === WAITING && call !== null && this.#maySendAgain(call)) {
      this.#call = null
      this.#phase = CLOSED
      call.hasRetried = true
      this.#pool.dispatch(call)
      return
    }
    const failure = this.#failure ?? ENDED_EARLY
    const reason = tlsFailure(failure) ?? reasonOf(failure)
    const { endpoint } = this.#pool
    if (phase !== CONNECTING) this.#fail(this.#invalid(reason))
    else this.#fail(new GatewayError('UPSTREAM_CONNECT', { endpoint, reason }))
  }

  /**
   * An idle connection may be closed by the upstream in the moment it is used again. What is idempotent and
   * can still be sent as a whole gets one second attempt (RFC 9112, section 9.3.1).
   */
  #maySendAgain(call: UpstreamCall): boolean {
    return (
      this.#answers > 0 &&
      !this.#reader.hasBytes &&
      !call.hasRetried &&
      !call.isAborted &&
      isIdempotent(call.request.method) &&
      call.request.body.isWhole
    )
  }

  #invalid(reason: string): GatewayError {
    return new GatewayError('UPSTREAM_INVALID', { endpoint: this.#pool.endpoint, reason })
  }
}

/** A body past the limit of its route says so itself. */
function unsendable(cause: Error): GatewayError {
  if (isGatewayError(cause) && cause.fault === 'client') return cause
  return new GatewayError('REQUEST_INVALID', { reason: cause.message }, cause)
}

const HTTP_1 = ['http/1.1']
const ANSWERED = new Error('the upstream answered before it had the whole body')
const ENDED_EARLY = new Error('it closed the connection before its answer was whole')
