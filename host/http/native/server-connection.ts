import type { Socket } from 'node:net'
import { monotonicMs } from '../../clock.ts'
import { GatewayError } from '../../errors.ts'
import { Body } from '../../exchange/body.ts'
import type { ClientTls } from '../../exchange/client-tls.ts'
import { Exchange } from '../../exchange/exchange.ts'
import { Request } from '../../exchange/request.ts'
import type { TunnelOffer } from '../../exchange/tunnel.ts'
import type { ExchangeHandler } from '../engine.ts'
import type { FullLimits } from '../full-limits.ts'
import { SHEDDING } from '../overload/overload.ts'
import { GOING_AWAY } from '../websocket/frame-watch.ts'
import { SocketPeer } from '../websocket/socket-peer.ts'
import { Tunnel } from '../websocket/tunnel.ts'
import { UNTIL_CLOSE } from './body-writer.ts'
import { ExchangeRunner, type RunnerOwner } from './exchange-runner.ts'
import { guard, reportFault } from './fault.ts'
import { ALLOW_LINE, closingAnswer } from './head-text.ts'
import { BodyPace, WritePace } from './pace.ts'
import type { ReadBuffer } from './read-buffer.ts'
import type { RequestHead } from './request-head.ts'
import {
  BETWEEN,
  IN_BODY,
  IN_HEAD,
  type ReaderOwner,
  RequestReader,
  WHOLE,
} from './request-reader.ts'
import type { NativeServer } from './server.ts'
import { ticker } from './ticker.ts'

const OPEN = 0
/** Our last byte is written; what still comes is thrown away, so that the client can read our answer. */
const LINGERING = 1
const CLOSED = 2
/** HTTP is over: bytes go to a tunnel and come from it. */
const TUNNELLING = 3

/** An unread body up to this size is read and dropped to keep the connection; past it, it closes. */
export const MAX_DRAINED_BYTES = 64 * 1024

/** How long an idle connection may still bring a request once its listener closes. */
export const LAST_REQUEST_MS = 1_000

/** How long a client may go on sending after our last byte, and how much. */
export const LINGER_MS = 2_000
export const MAX_LINGER_BYTES = 4 * 1024 * 1024

/**
 * One connection of a client: has its requests answered one after the other, in order. Time limits are looked
 * at by the ticker; no timer belongs to a connection.
 *
 *     OPEN ─ last answer, refusal, closing ─▶ LINGERING ─ the client ends, or time is over ─▶ CLOSED
 *     OPEN ─ a tunnel was agreed on ─▶ TUNNELLING ─▶ CLOSED
 */
export class ServerConnection implements ReaderOwner, RunnerOwner {
  readonly handler: ExchangeHandler
  readonly #server: NativeServer
  readonly #socket: Socket
  readonly #remoteAddress: string
  /** Null for a plain connection. */
  readonly #tls: ClientTls | null
  readonly #reads: ReadBuffer
  readonly #reader: RequestReader
  readonly #runner: ExchangeRunner
  readonly #bodyPace: BodyPace = new BodyPace()
  readonly #writePace: WritePace = new WritePace()
  #phase = OPEN
  /** Since when the connection is idle, in a head, waits for an answer, or lingers. */
  #sinceMs: number
  #isInHead = false
  #requests = 0
  #isPersistent = true
  #isHttp10 = false
  #expectsContinue = false
  /** The answer of the request whose body is still being read is out. */
  #hasAnswered = false
  #isPaused = false
  #pausedAtMs = 0
  /** The client will send no more. */
  #hasEnded = false
  #lingered = 0
  #peer: SocketPeer | null = null
  #tunnel: Tunnel | null = null

