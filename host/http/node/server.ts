import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { GatewayError, reasonOf } from '../../errors.ts'
import { HeadCheck } from '../check.ts'
import { Deadlines } from '../deadlines.ts'
import type { ExchangeHandler, HttpServer, ListenOptions, ServerLimits } from '../engine.ts'
import { Connection } from './connection.ts'
import { ALLOWED_METHODS, rawAnswer } from './local-answer.ts'
import { GatewayRequest, GatewayResponse } from './message.ts'
import { Transaction } from './transaction.ts'

/** How long a client may pause while it sends a body. */
export const BODY_IDLE_MS = 30_000

/** How often connections are checked for slow heads; Node's 30 s would make a limit of 5 s one of 35 s. */
const CHECK_INTERVAL_MS = 500

/** How often idle connections are closed while the server drains. */
const DRAIN_INTERVAL_MS = 50

/** A listener on Node's HTTP server. Strict where Node is not: see `HeadCheck`. */
export class NodeServer implements HttpServer {
  readonly name: string
  readonly handler: ExchangeHandler
  /** One for all connections: a check ends before the next one starts. */
  readonly check: HeadCheck = new HeadCheck()
  readonly bodyDeadlines: Deadlines
  /** Connections between two requests. */
  idleDeadlines: Deadlines
  limits: ServerLimits
  /** Every answer closes its connection from now on. */
  isDraining = false
  readonly #server: Server<typeof GatewayRequest, typeof GatewayResponse>
  readonly #connections = new Set<Connection>()
  #closed: Promise<void> | null = null

  constructor(options: ListenOptions, handler: ExchangeHandler) {
    this.name = options.name
    this.handler = handler
    this.limits = options.limits
    this.bodyDeadlines = new Deadlines(options.limits.bodyIdleTimeoutMs ?? BODY_IDLE_MS)
    this.idleDeadlines = new Deadlines(options.limits.keepAliveTimeoutMs)
    this.#server = createServer({
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      IncomingMessage: GatewayRequest,
      ServerResponse: GatewayResponse,
      // Said here, `--insecure-http-parser` on the command line has no effect.
      insecureHTTPParser: false,
      noDelay: true,
      rejectNonStandardBodyWrites: true,
      // `HeadCheck` asks for exactly one.
      requireHostHeader: false,
      // Pauses in a body are limited instead: a slow honest upload is no attack.
      requestTimeout: 0,
    })
    const server = this.#server
    server.maxHeadersCount = 0
    server.timeout = 0
    // Node sets a timer of the socket twice per request for it; `idleDeadlines` links a pointer or two.
    server.keepAliveTimeout = 0
    this.update(options.limits)
    server.on('connection', (socket: Socket) => this.#accept(socket))
    server.on('request', (req, res) => this.#receive(req, res))
    server.on('clientError', (error: Error & { code?: string }, socket) => {
      this.#fail(error, socket as Socket)
    })
    server.on('connect', (_req, socket) => refuseTunnel(socket as Socket))
    // After it is bound a listener fails for want of descriptors only: those that are open go on.
    server.on('error', ignore)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0
  }

  get connections(): number {
    return this.#connections.size
  }

  /** Binds the socket; fails with LISTEN. */
  listen(address: string, port: number): Promise<void> {
    const server = this.#server
    return new Promise((resolve, reject) => {
      const onError = (error: Error): void => {
        const where = `${address === '' ? '*' : address}:${port}`
        reject(new GatewayError('LISTEN', { address: where, reason: reasonOf(error) }, error))
      }
      server.once('error', onError)
      server.listen(address === '' ? { port } : { port, host: address }, () => {
        server.removeListener('error', onError)
        resolve()
      })
    })
  }

  /** Limits of connections hold for new ones, all others from the next request on. */
  update(limits: ServerLimits): void {
    const server = this.#server
    this.limits = limits
    server.headersTimeout = limits.headerTimeoutMs
    if (limits.keepAliveTimeoutMs !== this.idleDeadlines.limitMs) {
      // Connections that are idle already keep the time they were given.
      this.idleDeadlines = new Deadlines(limits.keepAliveTimeoutMs)
    }
    server.maxConnections = limits.maxConnections
    // Read for each new connection; not in the types.
    Object.assign(server, { maxHeaderSize: limits.maxHeaderBytes })
  }

  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#drain(graceMs)
    return this.#closed
  }

  #drain(graceMs: number): Promise<void> {
    this.isDraining = true
    return new Promise((resolve) => {
      const closeIdle = (): void => {
        for (const connection of this.#connections) {
          if (connection.isIdle) connection.socket.destroySoon()
        }
      }
      const interval = setInterval(closeIdle, DRAIN_INTERVAL_MS)
      const deadline = setTimeout(() => this.#server.closeAllConnections(), graceMs)
      this.#server.close(() => {
        clearInterval(interval)
        clearTimeout(deadline)
        resolve()
      })
      closeIdle()
    })
  }

  #accept(socket: Socket): void {
    const connection = new Connection(this, socket)
    this.#connections.add(connection)
    // Two closures per connection, none per request.
    ;(socket as GatewaySocket)[CONNECTION] = connection
    socket.once('close', () => {
      this.#connections.delete(connection)
      connection.closed()
    })
  }

  #receive(req: GatewayRequest, res: GatewayResponse): void {
    const connection = (req.socket as GatewaySocket)[CONNECTION]
    connection.add(new Transaction(connection, req, res))
  }

  #fail(error: Error & { code?: string }, socket: Socket): void {
    const connection = (socket as GatewaySocket)[CONNECTION]
    const { code } = error
    if (connection === undefined || code === undefined || !isProtocolError(code)) {
      socket.destroy()
      return
    }
    connection.fail(statusOf(code), reasonOf(error))
  }
}

const CONNECTION = Symbol('connection')

interface GatewaySocket extends Socket {
  [CONNECTION]: Connection
}

/** Anything else, such as a reset, has nobody left to answer to. */
function isProtocolError(code: string): boolean {
  return code.startsWith('HPE_') || code === 'ERR_HTTP_REQUEST_TIMEOUT'
}

function statusOf(code: string): number {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return 431
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return 413
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 408
    default:
      return 400
  }
}

/** Node has taken its own listeners off this socket. */
function refuseTunnel(socket: Socket): void {
  socket.on('error', ignore)
  socket.end(rawAnswer(405, `allowed: ${ALLOWED_METHODS}`), 'latin1', () => socket.destroy())
}

function ignore(): undefined {
  return undefined
}
