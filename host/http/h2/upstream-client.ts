import type { TLSSocket } from 'node:tls'
import { monotonicMs } from '../../clock.ts'
import { GatewayError, reasonOf } from '../../errors.ts'
import type { Exchange } from '../../exchange/exchange.ts'
import type { Asker, ClientOptions, HttpClient, UpstreamRequest } from '../engine.ts'
import { CLIENT_TUNING } from '../native/client-pool.ts'
import { type Ticking, ticker } from '../native/ticker.ts'
import { UpstreamCall } from '../native/upstream-call.ts'
import { dialSecure, SessionKeeper } from '../tls/dial.ts'
import { tlsFailure } from '../tls/failure.ts'
import type { UpstreamTls } from '../tls/upstream-tls.ts'
import { UpstreamSession } from './upstream-session.ts'

/**
 * Sends requests to one origin over HTTP/2, as many at once over a connection as the upstream takes. An upstream
 * that does not choose HTTP/2 (ALPN) is spoken to in HTTP/1.1, by the client of the engine.
 */
export class H2Client implements HttpClient, Ticking {
  readonly origin: string
  readonly endpoint: string
  readonly bodyIdleMs: number
  readonly keepAliveMs: number
  readonly unreadMs: number = CLIENT_TUNING.unreadMs
  readonly #host: string
  readonly #port: number
  readonly #tls: UpstreamTls
  readonly #options: ClientOptions
  readonly #createFallback: () => HttpClient
  /** Made when the upstream turns out not to speak HTTP/2, or for what HTTP/2 has no words for. */
  #fallback: HttpClient | null = null
  #speaksHttp1 = false
  readonly #tickets: SessionKeeper = new SessionKeeper()
  readonly #sessions: Set<UpstreamSession> = new Set()
  readonly #waiting: UpstreamCall[] = []
  #dialing: TLSSocket | null = null
  #dialedAtMs = 0
  #isClosed = false

  constructor(options: ClientOptions, tls: UpstreamTls, createFallback: () => HttpClient) {
    const url = new URL(options.origin)
    this.origin = options.origin
    this.#host = url.hostname.replace(/^\[|\]$/g, '')
    this.#port = url.port === '' ? 443 : Number(url.port)
    this.endpoint = this.#host.includes(':')
      ? `[${this.#host}]:${this.#port}`
      : `${this.#host}:${this.#port}`
    this.bodyIdleMs = options.bodyIdleTimeoutMs ?? CLIENT_TUNING.bodyIdleMs
    this.keepAliveMs = options.keepAliveTimeoutMs ?? CLIENT_TUNING.keepAliveMs
    this.#tls = tls
    this.#options = options
    this.#createFallback = createFallback
    ticker.add(this)
  }

  send(asker: Asker, request: UpstreamRequest, timeoutMs: number, exchange: Exchange | null): void {
    // An upgrade is a matter of HTTP/1.1.
    if (this.#speaksHttp1 || request.upgrade !== undefined) {
      this.#http1().send(asker, request, timeoutMs, exchange)
      return
    }
    const call = new UpstreamCall(asker, request, exchange, monotonicMs(), timeoutMs)
    if (call.isAborted) call.reject(new GatewayError('UPSTREAM_ABORTED', {}))
    else this.dispatch(call)
  }

