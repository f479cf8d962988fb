import type { Body } from '../exchange/body.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Pending } from '../exchange/late.ts'
import type { Response } from '../exchange/response.ts'
import type { ForwardedFields } from './forward.ts'
import type { Overload } from './overload/overload.ts'
import type { ServerTls } from './tls/server-tls.ts'
import type { UpstreamTls } from './tls/upstream-tls.ts'

/**
 * The seam between HTTP and everything above it: the exchange knows no engine, and an engine knows no
 * router. Adding an engine is one folder and one line in `engines.ts`.
 */
export interface HttpEngine {
  readonly name: string
  /** Resolves when the socket is bound; fails with LISTEN. */
  listen(options: ListenOptions, handler: ExchangeHandler): Promise<HttpServer>
  createClient(options: ClientOptions): HttpClient
}

/**
 * Fills `exchange.response`. It must not throw; the engine answers 500 without internals when it does.
 * Synchronous when nothing had to be waited for.
 */
export type ExchangeHandler = (exchange: Exchange) => void | Pending<void>

export interface ListenOptions {
  /** The name of the HTTPServer object, for `Exchange.server`. */
  readonly name: string
  /** "" listens on every address. */
  readonly address: string
  /** 0 takes a free port. */
  readonly port: number
  readonly limits: ServerLimits
  /** Says when to take on less; absent for never. */
  readonly overload?: Overload
  /** Null or absent for plain connections. */
  readonly tls?: ServerTls | null
}

/** Limits that can change while the listener runs. */
export interface ServerLimits {
  readonly keepAlive: boolean
  /** Idle time before a kept-alive connection is closed. Default 60 s. */
  readonly keepAliveTimeoutMs: number
  /** Default 10,240. */
  readonly maxConnections: number
  /** Time for a whole request head. Default 5 s. */
  readonly headerTimeoutMs: number
  /** Bytes of a request line; past it 414. Default 8 KiB. */
  readonly maxRequestLineBytes?: number
  /** Decoded size of the request head. Default 32 KiB. */
  readonly maxHeaderBytes: number
  /** Default 100. */
  readonly maxHeaderCount: number
  /** Body bytes a client may send; past it 413. -1 means no limit. Default 10 MiB. */
  readonly maxBodyBytes: number
  /** How long a client may pause while it sends a body; past it 408. Default 30 s. */
  readonly bodyIdleTimeoutMs?: number
  /** Bytes a second a body must make after a first `bodyIdleTimeoutMs`; 0 for none. Default 1 KiB. */
  readonly minBodyRate?: number
  /** Time for a whole body, without the time it had to wait for us; past it 408; 0 for none. Default 300 s. */
  readonly bodyTimeoutMs?: number
  /** Time from the whole request to the head of its answer; past it 504; 0 for none. Default 60 s. */
  readonly requestTimeoutMs?: number
  /** A client that takes nothing of its answer for this long is cut off. Default 60 s. */
  readonly writeIdleTimeoutMs?: number
  /** Requests one connection may carry, so that long-lived ones move to newer instances. Default 10,000. */
  readonly maxRequestsPerConnection?: number
  /** Open tunnels; past it 503. Default 8,192. */
  readonly maxTunnels?: number
  /** A tunnel on which nothing travels for this long is closed; 0 for never. Default 5 min. */
  readonly tunnelIdleTimeoutMs?: number
}

export interface HttpServer {
  /** The port that was bound. */
  readonly port: number
  readonly connections: number
  update(limits: ServerLimits): void
  /** New connections use these certificates, or none at all; open ones stay as they are. */
  updateTls(tls: ServerTls | null): void
  /** Stops accepting, lets running exchanges end, cuts what is left after `graceMs`. Idempotent. */
  close(graceMs: number): Promise<void>
}

export interface ClientOptions {
  /** `http://host:port` or `https://host:port`. */
  readonly origin: string
  /** Default 2 s. */
  readonly connectTimeoutMs: number
  /** Connections to this origin. Default 1,024. */
  readonly maxConnections: number
  /** An answer whose body stands still this long is broken off. Default 60 s. */
  readonly bodyIdleTimeoutMs?: number
  /** An idle connection is kept this long, unless the upstream says otherwise. Default 4 s. */
  readonly keepAliveTimeoutMs?: number
  /** How an `https` origin is checked and spoken to; null or absent for the defaults. */
  readonly tls?: UpstreamTls | null
}

/** A request to an upstream: start line, Host and framing are written by the engine from these parts. */
export interface UpstreamRequest {
  readonly method: string
  /** Origin-form. */
  readonly target: string
  readonly host: string
  /** Without hop-by-hop and framing fields: a flat list, or fields that may be sent on as they were read. */
  readonly headers: readonly string[] | ForwardedFields
  readonly body: Body
  /** The protocol to go over to; an answer of status 101 then brings a tunnel. Left out: none. */
  readonly upgrade?: string
}

/** Who asked an upstream. One of the two is called, once; neither throws. */
export interface Asker {
  /** The head of the answer is here; its body may still stream, and begins when this call is over. */
  onAnswer(response: Response): void
  onFailure(error: unknown): void
}

export interface HttpClient {
  /**
   * Tells `asker` when the head of the answer is here, or that there is none: UPSTREAM_CONNECT,
   * UPSTREAM_TIMEOUT (no head within `timeoutMs`, 0 for none), UPSTREAM_INVALID or UPSTREAM_ABORTED. No promise:
   * for every request of a gateway that is one less, with all that hangs on it. Who wants one calls `answerOf`.
   */
  send(asker: Asker, request: UpstreamRequest, timeoutMs: number, exchange: Exchange | null): void
  close(): Promise<void>
}
