import { isIP } from 'node:net'
import { buildConnector, Client, type Dispatcher } from 'undici'
import type { UpstreamTls } from '../tls/upstream-tls.ts'

/** This file is the only importer of undici: what an engine needs of it, in our words. */

/** One connection to an origin that serves one request at a time and connects again when it has to. */
export type Connection = Client

export type Controller = Dispatcher.DispatchController

export type CallHandler = Dispatcher.DispatchHandler

/** What `Connection.dispatch` sends. A class, so that all requests have one shape. */
export class Dispatch {
  readonly method: string
  readonly path: string
  /** A flat list with Host. */
  readonly headers: string[]
  /** Bytes, or a stream as undici knows it. */
  readonly body: unknown
  /** Whom the connection leads to. Without it undici takes the Host of each request, which a client chooses. */
  readonly servername: string
  /** undici reports a connection with a blocking request as busy, which costs an event each way. */
  readonly blocking = false

  constructor(method: string, path: string, headers: string[], body: unknown, servername: string) {
    this.method = method
    this.path = path
    this.headers = headers
    this.body = body
    this.servername = servername
  }
}

/** Idle time before a connection is given up: shorter than what servers wait, so that they rarely win the race. */
export const UPSTREAM_KEEP_ALIVE_MS = 4_000

/** Bytes the header section of an answer may have. */
export const MAX_ANSWER_HEAD_BYTES = 32 * 1024

/** Makes connections to one origin, without any traffic yet. */
export function connectionFactory(
  origin: string,
  connectTimeoutMs: number,
  tls: UpstreamTls | null,
): () => Connection {
  const options: Client.Options = {
    allowH2: false,
    connect: timedConnector(connectTimeoutMs, tls),
    keepAliveTimeout: UPSTREAM_KEEP_ALIVE_MS,
    maxHeaderSize: MAX_ANSWER_HEAD_BYTES,
    pipelining: 1,
    // These tick every half second, and switching between them costs a timer or two per request:
    // `Deadlines` does their work.
    bodyTimeout: 0,
    headersTimeout: 0,
  }
  return () => new Client(origin, options)
}

/** Starts a request; what becomes of it is told to `handler`. */
export function dispatch(connection: Connection, what: Dispatch, handler: CallHandler): void {
  // The types of undici know fewer methods and no `undefined`; it checks both itself.
  connection.dispatch(what as unknown as Dispatcher.DispatchOptions, handler)
}

/** undici's connector with an exact time limit: its own is checked every half second. */
function timedConnector(timeoutMs: number, tls: UpstreamTls | null): buildConnector.connector {
  const connect = buildConnector({
    allowH2: false,
    timeout: 0,
    ...(tls === null
      ? {}
      : { secureContext: tls.context, rejectUnauthorized: tls.settings.isVerified }),
  })
  return (options, callback) => {
    let timer: NodeJS.Timeout | null = null
    // The connector answers with the socket, which its type leaves out.
    // An address is checked as it is, and not sent as a name (RFC 6066, section 3).
    const servername = isIP(options.servername ?? '') === 0 ? (options.servername ?? '') : ''
    const socket = connect({ ...options, servername }, (...result) => {
      if (timer !== null) clearTimeout(timer)
      callback(...result)
    }) as unknown as { destroy(error: Error): void }
    timer = setTimeout(() => {
      socket.destroy(new Error(`no connection within ${timeoutMs} ms`))
    }, timeoutMs)
  }
}