  constructor(
    server: NativeServer,
    socket: Socket,
    reads: ReadBuffer,
    tls: ClientTls | null = null,
  ) {
    this.#server = server
    this.#tls = tls
    this.handler = server.handler
    this.#socket = socket
    this.#reads = reads
    this.#reader = new RequestReader(reads, this)
    this.#runner = new ExchangeRunner(socket, this)
    const address = socket.remoteAddress ?? ''
    this.#remoteAddress = address.startsWith('::ffff:') ? address.slice(7) : address
    this.#sinceMs = monotonicMs()
    const onFault = (error: unknown): void => this.onFault(error)
    const onEnd = guard(() => this.#onEnd(), onFault)
    const onClose = guard(() => this.#onClose(), onFault)
    const onDrain = guard(() => this.#onDrain(), onFault)
    // "close" follows every error and does the work.
    socket.on('error', () => socket.destroy())
    socket.on('end', onEnd)
    socket.on('close', onClose)
    socket.on('drain', onDrain)
  }

  get limits(): FullLimits {
    return this.#server.limits
  }

  /** ReaderOwner: no answers pile up that the client does not read. */
  get canTakeRequest(): boolean {
    return !this.#socket.writableNeedDrain
  }

  /** A read that brought its own memory. */
  onChunk(chunk: Buffer): void {
    this.#reads.adopt(chunk)
    this.onBytes(chunk, chunk.length)
  }

  /** `bytes[0, length)` arrived; the memory is used again after the call. */
  onBytes(bytes: Buffer, length: number): void {
    try {
      if (this.#phase === OPEN) this.#reader.feed(bytes, length)
      else if (this.#peer !== null) this.#peer.onBytes(bytes, length)
      else this.#discard(length)
    } catch (error) {
      this.onFault(error)
    }
  }

  /** RunnerOwner: something threw where nothing should. It costs the connection, not the process. */
  onFault(error: unknown): void {
    reportFault(error)
    this.#socket.destroy()
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
    if (this.#isPaused || this.#phase !== OPEN) return
    this.#isPaused = true
    this.#pausedAtMs = monotonicMs()
    this.#socket.pause()
  }

  /** BodySource: memory that may be read into again. */
  giveBack(chunk: Buffer): void {
    this.#reads.giveBack(chunk)
  }

  /** BodySource: nobody wants the rest of the request body; it is dropped as it comes. */
  cancel(_error: Error): void {
    this.resume()
  }

  onRequest(head: RequestHead, body: Body): void {
    const nowMs = monotonicMs()
    this.#requests += 1
    this.#isInHead = false
    this.#hasAnswered = false
    this.#isHttp10 = head.isHttp10
    this.#isPersistent = head.isPersistent
    this.#expectsContinue = head.expectsContinue && this.#reader.phase === IN_BODY
    if (this.#server.overload.level >= SHEDDING) {
      this.#server.overload.shed += 1
      this.onRefused(503, 'too much to do', null)
      return
    }
    if (head.target === '*') {
      this.#answerOptions(body)
      return
    }
    if (this.#reader.phase === IN_BODY) this.#bodyPace.start(nowMs)
    else this.#sinceMs = nowMs
    const request = new Request(
      head.method,
      head.target,
      this.#tls === null ? 'http' : 'https',
      head.host === '' ? this.#localHost() : head.host,
      head.isHttp10 ? '1.0' : '1.1',
      head.headers,
      body,
      this.#remoteAddress,
    )
    request.upgrade = head.upgrade
    request.tls = this.#tls
    this.#runner.run(new Exchange(request, this.#server.name, nowMs))
  }

  onBodyRead(body: Body, trailers: string[] | null): void {
    // A consumer that was full would leave us deaf to a client that goes away.
    this.resume()
    this.#sinceMs = monotonicMs()
    body.end(trailers)
    if (this.#hasAnswered && this.#phase === OPEN) this.#becomeIdle()
  }

  /** ReaderOwner: answers from here and closes. Whoever works on the request is told that it is not heard. */
  onRefused(status: number, reason: string, error: GatewayError | null): void {
    const cause = error ?? new GatewayError('REQUEST_INVALID', { reason })
    const isInBody = this.#reader.phase === IN_BODY
    const hasBegun = this.#runner.isSending || (isInBody && this.#hasAnswered)
    const body = this.#reader.stop()
    if (hasBegun) this.#phase = CLOSED
    else {
      this.#runner.writer.socket.write(closingAnswer(status, reason), 'latin1')
      this.#linger()
    }
    this.#runner.cancel(status, cause)
    body?.fail(cause)
    // Half an answer must not look like a whole one.
    if (hasBegun) this.#cut()
  }

  /** RunnerOwner: only now is the body asked for; who is turned away at once need not send it. */
  onPending(): void {
    if (!this.#expectsContinue) return
    this.#expectsContinue = false
    if (this.#reader.phase === IN_BODY) {
      this.#runner.writer.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')
    }
  }

  /** RunnerOwner: decides at the moment of the answer whether another request may follow. */
  staysOpen(body: Body): boolean {
    const server = this.#server
    const hasLength = body.isWhole || body.announcedLength >= 0
    if (
      server.isClosing ||
      server.isCrowded ||
      !server.limits.keepAlive ||
      this.#requests >= server.limits.maxRequestsPerConnection ||
      // HTTP/1.0 knows no chunks: a body of unknown length ends with the connection.
      (this.#isHttp10 && !hasLength) ||
      (this.#reader.phase === IN_BODY && !this.#isWorthDraining())
    ) {
      this.#isPersistent = false
    }
    return this.#isPersistent
  }

  /** RunnerOwner: the answer is out, or has broken off. */
  onAnswered(isComplete: boolean): void {
    this.#hasAnswered = true
    if (this.#phase !== OPEN) return
    if (!isComplete) this.#cut()
    else if (!this.#isPersistent) this.#linger()
    else if (this.#reader.phase === IN_BODY) this.#reader.dropBody(ANSWERED)
    else this.#becomeIdle()
  }

  /** RunnerOwner */
  get canTunnel(): boolean {
    return this.#server.tunnels < this.#server.limits.maxTunnels && !this.#server.isClosing
  }

  /** RunnerOwner: the client was told; what it sends from now on is not ours to read. */
  onTunnel(offer: TunnelOffer): void {
    this.#phase = TUNNELLING
    this.#server.tunnels += 1
    const peer = new SocketPeer(this.#runner.writer.socket, this.#reader.release())
    this.#peer = peer
    this.#tunnel = new Tunnel(peer, offer)
    this.#tunnel.open()
  }

  /** Ends a tunnel with a close frame; what is no tunnel is cut. */
  goAway(): void {
    if (this.#tunnel === null) this.destroy()
    else this.#tunnel.close(GOING_AWAY)
  }

  /** Cuts the connection; an answer that was sent is out. */
  destroy(): void {
    this.#runner.writer.socket.destroy()
  }

  /** Looks at the time limits. */
  tick(nowMs: number): void {
    try {
      if (this.#phase === OPEN) this.#checkRequest(nowMs)
      else if (this.#tunnel !== null) {
        this.#tunnel.tick(nowMs, this.#server.limits.tunnelIdleTimeoutMs)
      } else if (this.#socket.writableLength > 0) this.#sinceMs = nowMs
      else if (nowMs - this.#sinceMs > LINGER_MS) this.#socket.destroy()
      const { writeIdleTimeoutMs } = this.#server.limits
      if (this.#writePace.isStalled(this.#socket, nowMs, writeIdleTimeoutMs)) this.#socket.destroy()
    } catch (error) {
      this.onFault(error)
    }
  }

  #checkRequest(nowMs: number): void {
    const { limits } = this.#server
    const { phase } = this.#reader
    if (phase === BETWEEN) {
      const limitMs = this.#requests === 0 ? limits.headerTimeoutMs : limits.keepAliveTimeoutMs
      const { isClosing, closingSinceMs } = this.#server
      // A request that is on its way when we begin to close is answered still, with the news in it.
      const isOver = isClosing && nowMs - closingSinceMs > LAST_REQUEST_MS
      if (isOver || nowMs - this.#sinceMs > limitMs) this.#linger()
    } else if (phase === IN_HEAD) {
      // Noticed here, so that a head that comes at once costs no clock.
      if (!this.#isInHead) {
        this.#isInHead = true
        this.#sinceMs = this.#requests === 0 ? this.#sinceMs : nowMs
      }
      if (nowMs - this.#sinceMs > limits.headerTimeoutMs) {
        this.onRefused(408, 'the head took too long', null)
      }
    } else if (phase === IN_BODY && !this.#isPaused) {
      const { bodyIdleTimeoutMs, minBodyRate, bodyTimeoutMs } = limits
      const { received } = this.#reader
      const pace = this.#bodyPace
      if (pace.isTooSlow(nowMs, received, bodyIdleTimeoutMs, minBodyRate, bodyTimeoutMs)) {
        this.onRefused(408, 'the body came too slowly', null)
      }
    } else if (phase === WHOLE && limits.requestTimeoutMs > 0) {
      const isLate = nowMs - this.#sinceMs > limits.requestTimeoutMs
      // An answer that has begun is a stream, which has limits of its own.
      if (isLate && this.#runner.isRunning && !this.#runner.isSending) {
        this.onRefused(504, 'the answer took too long', null)
      }
    }
  }

  /** About the server as a whole, so it is answered here (RFC 9110, section 9.3.7). */
  #answerOptions(body: Body): void {
    if (body !== Body.none) {
      this.onRefused(400, 'a body where none is expected', null)
      return
    }
    const staysOpen = this.staysOpen(Body.none)
    const close = staysOpen ? '' : 'connection: close\r\n'
    const { socket } = this.#runner.writer
    socket.write(`HTTP/1.1 204 No Content\r\n${ALLOW_LINE}${close}\r\n`, 'latin1')
    if (staysOpen) this.#becomeIdle()
    else this.#linger()
  }

  /** The answer comes before the body is read: is reading the rest cheaper than a new connection? */
  #isWorthDraining(): boolean {
    const { left } = this.#reader
    return !this.#expectsContinue && left >= 0 && left <= MAX_DRAINED_BYTES
  }

  #becomeIdle(): void {
    this.#hasAnswered = false
    this.#sinceMs = ticker.nowMs
    this.#reader.next()
    if (this.#hasEnded && this.#phase === OPEN && this.#reader.phase <= IN_HEAD) this.#onEnd()
  }

  #onDrain(): void {
    if (this.#peer !== null) {
      this.#peer.onDrain()
      return
    }
    this.#runner.writer.onDrain()
    if (this.#phase === OPEN && this.#reader.phase === BETWEEN) this.#reader.next()
  }

  /**
   * Cuts the connection. Where only its end ends the answer, a reset says that it is not whole; under TLS it is
   * enough that we do not say goodbye (RFC 8446, section 6.1).
   */
  #cut(): void {
    const isUntilClose = this.#runner.writer.framing === UNTIL_CLOSE
    if (isUntilClose && this.#tls === null) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
  }

  /** Ends our side; the socket goes when the client has ended too, or after a while. */
  #linger(): void {
    this.#phase = LINGERING
    this.#sinceMs = monotonicMs()
    this.#reader.stop()?.cancel(ANSWERED)
    this.resume()
    this.#runner.writer.socket.end()
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
    if (this.#peer !== null) {
      this.#peer.onEnd()
      return
    }
    const { phase } = this.#reader
    if (this.#phase !== OPEN) this.#socket.destroySoon()
    else if (phase === WHOLE) this.#socket.destroy()
    else if (phase === IN_HEAD) this.onRefused(400, 'the head ended early', null)
    else if (phase === IN_BODY) this.onRefused(400, 'the body ended early', null)
    else if (this.#reader.isIdle) this.#linger()
  }

  #onClose(): void {
    this.#phase = CLOSED
    if (this.#peer !== null) {
      this.#server.tunnels -= 1
      this.#peer.onClose()
    }
    const body = this.#reader.stop()
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
