import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { monotonicMs } from '../../clock.ts'
import type { ClientTls } from '../../exchange/client-tls.ts'
import type { ExchangeHandler } from '../engine.ts'
import type { FullLimits } from '../full-limits.ts'
import { reportFault } from '../native/fault.ts'
import { unsentBytes } from '../native/pace.ts'
import type { Overload } from '../overload/overload.ts'
import { ClientSession } from '../tls/client-session.ts'
import { IdleBytes } from './idle-bytes.ts'
import { H2Stream } from './server-stream.ts'
import { sessionOptions } from './session-options.ts'

/** Mistakes of a client that cost a stream each; past it they cost the connection (CVE-2025-8671). */
export const MAX_FAULTS = 100

/** How long a client gets to see that a connection will end before no new stream is taken. */
const NOTICE_MS = 1_000

/** The highest stream id there is: none that is under way is turned away. */
const ALL_STREAMS = 2 ** 31 - 1

/** The listener a session came in through. */
export interface H2Host {
  readonly name: string
  readonly handler: ExchangeHandler
  readonly limits: FullLimits
  readonly overload: Overload
  /** Connections are not kept, so that there are fewer. */
  readonly isCrowded: boolean
  removeSession(session: H2Session): void
}

const OWNER = Symbol('stream')

interface OwnedStream extends ServerHttp2Stream {
  [OWNER]?: H2Stream
}

/**
 * One HTTP/2 connection of a client: its streams and what they share. Frames are Node's affair; what they mean
 * for requests, limits of time and what a client may demand of us is decided here.
 *
 *     OPEN ─ closeGracefully: GOAWAY that takes every stream ─ ack, or 1 s ─▶ GOAWAY, last streams ─▶ CLOSED
 *       └── idle, too many faults, floods, standing still ──▶ CLOSED
 */
export class H2Session {
  readonly host: H2Host
  readonly clientTls: ClientTls
  readonly remoteAddress: string
  readonly idle: IdleBytes
  readonly #socket: TLSSocket
  readonly #session: ServerHttp2Session
  readonly #streams: Set<H2Stream> = new Set()
  #requests = 0
  #faults = 0
  /** Since when no stream is open. */
  #idleSinceMs: number
  /** The client has said what it takes: it speaks HTTP/2. */
  #hasSettings = false
  /** When the client was told that the connection will end; 0 before. */
  #noticeAtMs = 0
  #written = 0
  #unsent = 0
  #movedAtMs: number

