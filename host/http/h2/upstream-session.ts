import { type ClientHttp2Session, connect } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { monotonicMs } from '../../clock.ts'
import { GatewayError, isGatewayError, reasonOf } from '../../errors.ts'
import { MAX_RESPONSE_FIELDS, MAX_RESPONSE_HEADER_BYTES } from '../native/response-head.ts'
import type { UpstreamCall } from '../native/upstream-call.ts'
import type { H2Client } from './upstream-client.ts'
import { UpstreamStream } from './upstream-stream.ts'

/** Streams at once before the upstream has said how many it takes. */
const FIRST_STREAMS = 100

/** Mebibytes Node holds for one connection. */
const MAX_SESSION_MEMORY = 16

/** One HTTP/2 connection to an upstream, open and ready. */
export class UpstreamSession {
  readonly client: H2Client
  readonly #session: ClientHttp2Session
  readonly #streams: Set<UpstreamStream> = new Set()
  #idleSinceMs: number = monotonicMs()
  /** The last stream the upstream has looked at, once it has sent GOAWAY; -1 before. */
  #lastStream = -1
  #isLeaving = false

  constructor(client: H2Client, socket: TLSSocket) {
    this.client = client
    const session = connect(client.origin, {
      createConnection: () => socket,
      settings: { enablePush: false, maxHeaderListSize: MAX_RESPONSE_HEADER_BYTES },
      maxHeaderListPairs: MAX_RESPONSE_FIELDS + 4,
      maxSessionMemory: MAX_SESSION_MEMORY,
      maxSettings: 16,
    })
    this.#session = session
    session.on('goaway', (_code, lastStream) => {
      this.#isLeaving = true
      this.#lastStream = lastStream
      this.client.leaving(this)
    })
    // "close" follows, for the streams too.
    session.on('error', () => session.destroy())
    session.once('close', () => this.client.closed(this))
  }

  /** May another request be sent here? */
  get hasRoom(): boolean {
    const session = this.#session
    if (this.#isLeaving || session.closed || session.destroyed) return false
    const { maxConcurrentStreams } = session.remoteSettings ?? {}
    return this.#streams.size < Math.min(maxConcurrentStreams ?? FIRST_STREAMS, FIRST_STREAMS)
  }

  /** Sends the request of `call`. */
  start(call: UpstreamCall): void {
    try {
      this.#streams.add(new UpstreamStream(this, this.#session, call))
    } catch (error) {
      // Node refuses what should stand once and is there twice.
      const reason = reasonOf(error)
      call.reject(
        isGatewayError(error) ? error : new GatewayError('REQUEST_INVALID', { reason }, error),
      )
    }
  }

  /** A stream is over. */
  removed(stream: UpstreamStream): void {
    this.#streams.delete(stream)
    if (this.#streams.size === 0) this.#idleSinceMs = monotonicMs()
    this.client.hasRoomAgain()
  }

  /** Has the upstream said that it has not looked at this stream and never will? */
  isLost(id: number | undefined): boolean {
    return this.#lastStream >= 0 && id !== undefined && id > this.#lastStream
  }

  tick(nowMs: number): void {
    for (const stream of this.#streams) stream.tick(nowMs)
    if (this.#streams.size === 0 && nowMs - this.#idleSinceMs > this.client.keepAliveMs)
      this.close()
  }

  /** Takes no more requests; closes after the last. */
  close(): void {
    this.#isLeaving = true
    if (!this.#session.closed) this.#session.close()
  }
}
