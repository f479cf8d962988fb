import type { Server } from 'node:http'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { monotonicMs } from '../../clock.ts'
import { GatewayError, reasonOf } from '../../errors.ts'
import type { ClientTls } from '../../exchange/client-tls.ts'
import { sameName } from '../../exchange/field-rules.ts'
import { HeadCheck } from '../check.ts'
import { Deadlines } from '../deadlines.ts'
import type { ExchangeHandler, HttpServer, ListenOptions, ServerLimits } from '../engine.ts'
import { type FullLimits, fullLimits } from '../full-limits.ts'
import { type Ticking, ticker } from '../native/ticker.ts'
import { createServer } from '../node-http.ts'
import {
  CROWDED_SHARE,
  NEVER_OVERLOADED,
  NO_KEEP_ALIVE,
  type Overload,
  REFUSING,
} from '../overload/overload.ts'
import { type FrontOwner, SecureFront } from '../secure-front.ts'
import type { ServerTls } from '../tls/server-tls.ts'
import { Connection } from './connection.ts'
import { ALLOWED_METHODS, rawAnswer } from './local-answer.ts'
import { GatewayRequest, GatewayResponse } from './message.ts'
import { Transaction } from './transaction.ts'

/** How often connections are checked for slow heads; Node's 30 s would make a limit of 5 s one of 35 s. */
const CHECK_INTERVAL_MS = 500

/** How long an idle connection may still bring a request once its listener closes. */
const LAST_REQUEST_MS = 1_000

/** Time for close frames when a listener closes. */
const GOODBYE_MS = 500

/** How often idle connections are closed while the server drains. */
const DRAIN_INTERVAL_MS = 50

/** A listener on Node's HTTP server. Strict where Node is not: see `HeadCheck`. */
export class NodeServer implements HttpServer, FrontOwner, Ticking {
  readonly name: string
  readonly handler: ExchangeHandler
  /** One for all connections: a check ends before the next one starts. */
  readonly check: HeadCheck = new HeadCheck()
  /** Connections between two requests. */
  idleDeadlines: Deadlines
  limits: FullLimits
  /** Every answer closes its connection from now on. */
  isDraining = false
  readonly overload: Overload
  /** Connections that are tunnels. */
  tunnels = 0
  /** Connections turned away because there were too many. */
  refused = 0
  readonly #server: Server<typeof GatewayRequest, typeof GatewayResponse>
  readonly #connections = new Set<Connection>()
  readonly #front: SecureFront
  /** Node's own listener for connections: speaks HTTP/1.1 over a socket. */
  readonly #serve: (socket: Socket) => void
  #closed: Promise<void> | null = null

