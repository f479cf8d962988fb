import type { TunnelOffer, TunnelPeer, TunnelSink } from '../../exchange/tunnel.ts'
import { closeFrame, FrameWatch, GOING_AWAY } from './frame-watch.ts'

/** How long both sides get to take a close frame before they are cut. */
export const CLOSE_MS = 2_000

/** Bytes in one direction of a WebSocket. */
class Direction implements TunnelSink {
  readonly watch: FrameWatch
  readonly #tunnel: Tunnel
  readonly #from: TunnelPeer
  readonly #to: TunnelPeer
  /** The beginning of a frame header: at most 13 bytes. */
  #held: Buffer | null = null
  /** What is read goes nowhere any more. */
  isDeaf = false

  constructor(tunnel: Tunnel, from: TunnelPeer, to: TunnelPeer, watch: FrameWatch) {
    this.#tunnel = tunnel
    this.#from = from
    this.#to = to
    this.watch = watch
  }

  data(bytes: Buffer): void {
    if (this.isDeaf) return
    this.#tunnel.hasMoved = true
    const held = this.#held
    const all = held === null ? bytes : Buffer.concat([held, bytes])
    const length = this.watch.pass(all)
    this.#held = length < all.length ? all.subarray(length) : null
    if (length > 0 && !this.#to.write(all.subarray(0, length))) this.#from.pause()
    if (this.watch.fault !== 0) this.#tunnel.close(this.watch.fault)
  }

  /** The side the bytes come from has taken what the other one sent: that one may go on. */
  drain(): void {
    this.#tunnel.hasMoved = true
    this.#to.resume()
  }

  ended(): void {
    this.isDeaf = true
    this.#tunnel.halfClose()
    this.#to.end()
  }

  closed(): void {
    this.isDeaf = true
    this.#to.destroySoon()
  }
}

/**
 * Joins a client and an upstream that have agreed on a WebSocket. Bytes pass as they are, with back-pressure;
 * frames are looked at, so that what is malformed or too long ends the tunnel instead of passing.
 *
 *     OPEN ─ a fault, idle for too long, going away, an end ─▶ CLOSING ─ both ended, or CLOSE_MS ─▶ gone
 */
export class Tunnel {
  /** A byte has travelled since the last tick. */
  hasMoved = true
  readonly #client: TunnelPeer
  readonly #upstream: TunnelPeer
  readonly #up: Direction
  readonly #down: Direction
  #movedAtMs = 0
  #isClosing = false
  #closingSinceMs = 0

  constructor(client: TunnelPeer, offer: TunnelOffer) {
    const { peer, hasExtensions, clientMaxMessageBytes, serverMaxMessageBytes } = offer
    this.#client = client
    this.#upstream = peer
    this.#up = new Direction(
      this,
      client,
      peer,
      new FrameWatch(true, hasExtensions, clientMaxMessageBytes),
    )
    this.#down = new Direction(
      this,
      peer,
      client,
      new FrameWatch(false, hasExtensions, serverMaxMessageBytes),
    )
  }

  /** Bytes travel from now on. */
  open(): void {
    this.#upstream.attach(this.#down)
    this.#client.attach(this.#up)
  }

  /** Looks at the time limits; `idleMs` 0 for none. */
  tick(nowMs: number, idleMs: number): void {
    if (this.#isClosing) {
      // What is half closed may end what it has to say.
      if (this.#closingSinceMs === 0 || this.hasMoved) this.#closingSinceMs = nowMs
      else if (nowMs - this.#closingSinceMs > CLOSE_MS) this.destroy()
      this.hasMoved = false
    } else if (this.hasMoved) {
      this.hasMoved = false
      this.#movedAtMs = nowMs
    } else if (idleMs > 0 && nowMs - this.#movedAtMs > idleMs) this.close(GOING_AWAY)
  }

  /** Says so to both sides, where a frame can be put, and ends both. */
  close(code: number): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.hasMoved = false
    if (this.#canPut(this.#down)) this.#client.write(closeFrame(code, false))
    if (this.#canPut(this.#up)) this.#upstream.write(closeFrame(code, true))
    for (const direction of [this.#up, this.#down]) direction.isDeaf = true
    for (const peer of [this.#client, this.#upstream]) {
      // A paused side would never be seen to end.
      peer.resume()
      peer.end()
    }
  }

  /** One side has ended: the other gets a moment to do so too. */
  halfClose(): void {
    this.#isClosing = true
  }

  destroy(): void {
    this.#client.destroy()
    this.#upstream.destroy()
  }

  #canPut(direction: Direction): boolean {
    return direction.watch.isAtBoundary && !direction.watch.hasClosed && !direction.isDeaf
  }
}
