import { createServer, type Server, Socket } from 'node:net'
import { GatewayError, reasonOf } from '../../errors.ts'
import type { ExchangeHandler, HttpServer, ListenOptions, ServerLimits } from '../engine.ts'
import { closingAnswer } from './head-text.ts'
import { ReadBuffer } from './read-buffer.ts'
import { ServerConnection } from './server-connection.ts'
import { type Ticking, ticker } from './ticker.ts'

/** Times and rates of the server that no object configures yet. */
export interface ServerTuning {
  /** A body that stands still this long ends the connection with 408. Default 30 s. */
  readonly bodyIdleMs: number
  /** Bytes a second a body must make after that. Default 1 KiB. */
  readonly minBodyRate: number
  /** A client that takes nothing of an answer for this long is cut off. Default 60 s. */
  readonly writeIdleMs: number
  /** Let accepted sockets read into shared memory, which costs an undocumented field of Node. */
  readonly sharesReads: boolean
}

export const SERVER_TUNING: ServerTuning = {
  bodyIdleMs: 30_000,
  minBodyRate: 1024,
  writeIdleMs: 60_000,
  sharesReads: true,
}

/** Connections that wait to be accepted. */
const BACKLOG = 1024

/** One listening socket and the connections that came through it. */
export class NativeServer implements HttpServer, Ticking {
  readonly name: string
  readonly scheme: 'http' | 'https' = 'http'
  readonly handler: ExchangeHandler
  readonly tuning: ServerTuning
  limits: ServerLimits
  isClosing = false
  /** Connections turned away because there were too many. */
  refused = 0
  readonly #listener: Server
  readonly #connections: Set<ServerConnection> = new Set()
  #port = 0
  #closed: Promise<void> | null = null
  #onEmpty: (() => void) | null = null

  constructor(options: ListenOptions, handler: ExchangeHandler, tuning: ServerTuning) {
    this.name = options.name
    this.handler = handler
    this.limits = options.limits
    this.tuning = tuning
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

  get connections(): number {
    return this.#connections.size
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
    this.limits = limits
  }

  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#close(graceMs)
    return this.#closed
  }

  tick(nowMs: number): void {
    for (const connection of this.#connections) connection.tick(nowMs)
  }

  removeConnection(connection: ServerConnection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#onEmpty?.()
  }

  #accept(accepted: Socket): void {
    if (this.#connections.size >= this.limits.maxConnections) {
      this.#turnAway(accepted)
      return
    }
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
    socket.resume()
    socket.end(closingAnswer(503, 'too many connections'), 'latin1', () => socket.destroySoon())
  }

  async #close(graceMs: number): Promise<void> {
    this.isClosing = true
    this.#listener.close()
    for (const connection of this.#connections) connection.closeGracefully()
    await this.#whenEmpty(graceMs)
    for (const connection of this.#connections) connection.destroy()
    ticker.remove(this)
  }

  #whenEmpty(graceMs: number): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve()
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
