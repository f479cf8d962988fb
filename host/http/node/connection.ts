import type { Socket } from 'node:net'
import { isIPv6 } from 'node:net'
import type { ClientTls } from '../../exchange/client-tls.ts'
import type { TunnelOffer } from '../../exchange/tunnel.ts'
import type { DeadlineEntry, Deadlines } from '../deadlines.ts'
import { WritePace } from '../native/pace.ts'
import { GOING_AWAY } from '../websocket/frame-watch.ts'
import { SocketPeer } from '../websocket/socket-peer.ts'
import { Tunnel } from '../websocket/tunnel.ts'
import { rawAnswer } from './local-answer.ts'
import type { NodeServer } from './server.ts'
import type { Transaction } from './transaction.ts'

/** Requests that may wait behind the one that is answered; past it the socket is not read. */
export const MAX_PIPELINED = 32

/** How long a closed connection still takes what the client is sending, so that the answer is not lost. */
export const LINGER_MS = 1_000

/**
 * One client connection. Requests that a client sends without waiting are served one after the other:
 * Node would start them all at once and keep every answer in memory until its turn.
 */
export class Connection implements DeadlineEntry {
  deadlineMs = 0
  previous: DeadlineEntry | null = null
  next: DeadlineEntry | null = null
  /** Where idle connections stand. */
  deadlines: Deadlines | null = null
  readonly server: NodeServer
  readonly socket: Socket
  readonly remoteAddress: string
  /** Null for a plain connection. */
  readonly tls: ClientTls | null
  requests = 0
  /** Nothing more is taken from this connection; it closes after the current answer. */
  isEnding = false
  readonly #writePace: WritePace = new WritePace()
  #current: Transaction | null = null
  #peer: SocketPeer | null = null
  #tunnel: Tunnel | null = null
  readonly #waiting: Transaction[] = []

  constructor(server: NodeServer, socket: Socket, tls: ClientTls | null) {
    this.server = server
    this.socket = socket
    this.tls = tls
    this.remoteAddress = plainAddress(socket.remoteAddress ?? '')
  }

  /** Nothing was asked that is still to be answered. */
  get isIdle(): boolean {
    return this.#current === null && this.#tunnel === null
  }

  /** Looks at the time limits of the request that is answered, and of what is written. */
  tick(nowMs: number): void {
    this.#current?.tick(nowMs)
    this.#tunnel?.tick(nowMs, this.server.limits.tunnelIdleTimeoutMs)
    const { writeIdleTimeoutMs } = this.server.limits
    if (this.#writePace.isStalled(this.socket, nowMs, writeIdleTimeoutMs)) this.socket.destroy()
  }

  /** A request head was read. */
  add(transaction: Transaction): void {
    if (this.isEnding) return
    this.requests += 1
    this.deadlines?.remove(this)
    if (this.#current !== null) {
      this.#waiting.push(transaction)
      if (this.#waiting.length >= MAX_PIPELINED) this.socket.pause()
      return
    }
    this.#current = transaction
    transaction.start()
  }

  /** `transaction` has ended: the next one may start. */
  done(transaction: Transaction): void {
    if (this.#current !== transaction) return
    this.#current = null
    if (this.isEnding) return
    const next = this.#waiting.shift()
    if (next === undefined) {
      this.server.idleDeadlines.add(this)
      return
    }
    if (this.#waiting.length === MAX_PIPELINED - 1) this.socket.resume()
    this.#current = next
    next.start()
  }

  /** `DeadlineEntry`: no request came for as long as a connection is kept. */
  expire(): void {
    this.isEnding = true
    this.socket.destroySoon()
  }

  /** For HTTP/1.0 without Host: the address that was asked. */
  localHost(): string {
    const address = this.socket.localAddress ?? '127.0.0.1'
    return `${address.includes(':') ? `[${address}]` : address}:${this.server.port}`
  }

  /** HTTP is over: bytes go to a tunnel and come from it. `early` came with the last request. */
  openTunnel(offer: TunnelOffer, early: Buffer | null): void {
    const { socket } = this
    this.isEnding = true
    this.server.tunnels += 1
    const peer = new SocketPeer(socket, early !== null && early.length > 0 ? early : null)
    socket.on('data', (chunk: Buffer) => peer.onBytes(chunk, chunk.length))
    socket.on('drain', () => peer.onDrain())
    socket.on('end', () => peer.onEnd())
    this.#peer = peer
    this.#tunnel = new Tunnel(peer, offer)
    this.#tunnel.open()
  }

  /** Ends a tunnel with a close frame; what is no tunnel is cut. */
  goAway(): void {
    if (this.#tunnel === null) this.socket.destroy()
    else this.#tunnel.close(GOING_AWAY)
  }

  /** The socket is gone. */
  closed(): void {
    if (this.#peer !== null) {
      this.server.tunnels -= 1
      this.#peer.onClose()
    }
    this.isEnding = true
    this.deadlines?.remove(this)
    this.#waiting.length = 0
    this.#current?.abort()
  }

  /**
   * What arrived is no HTTP. A request whose body it belongs to is refused; one that is complete is still
   * answered, and then the connection closes.
   */
  fail(status: number, reason: string): void {
    if (this.isEnding) return
    this.isEnding = true
    this.#waiting.length = 0
    if (this.#current !== null) {
      this.#current.failBody(status, reason)
      return
    }
    if (this.socket.writable) this.socket.write(rawAnswer(status, reason), 'latin1')
    closeSlowly(this.socket)
  }

  /** When the answer is out, the socket is closed by `closeSlowly` instead of at once. */
  endSlowly(): void {
    this.isEnding = true
    this.socket.destroySoon = closeSoon
  }
}

function closeSoon(this: Socket): void {
  closeSlowly(this)
}

/**
 * Closes the sending half, and the rest a moment later. A socket that is closed while bytes of the client
 * are unread answers them with a reset, which takes the answer away from the client too (RFC 9112,
 * section 9.6).
 */
function closeSlowly(socket: Socket): void {
  socket.end()
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
}

/** An IPv4 client of a socket that listens on IPv6 too is shown by its IPv4 address. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && !isIPv6(address.slice(7)) ? address.slice(7) : address
}
