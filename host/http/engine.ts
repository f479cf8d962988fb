import type { Body } from '../exchange/body.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Headers } from '../exchange/headers.ts'
import type { Response } from '../exchange/response.ts'

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
export type ExchangeHandler = (exchange: Exchange) => void | Promise<void>

export interface ListenOptions {
  /** The name of the HTTPServer object, for `Exchange.server`. */
  readonly name: string
  /** "" listens on every address. */
  readonly address: string
  /** 0 takes a free port. */
  readonly port: number
  readonly limits: ServerLimits
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
  /** Decoded size of the request head. Default 32 KiB. */
  readonly maxHeaderBytes: number
  /** Default 100. */
  readonly maxHeaderCount: number
  /** Body bytes a client may send; past it 413. -1 means no limit. Default 10 MiB. */
  readonly maxBodyBytes: number
  /** How long a client may pause while it sends a body; past it 408. Default 30 s. Fixed once listening. */
  readonly bodyIdleTimeoutMs?: number
}

export interface HttpServer {
  /** The port that was bound. */
  readonly port: number
  readonly connections: number
  update(limits: ServerLimits): void
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
}

/** A request to an upstream: start line, Host and framing are written by the engine from these parts. */
export interface UpstreamRequest {
  readonly method: string
  /** Origin-form. */
  readonly target: string
  readonly host: string
  /** Without hop-by-hop and framing fields: a flat list, or fields that may be sent on as they were read. */
  readonly headers: readonly string[] | Headers
  readonly body: Body
}

export interface HttpClient {
  /**
   * Resolves when the head of the answer is here; its body may still stream. Fails with UPSTREAM_CONNECT,
   * UPSTREAM_TIMEOUT (no head within `timeoutMs`, 0 for none), UPSTREAM_INVALID or UPSTREAM_ABORTED.
   */
  send(request: UpstreamRequest, timeoutMs: number, exchange: Exchange | null): Promise<Response>
  close(): Promise<void>
}