  constructor(options: ListenOptions, handler: ExchangeHandler) {
    this.name = options.name
    this.handler = handler
    this.limits = fullLimits(options.limits)
    this.overload = options.overload ?? NEVER_OVERLOADED
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
      // Every other upgrade is an ordinary request: nobody has to follow one.
      shouldUpgradeCallback: (req) => asksForWebSocket(req),
    })
    const server = this.#server
    server.maxHeadersCount = 0
    server.timeout = 0
    // Node sets a timer of the socket twice per request for it; `idleDeadlines` links a pointer or two.
    server.keepAliveTimeout = 0
    this.update(options.limits)
    this.#front = new SecureFront(this, options.tls ?? null)
    // In its place, so that TLS can stand before it, now or after a change.
    this.#serve = server.listeners('connection')[0] as (socket: Socket) => void
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => {
      if (!this.#turnAway(socket) && !this.#front.accept(socket)) this.#accept(socket, null)
    })
    server.on('request', (req, res) => this.#receive(req, res, null))
    server.on('upgrade', (req, socket, head) => this.#receiveUpgrade(req, socket as Socket, head))
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

  /** Connections are not kept, so that there are fewer. */
  get isCrowded(): boolean {
    return (
      this.overload.level >= NO_KEEP_ALIVE ||
      this.connections >= this.limits.maxConnections * CROWDED_SHARE
    )
  }

  get connections(): number {
    return this.#connections.size + this.#front.connections
  }

  updateTls(tls: ServerTls | null): void {
    this.#front.update(tls)
  }

  /** FrontOwner: a client speaks HTTP/1.1 over TLS. */
  serveSecure(socket: TLSSocket, tls: ClientTls): void {
    this.#accept(socket, tls)
  }

  /** FrontOwner: the listener waits for its sockets itself. */
  onSessionClosed(): undefined {
    return undefined
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
        ticker.add(this)
        resolve()
      })
    })
  }

  /** Limits of connections hold for new ones, all others from the next request on. */
  update(limits: ServerLimits): void {
    const server = this.#server
    this.limits = fullLimits(limits)
    server.headersTimeout = limits.headerTimeoutMs
    if (limits.keepAliveTimeoutMs !== this.idleDeadlines.limitMs) {
      // Connections that are idle already keep the time they were given.
      this.idleDeadlines = new Deadlines(limits.keepAliveTimeoutMs)
    }
    // Read for each new connection; not in the types. Node counts the request line too; `HeadCheck` does not.
    const { maxHeaderBytes, maxRequestLineBytes } = this.limits
    Object.assign(server, { maxHeaderSize: maxHeaderBytes + maxRequestLineBytes })
  }

  /** Looks at the time limits that Node does not keep. */
  tick(nowMs: number): void {
    for (const connection of this.#connections) connection.tick(nowMs)
    this.#front.tick(nowMs)
  }

  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#drain(graceMs)
    return this.#closed
  }

  #drain(graceMs: number): Promise<void> {
    this.isDraining = true
    const startedAtMs = monotonicMs()
    return new Promise((resolve) => {
      const closeIdle = (): void => {
        // A request that is on its way when we begin to close is answered still, with the news in it.
        if (monotonicMs() - startedAtMs < LAST_REQUEST_MS) return
        for (const connection of this.#connections) {
          if (connection.isIdle) connection.socket.destroySoon()
        }
      }
      const interval = setInterval(closeIdle, DRAIN_INTERVAL_MS)
      const cut = (): void => {
        for (const connection of this.#connections) connection.socket.destroy()
        this.#front.destroy()
      }
      let deadline = setTimeout(() => {
        if (this.tunnels === 0) {
          cut()
          return
        }
        // Who is in a tunnel is told, and gets a moment to hear it.
        for (const connection of this.#connections) connection.goAway()
        deadline = setTimeout(cut, GOODBYE_MS)
      }, graceMs)
      // The method of an HTTP server would close idle connections at once.
      NetServer.prototype.close.call(this.#server, () => {
        clearInterval(interval)
        clearTimeout(deadline)
        ticker.remove(this)
        // Ends Node's own timer.
        this.#server.close(ignore)
        // Node counts a socket as gone before it says so.
        const settle = (): void => {
          if (this.#connections.size === 0) resolve()
          else setImmediate(settle)
        }
        settle()
      })
      this.#front.closeGracefully()
    })
  }

  /** True when there are too many connections, or too much to do for another one. */
  #turnAway(socket: Socket): boolean {
    if (this.overload.level >= REFUSING) {
      this.overload.shed += 1
      socket.destroy()
      return true
    }
    if (this.connections < this.limits.maxConnections) return false
    this.refused += 1
    socket.on('error', ignore)
    // Nobody would understand a plain answer.
    if (this.#front.isSecure) socket.destroy()
    else {
      socket.resume()
      socket.end(rawAnswer(503, 'too many connections'), 'latin1', () => socket.destroySoon())
    }
    return true
  }

  #accept(socket: Socket, tls: ClientTls | null): void {
    const connection = new Connection(this, socket, tls)
    this.#connections.add(connection)
    // Two closures per connection, none per request.
    ;(socket as GatewaySocket)[CONNECTION] = connection
    socket.once('close', () => {
      this.#connections.delete(connection)
      connection.closed()
    })
    this.#serve.call(this.#server, socket)
  }

  #receive(req: GatewayRequest, res: GatewayResponse, early: Buffer | null): void {
    const connection = (req.socket as GatewaySocket)[CONNECTION]
    connection.add(new Transaction(connection, req, res, early))
  }

  /** Node has let go of the socket: what it would do after an answer is done here. */
  #receiveUpgrade(req: GatewayRequest, socket: Socket, head: Buffer): void {
    const res = new GatewayResponse(req)
    socket.on('error', ignore)
    res.assignSocket(socket)
    res.on('finish', () => {
      res.detachSocket(socket)
      socket.destroySoon()
      res.emit('close')
    })
    this.#receive(req, res, head)
  }

  #fail(error: Error & { code?: string }, socket: Socket): void {
    const connection = (socket as GatewaySocket)[CONNECTION]
    const { code } = error
    if (connection === undefined || code === undefined || !isProtocolError(code)) {
      socket.destroy()
      return
    }
    connection.fail(statusOf(error, code), reasonOf(error))
  }
}

const CONNECTION = Symbol('connection')

interface GatewaySocket extends Socket {
  [CONNECTION]: Connection
}

/** A GET with an Upgrade to WebSocket; whether the rest of it is right is checked later. */
function asksForWebSocket(req: GatewayRequest): boolean {
  if (req.method !== 'GET') return false
  const list = req.rawHeaders
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string
    if (name.length === 7 && sameName(name, 'upgrade')) {
      return (list[i + 1] as string).toLowerCase() === 'websocket'
    }
  }
  return false
}

/** Anything else, such as a reset, has nobody left to answer to. */
function isProtocolError(code: string): boolean {
  return code.startsWith('HPE_') || code === 'ERR_HTTP_REQUEST_TIMEOUT'
}

function statusOf(error: Error & { rawPacket?: Buffer }, code: string): number {
  switch (code) {
    case 'HPE_INVALID_VERSION':
      // A version that is well formed, but none that is served here.
      return / HTTP\/\d\.\d\r\n/.test(error.rawPacket?.latin1Slice() ?? '') ? 505 : 400
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
