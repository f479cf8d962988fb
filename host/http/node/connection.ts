import type { Socket } from 'node:net'
import { isIPv6 } from 'node:net'
import type { DeadlineEntry, Deadlines } from '../deadlines.ts'
import { rawAnswer } from './local-answer.ts'
import type { NodeServer } from './server.ts'
import type { Transaction } from './transaction.ts'

/** Requests one connection may carry before it is closed, so that long-lived ones move to newer instances. */
export const MAX_REQUESTS_PER_CONNECTION = 10_000

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
  requests = 0
  /** Nothing more is taken from this connection; it closes after the current answer. */
  isEnding = false
  #current: Transaction | null = null
  readonly #waiting: Transaction[] = []

  constructor(server: NodeServer, socket: Socket) {
    this.server = server
    this.socket = socket
    this.remoteAddress = plainAddress(socket.remoteAddress ?? '')
  }

  /** Nothing was asked that is still to be answered. */
  get isIdle(): boolean {
    return this.#current === null
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

  /** The socket is gone. */
  closed(): void {
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
