import { GatewayError } from '../../errors.ts'
import type { Exchange } from '../../exchange/exchange.ts'
import { Deadlines } from '../deadlines.ts'
import type { Asker, ClientOptions, HttpClient, UpstreamRequest } from '../engine.ts'
import { defaultUpstreamTls } from '../tls/upstream-tls.ts'
import { type Connection, connectionFactory } from './undici.ts'
import { UpstreamCall } from './upstream-call.ts'

/** Time without a byte after which a streamed answer counts as broken off. */
export const UPSTREAM_IDLE_MS = 60_000

/** Calls that may wait for a connection to one origin; more are refused at once, as on the engine `native`. */
export const MAX_WAITING_CALLS = 1_024

/**
 * Upstream connections of one origin on undici.
 *
 * Each `Client` of undici is one connection that serves one request at a time; which of them serves next
 * is decided here, last used first. undici's own `Pool` looks through all of its connections for each
 * request, and raises an event when each of them becomes busy and free again.
 *
 * Time limits are kept by `Deadlines`: exact, and nearly for nothing.
 */
export class UndiciClient implements HttpClient {
  readonly origin: string
  readonly idleDeadlines: Deadlines
  readonly serverName: string
  readonly #connect: () => Connection
  readonly #maxConnections: number
  readonly #free: Connection[] = []
  readonly #all = new Set<Connection>()
  readonly #headDeadlines = new Map<number, Deadlines>()
  #waiting: UpstreamCall[] = []
  #isClosed = false
  #whenClosed: Promise<void> | null = null

  constructor(options: ClientOptions) {
    const { hostname, protocol } = new URL(options.origin)
    this.origin = options.origin
    this.idleDeadlines = new Deadlines(options.bodyIdleTimeoutMs ?? UPSTREAM_IDLE_MS)
    // Given a name, undici need not derive one from the Host field of each request; and a certificate is
    // checked against the name of the endpoint, not against what a client asked for.
    const name = hostname.replace(/^\[|\]$/g, '')
    const tls = protocol === 'https:' ? (options.tls ?? defaultUpstreamTls()) : null
    this.serverName = (tls?.settings.serverName ?? '') || name
    this.#maxConnections = options.maxConnections
    this.#connect = connectionFactory(options.origin, options.connectTimeoutMs, tls)
  }

  send(asker: Asker, request: UpstreamRequest, timeoutMs: number, exchange: Exchange | null): void {
    const call = new UpstreamCall(this, request, timeoutMs, asker)
    if (this.#isClosed) {
      call.refuse(new GatewayError('UPSTREAM_CONNECT', this.#closedReason()))
      return
    }
    if (timeoutMs > 0) this.#deadlinesOf(timeoutMs).add(call)
    // One closure per request: the exchange knows no upstream calls.
    exchange?.onAbort(() => call.abandon())
    if (!call.isSettled) this.dispatch(call)
  }

  /** Sends `call` over a free connection, a new one, or the next that becomes free. */
  dispatch(call: UpstreamCall): void {
    const connection = this.#free.pop()
    if (connection !== undefined) call.start(connection, true)
    else if (this.#all.size < this.#maxConnections) call.start(this.#open(), false)
    else if (this.#waiting.length < MAX_WAITING_CALLS) this.#waiting.push(call)
    else {
      const reason = `all ${this.#maxConnections} connections are in use`
      call.refuse(new GatewayError('UPSTREAM_CONNECT', { endpoint: this.origin, reason }))
    }
  }

  /** `connection` has done its part of a call: it may serve the next one. */
  release(connection: Connection): void {
    if (!this.#all.has(connection)) return
    this.#free.push(connection)
    // Not from inside of undici's parser, where this is called.
    if (this.#waiting.length > 0) queueMicrotask(() => this.#serveWaiting())
    if (this.#isClosed) this.#drop(connection)
  }

  /** A call that waits for a connection is not wanted any more. */
  forget(call: UpstreamCall): void {
    const at = this.#waiting.indexOf(call)
    if (at >= 0) this.#waiting.splice(at, 1)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#whenClosed ??= this.#closeAll()
    await this.#whenClosed
  }

  /** Running calls end by themselves; those without a connection fail. */
  async #closeAll(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    for (const call of waiting) {
      call.refuse(new GatewayError('UPSTREAM_CONNECT', this.#closedReason()))
    }
    // A closed client finishes what it has begun and then closes its connection.
    await Promise.allSettled(Array.from(this.#all, (connection) => connection.close()))
    this.#all.clear()
    this.#free.length = 0
  }

  #open(): Connection {
    const connection = this.#connect()
    this.#all.add(connection)
    return connection
  }

  #drop(connection: Connection): void {
    this.#all.delete(connection)
    const at = this.#free.lastIndexOf(connection)
    if (at >= 0) this.#free.splice(at, 1)
    connection.close().catch(ignore)
  }

  #serveWaiting(): void {
    while (this.#free.length > 0) {
      const call = this.#waiting.shift()
      if (call === undefined) return
      this.dispatch(call)
    }
  }

  #deadlinesOf(timeoutMs: number): Deadlines {
    let deadlines = this.#headDeadlines.get(timeoutMs)
    if (deadlines === undefined) {
      deadlines = new Deadlines(timeoutMs)
      this.#headDeadlines.set(timeoutMs, deadlines)
    }
    return deadlines
  }

  #closedReason(): { endpoint: string; reason: string } {
    return { endpoint: this.origin, reason: 'the client was closed' }
  }
}

/** Closing twice, or closing what has broken, is no news. */
function ignore(): undefined {
  return undefined
}