  constructor(host: H2Host, socket: TLSSocket) {
    const nowMs = monotonicMs()
    const address = socket.remoteAddress ?? ''
    this.host = host
    this.clientTls = new ClientSession(socket)
    this.remoteAddress = address.startsWith('::ffff:') ? address.slice(7) : address
    this.idle = new IdleBytes(nowMs)
    this.#socket = socket
    this.#idleSinceMs = nowMs
    this.#movedAtMs = nowMs
    // A client that ends its side of the connection has left: every request ends by itself here.
    socket.allowHalfOpen = false
    const session = performServerHandshake(socket, sessionOptions(host.limits))
    this.#session = session
    session.on('stream', (stream, _headers, flags, raw) => this.#onStream(stream, flags, raw))
    session.on('remoteSettings', () => {
      this.#hasSettings = true
    })
    // "close" follows and does the work.
    session.on('error', () => session.destroy())
    session.once('close', () => this.#onClose())
  }

  /** Requests are under way. */
  get isBusy(): boolean {
    return this.#streams.size > 0
  }

  /** Looks at the time limits, and at what the client keeps us busy with. */
  tick(nowMs: number): void {
    try {
      for (const stream of this.#streams) stream.tick(nowMs)
      this.#check(nowMs)
    } catch (error) {
      this.#onFault(error)
    }
  }

  /** No new streams after those that are on their way; closes after the last. */
  closeGracefully(): void {
    if (this.#noticeAtMs > 0 || this.#session.destroyed) return
    this.#noticeAtMs = monotonicMs()
    // Two steps, so that no request that is on its way is lost (RFC 9113, section 6.8). Once the ping is back,
    // the client has read the first.
    this.#session.goaway(constants.NGHTTP2_NO_ERROR, ALL_STREAMS)
    if (!this.#session.ping(() => this.#session.close())) this.#session.close()
  }

  destroy(): void {
    this.#session.destroy()
    this.#socket.destroy()
  }

  /** A client's mistake that costs one stream. */
  countFault(): void {
    this.#faults += 1
    // Not from inside of a frame: Node would cut the connection before it has said why.
    if (this.#faults === MAX_FAULTS + 1) setImmediate(() => this.#giveUp())
  }

  /** Runs `action` for `stream`; what it throws is a mistake of ours, and costs the stream. */
  guard(stream: H2Stream, action: () => void): void {
    try {
      action()
    } catch (error) {
      reportFault(error)
      stream.reset()
    }
  }

  /** The request of `stream` has a body: its events lead to its owner. */
  listenForBody(stream: ServerHttp2Stream): void {
    stream.on('data', onData)
    stream.on('end', onEnd)
    stream.on('trailers', onTrailers)
  }

  #onStream(stream: OwnedStream, flags: number, raw: readonly string[]): void {
    const owner = new H2Stream(this, stream)
    stream[OWNER] = owner
    this.#streams.add(owner)
    this.#requests += 1
    stream.on('close', onStreamClose)
    stream.on('drain', onDrain)
    stream.on('finish', onFinish)
    stream.on('wantTrailers', onWantTrailers)
    // "close" follows.
    stream.on('error', ignore)
    stream.once('close', () => this.#onStreamGone(owner))
    for (let i = 0; i < raw.length; i++) this.idle.used((raw[i] as string).length + 8)
    this.guard(owner, () => owner.start(raw, (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0))
    const { keepAlive, maxRequestsPerConnection } = this.host.limits
    if (!keepAlive || this.#requests >= maxRequestsPerConnection || this.host.isCrowded) {
      this.closeGracefully()
    }
  }

  #onStreamGone(owner: H2Stream): void {
    this.#streams.delete(owner)
    if (this.#streams.size === 0) this.#idleSinceMs = monotonicMs()
  }

  #check(nowMs: number): void {
    const { limits } = this.host
    const { bytesRead, bytesWritten } = this.#socket
    if (this.idle.isTooMuch(nowMs, bytesRead, bytesWritten)) {
      this.#giveUp()
      return
    }
    if (this.#noticeAtMs > 0) {
      if (nowMs - this.#noticeAtMs > NOTICE_MS && !this.#session.closed) this.#session.close()
    } else if (!this.#hasSettings) {
      if (nowMs - this.#idleSinceMs > limits.headerTimeoutMs) this.destroy()
    } else if (!this.isBusy && nowMs - this.#idleSinceMs > limits.keepAliveTimeoutMs) {
      this.closeGracefully()
    }
    this.#checkWriting(nowMs, bytesWritten, limits.writeIdleTimeoutMs)
  }

  /** A client that asks and then takes nothing at all would keep what waits for it for ever. */
  #checkWriting(nowMs: number, written: number, idleMs: number): void {
    const unsent = unsentBytes(this.#socket)
    const hasMoved = written !== this.#written || unsent !== this.#unsent
    this.#unsent = unsent
    if (hasMoved || !this.#isBlocked()) {
      this.#written = written
      this.#movedAtMs = nowMs
    } else if (nowMs - this.#movedAtMs > idleMs) this.destroy()
  }

  #isBlocked(): boolean {
    for (const stream of this.#streams) if (stream.isBlocked) return true
    return false
  }

  /** The client is told why, and cut off. */
  #giveUp(): void {
    this.#session.destroy(TOO_MUCH, constants.NGHTTP2_ENHANCE_YOUR_CALM)
  }

  #onFault(error: unknown): void {
    reportFault(error)
    this.destroy()
  }

  #onClose(): void {
    this.#socket.destroySoon()
    this.host.removeSession(this)
  }
}

const TOO_MUCH = new Error('the client asks too much of this connection')

function onData(this: OwnedStream, chunk: Buffer): void {
  run(this, (owner) => owner.onData(chunk))
}

function onEnd(this: OwnedStream): void {
  run(this, (owner) => owner.onEnd())
}

function onTrailers(
  this: OwnedStream,
  _headers: unknown,
  _flags: number,
  raw: readonly string[],
): void {
  run(this, (owner) => owner.onTrailers(raw))
}

function onDrain(this: OwnedStream): void {
  run(this, (owner) => owner.onDrain())
}

function onFinish(this: OwnedStream): void {
  run(this, (owner) => owner.onFinish())
}

function onWantTrailers(this: OwnedStream): void {
  run(this, (owner) => owner.onWantTrailers())
}

function onStreamClose(this: OwnedStream): void {
  run(this, (owner) => owner.onClose())
}

/** What a listener of a stream throws would end the process. */
function run(stream: OwnedStream, action: (owner: H2Stream) => void): void {
  const owner = stream[OWNER]
  if (owner === undefined) return
  try {
    action(owner)
  } catch (error) {
    reportFault(error)
    owner.reset()
  }
}

function ignore(): undefined {
  return undefined
}