  /** Sends `call` over a connection that has room, or as soon as there is one. */
  dispatch(call: UpstreamCall): void {
    for (const session of this.#sessions) {
      if (!session.hasRoom) continue
      session.start(call)
      return
    }
    if (this.#isClosed) call.reject(this.#unavailable('the client is closed'))
    else if (this.#waiting.length >= CLIENT_TUNING.maxWaiting) {
      call.reject(this.#unavailable('too many requests wait for it'))
    } else {
      this.#waiting.push(call)
      this.#dial()
    }
  }

  /** A stream is over: whoever waits may have its place. */
  hasRoomAgain(): void {
    while (this.#waiting.length > 0) {
      const session = this.#sessionWithRoom()
      if (session === null) return
      const call = this.#waiting.shift() as UpstreamCall
      if (!this.#isStale(call)) session.start(call)
    }
  }

  /** The upstream takes no more requests on this connection; those it has go on. */
  leaving(session: UpstreamSession): void {
    session.close()
    if (this.#waiting.length > 0) this.#dial()
  }

  closed(session: UpstreamSession): void {
    this.#sessions.delete(session)
    if (this.#waiting.length > 0) this.#dial()
    this.#stopTicking()
  }

  tick(nowMs: number): void {
    for (const session of this.#sessions) session.tick(nowMs)
    const { connectTimeoutMs } = this.#options
    if (this.#dialing !== null && nowMs - this.#dialedAtMs > connectTimeoutMs) {
      this.#dialing.destroy(new Error(`it did not accept within ${connectTimeoutMs} ms`))
    }
    const waiting = this.#waiting
    for (let i = waiting.length - 1; i >= 0; i--) {
      const call = waiting[i] as UpstreamCall
      if (this.#isStale(call)) waiting.splice(i, 1)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const call of this.#waiting.splice(0)) {
      call.reject(this.#unavailable('the client is closed'))
    }
    this.#dialing?.destroy()
    for (const session of this.#sessions) session.close()
    this.#stopTicking()
    await this.#fallback?.close()
  }

  #http1(): HttpClient {
    this.#fallback ??= this.#createFallback()
    return this.#fallback
  }

  #sessionWithRoom(): UpstreamSession | null {
    for (const session of this.#sessions) if (session.hasRoom) return session
    return null
  }

  /** Opens a connection, unless one is being opened or there are enough. */
  #dial(): void {
    if (this.#dialing !== null || this.#isClosed) return
    if (this.#sessions.size >= this.#options.maxConnections) return
    const socket = dialSecure(this.#tls, this.#host, this.#port, PROTOCOLS, this.#tickets)
    let failure: Error | null = null
    // HTTP/2 ends a connection by itself.
    socket.allowHalfOpen = false
    this.#dialing = socket
    this.#dialedAtMs = monotonicMs()
    const onClose = (): void => this.#dialFailed(failure)
    socket.on('error', (error) => {
      failure ??= error
    })
    socket.once('close', onClose)
    socket.once('secureConnect', () => {
      socket.removeListener('close', onClose)
      this.#dialing = null
      if (socket.alpnProtocol === 'h2') this.#opened(socket)
      else this.#turnToHttp1(socket)
    })
  }

  #opened(socket: TLSSocket): void {
    if (this.#isClosed) {
      socket.destroy()
      return
    }
    this.#sessions.add(new UpstreamSession(this, socket))
    this.hasRoomAgain()
    if (this.#waiting.length > 0) this.#dial()
  }

  /** The upstream does not speak HTTP/2: whoever waits is served in HTTP/1.1, and so is all that comes. */
  #turnToHttp1(socket: TLSSocket): void {
    socket.destroy()
    this.#speaksHttp1 = true
    for (const call of this.#waiting.splice(0)) {
      this.#http1().send(call.asker, call.request, call.timeoutMs, call.exchange)
    }
  }

  #dialFailed(failure: Error | null): void {
    this.#dialing = null
    const reason =
      failure === null ? 'it closed the connection' : (tlsFailure(failure) ?? reasonOf(failure))
    for (const call of this.#waiting.splice(0)) call.reject(this.#unavailable(reason))
  }

  /** Rejects a call that nobody waits for any more, or whose time is up. */
  #isStale(call: UpstreamCall): boolean {
    if (call.isAborted) call.reject(new GatewayError('UPSTREAM_ABORTED', {}))
    else if (call.isLate(monotonicMs())) {
      const { endpoint } = this
      call.reject(new GatewayError('UPSTREAM_TIMEOUT', { endpoint, ms: call.timeoutMs }))
    } else return false
    return true
  }

  #unavailable(reason: string): GatewayError {
    return new GatewayError('UPSTREAM_CONNECT', { endpoint: this.endpoint, reason })
  }

  #stopTicking(): void {
    if (this.#isClosed && this.#sessions.size === 0) ticker.remove(this)
  }
}

const PROTOCOLS = ['h2', 'http/1.1']

/** A client for `options`: with HTTP/2 where that is asked for, else the one that `createHttp1` makes. */
export function createUpstreamClient(
  options: ClientOptions,
  createHttp1: (options: ClientOptions) => HttpClient,
): HttpClient {
  const tls = options.tls ?? null
  if (tls === null || !tls.settings.http2 || !options.origin.startsWith('https:')) {
    return createHttp1(options)
  }
  return new H2Client(options, tls, () => createHttp1(options))
}
