import { createServer, type Server, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { monotonicMs } from '../../clock.ts'
import { GatewayError, reasonOf } from '../../errors.ts'
import type { ClientTls } from '../../exchange/client-tls.ts'
import type { ExchangeHandler, HttpServer, ListenOptions, ServerLimits } from '../engine.ts'
import { type FullLimits, fullLimits } from '../full-limits.ts'
import {
  CROWDED_SHARE,
  NEVER_OVERLOADED,
  NO_KEEP_ALIVE,
  type Overload,
  REFUSING,
} from '../overload/overload.ts'
import { type FrontOwner, SecureFront } from '../secure-front.ts'
import type { ServerTls } from '../tls/server-tls.ts'
import { closingAnswer } from './head-text.ts'
import { ReadBuffer } from './read-buffer.ts'
import { ServerConnection } from './server-connection.ts'
import { type Ticking, ticker } from './ticker.ts'

/** What of the server no object configures. */
export interface ServerTuning {
  /** Let accepted sockets read into shared memory, which costs an undocumented field of Node. */
  readonly sharesReads: boolean
}

export const SERVER_TUNING: ServerTuning = {
  sharesReads: true,
}

/** Time for close frames when a listener closes. */
const GOODBYE_MS = 500

/** Connections that wait to be accepted. */
const BACKLOG = 1024

/** One listening socket and the connections that came through it. */
export class NativeServer implements HttpServer, FrontOwner, Ticking {
  readonly name: string
  readonly handler: ExchangeHandler
  readonly tuning: ServerTuning
  limits: FullLimits
  isClosing = false
  /** Connections that are tunnels. */
  tunnels = 0
  /** When closing began. */
  closingSinceMs = 0
  readonly overload: Overload
  /** Connections turned away because there were too many. */
  refused = 0
  readonly #listener: Server
  readonly #front: SecureFront
  readonly #connections: Set<ServerConnection> = new Set()
  #port = 0
  #closed: Promise<void> | null = null
  #onEmpty: (() => void) | null = null

  constructor(options: ListenOptions, handler: ExchangeHandler, tuning: ServerTuning) {
    this.name = options.name
    this.handler = handler
    this.limits = fullLimits(options.limits)
    this.tuning = tuning
    this.overload = options.overload ?? NEVER_OVERLOADED
    this.#front = new SecureFront(this, options.tls ?? null)
    this.#listener = createServer({
      // We decide what it means that a client ends its side.
      allowHalfOpen: true,
      noDelay: true,
      pauseOnConnect: tuning.sharesReads,
    })
    this.#listener.on('connection', (socket) => this.#accept(socket))
  }

  get port(): number {
    return this.#port
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

  /** Binds the socket; fails with LISTEN. */
  listen(address: string, port: number): Promise<this> {
    return new Promise((resolve, reject) => {
      const listener = this.#listener
      const onError = (error: Error): void => {
        const where = `${address}:${port}`
        reject(new GatewayError('LISTEN', { address: where, reason: reasonOf(error) }, error))
      }
      listener.once('error', onError)
      const options = address === '' ? { port } : { port, host: address }
      listener.listen({ ...options, backlog: BACKLOG }, () => {
        listener.off('error', onError)
        // A failed accept (no file descriptors left) concerns one connection, not the listener.
        listener.on('error', () => {
          this.refused += 1
        })
        const bound = listener.address()
        this.#port = bound !== null && typeof bound === 'object' ? bound.port : 0
        ticker.add(this)
        resolve(this)
      })
    })
  }

  update(limits: ServerLimits): void {
    this.limits = fullLimits(limits)
  }

  updateTls(tls: ServerTls | null): void {
    this.#front.update(tls)
  }

  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#close(graceMs)
    return this.#closed
  }

  tick(nowMs: number): void {
    for (const connection of this.#connections) connection.tick(nowMs)
    this.#front.tick(nowMs)
  }

  removeConnection(connection: ServerConnection): void {
    this.#connections.delete(connection)
    this.#checkEmpty()
  }

  /** FrontOwner: a client speaks HTTP/1.1 over TLS. */
  serveSecure(socket: TLSSocket, tls: ClientTls): void {
    const connection = new ServerConnection(this, socket, new ReadBuffer(), tls)
    this.#connections.add(connection)
    socket.on('data', (chunk: Buffer) => connection.onChunk(chunk))
  }

  /** FrontOwner */
  onSessionClosed(): void {
    this.#checkEmpty()
  }

  #accept(accepted: Socket): void {
    if (this.overload.level >= REFUSING) {
      this.overload.shed += 1
      accepted.destroy()
      return
    }
    if (this.connections >= this.limits.maxConnections) {
      this.#turnAway(accepted)
      return
    }
    if (this.#front.accept(accepted)) return
    const reader = new SocketReader()
    const socket = (this.tuning.sharesReads ? shareReads(accepted, reader) : null) ?? accepted
    const connection = new ServerConnection(this, socket, reader.reads)
    reader.connection = connection
    this.#connections.add(connection)
    if (socket === accepted) socket.on('data', (chunk: Buffer) => connection.onChunk(chunk))
    socket.resume()
  }

  #turnAway(socket: Socket): void {
    this.refused += 1
    socket.on('error', () => socket.destroy())
    if (this.#front.isSecure) {
      // Nobody would understand a plain answer.
      socket.destroy()
      return
    }
    socket.resume()
    socket.end(closingAnswer(503, 'too many connections'), 'latin1', () => socket.destroySoon())
  }

  async #close(graceMs: number): Promise<void> {
    this.isClosing = true
    this.closingSinceMs = monotonicMs()
    // Connections the kernel has accepted for us would be reset: they are taken first.
    await new Promise((resolve) => setImmediate(resolve))
    this.#listener.close()
    this.#front.closeGracefully()
    await this.#whenEmpty(graceMs)
    // Who is in a tunnel is told, and gets a moment to hear it.
    if (this.tunnels > 0) {
      for (const connection of this.#connections) connection.goAway()
      await this.#whenEmpty(GOODBYE_MS)
    }
    for (const connection of this.#connections) connection.destroy()
    this.#front.destroy()
    ticker.remove(this)
  }

  /** Handshakes that are not over are no requests: they are cut. */
  get #isEmpty(): boolean {
    return this.#connections.size === 0 && this.#front.sessions === 0
  }

  #checkEmpty(): void {
    if (this.#isEmpty) this.#onEmpty?.()
  }

  #whenEmpty(graceMs: number): Promise<void> {
    if (this.#isEmpty) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, graceMs)
      this.#onEmpty = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** Joins a socket, which asks for memory while it is made, to the connection that is made after it. */
class SocketReader {
  readonly reads: ReadBuffer = new ReadBuffer()
  connection: ServerConnection | null = null
}

/** The part of an accepted socket that Node does not document. */
interface WithHandle {
  _handle: { readStop?: unknown } | null
}

/**
 * Moves a paused accepted socket to one that reads into memory we choose: the public option `onread` exists
 * for outgoing sockets only. Null when this Node keeps its handle elsewhere; then "data" events serve.
 * It saves 5 to 10 % of the CPU of a small request.
 */
function shareReads(accepted: Socket, reader: SocketReader): Socket | null {
  const owner = accepted as unknown as WithHandle
  const handle = owner._handle
  if (handle === null || typeof handle !== 'object' || typeof handle.readStop !== 'function') {
    return null
  }
  owner._handle = null
  const options = {
    handle,
    allowHalfOpen: true,
    manualStart: true,
    onread: {
      buffer: () => reader.reads.next(),
      callback: (length: number, bytes: Buffer) => {
        reader.connection?.onBytes(bytes, length)
        return true
      },
    },
  }
  // The types know neither `handle` nor `onread` here; the constructor has read both since Node 10.
  return new Socket(options as unknown as ConstructorParameters<typeof Socket>[0])
}
