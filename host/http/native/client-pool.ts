import { monotonicMs } from '../../clock.ts'
import { GatewayError } from '../../errors.ts'
import { SessionKeeper } from '../tls/dial.ts'
import type { UpstreamTls } from '../tls/upstream-tls.ts'
import { ClientConnection } from './client-connection.ts'
import { type Ticking, ticker } from './ticker.ts'
import type { UpstreamCall } from './upstream-call.ts'

/** Times of a client; a pool configures the first and the third. */
export interface ClientTuning {
  /** An idle connection is kept this long unless the upstream says otherwise. Default 4 s. */
  readonly keepAliveMs: number
  /** The longest an upstream's own `Keep-Alive: timeout` is believed. Default 60 s. */
  readonly maxKeepAliveMs: number
  /** A body that stands still this long breaks off. Default 60 s. */
  readonly bodyIdleMs: number
  /** A body that nobody reads for this long breaks off. Default 5 min. */
  readonly unreadMs: number
  /** Calls that may wait for a connection. Default 1,024. */
  readonly maxWaiting: number
}

export const CLIENT_TUNING: ClientTuning = {
  keepAliveMs: 4_000,
  maxKeepAliveMs: 60_000,
  bodyIdleMs: 60_000,
  unreadMs: 300_000,
  maxWaiting: 1024,
}

/** An upstream closes this much before the time it names, in case its clock starts earlier than ours. */
export const KEEP_ALIVE_MARGIN_MS = 1_000

/**
 * The connections to one origin. The one that was used last is used next: so few connections carry low
 * traffic, and the others may close.
 */
export class ClientPool implements Ticking {
  readonly endpoint: string
  readonly connectTimeoutMs: number
  readonly tuning: ClientTuning
  /** Null for plain connections. */
  readonly tls: UpstreamTls | null
  readonly sessions: SessionKeeper = new SessionKeeper()
  readonly #host: string
  readonly #port: number
  readonly #maxConnections: number
  readonly #connections: Set<ClientConnection> = new Set()
  readonly #idle: ClientConnection[] = []
  readonly #waiting: UpstreamCall[] = []
  #isClosed = false

  constructor(
    host: string,
    port: number,
    maxConnections: number,
    connectTimeoutMs: number,
    tuning: ClientTuning,
    tls: UpstreamTls | null = null,
  ) {
    this.tls = tls
    this.#host = host
    this.#port = port
    this.#maxConnections = maxConnections
    this.connectTimeoutMs = connectTimeoutMs
    this.tuning = tuning
    this.endpoint = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
    ticker.add(this)
  }

  /** Open connections, those that are being opened included. */
  get size(): number {
    return this.#connections.size
  }

  /** Sends `call` on a connection that is free, on a new one, or on the first that becomes free. */
  dispatch(call: UpstreamCall): void {
    for (let free = this.#idle.pop(); free !== undefined; free = this.#idle.pop()) {
      if (!free.isIdle) continue
      free.start(call)
      return
    }
    if (this.#isClosed) call.reject(this.#unavailable('the client is closed'))
    else if (this.#connections.size < this.#maxConnections) this.#open(call)
    else if (this.#waiting.length < this.tuning.maxWaiting) this.#waiting.push(call)
    else call.reject(this.#unavailable(`all ${this.#maxConnections} connections are in use`))
  }

  /** A connection is free again. */
  release(connection: ClientConnection): void {
    const next = this.#nextWaiting()
    if (next !== null) connection.start(next)
    else if (this.#isClosed) connection.destroy()
    else this.#idle.push(connection)
  }

  /** A connection is gone. */
  remove(connection: ClientConnection): void {
    this.#connections.delete(connection)
    const at = this.#idle.lastIndexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    const next = this.#nextWaiting()
    if (next !== null) this.#open(next)
    if (this.#isClosed && this.#connections.size === 0) ticker.remove(this)
  }

  tick(nowMs: number): void {
    for (const connection of this.#connections) connection.tick(nowMs)
    const waiting = this.#waiting
    for (let i = waiting.length - 1; i >= 0; i--) {
      const call = waiting[i] as UpstreamCall
      const isLate = call.isLate(nowMs) || nowMs - call.startedAtMs > this.connectTimeoutMs
      if (!isLate && !call.isAborted) continue
      waiting.splice(i, 1)
      if (call.isAborted) call.reject(new GatewayError('UPSTREAM_ABORTED', {}))
      else call.reject(this.#unavailable(`all ${this.#maxConnections} connections are in use`))
    }
  }

  /** How long an idle connection may be kept after an answer with this `Keep-Alive` (-1: none). */
  keepAliveMs(seconds: number): number {
    if (seconds < 0) return this.tuning.keepAliveMs
    return Math.min(Math.max(seconds * 1000 - KEEP_ALIVE_MARGIN_MS, 0), this.tuning.maxKeepAliveMs)
  }

  timeout(ms: number): GatewayError {
    return new GatewayError('UPSTREAM_TIMEOUT', { endpoint: this.endpoint, ms })
  }

  /** No new calls; idle connections close now, the others after their answer. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const call of this.#waiting.splice(0))
      call.reject(this.#unavailable('the client is closed'))
    for (const connection of this.#idle.splice(0)) connection.destroy()
    if (this.#connections.size === 0) ticker.remove(this)
  }

  #open(call: UpstreamCall): void {
    const connection = new ClientConnection(this, this.#host, this.#port)
    this.#connections.add(connection)
    connection.start(call)
  }

  #nextWaiting(): UpstreamCall | null {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (!next.isAborted && !next.isLate(monotonicMs())) return next
      next.reject(
        next.isAborted ? new GatewayError('UPSTREAM_ABORTED', {}) : this.timeout(next.timeoutMs),
      )
    }
    return null
  }

  #unavailable(reason: string): GatewayError {
    return new GatewayError('UPSTREAM_CONNECT', { endpoint: this.endpoint, reason })
  }
}
