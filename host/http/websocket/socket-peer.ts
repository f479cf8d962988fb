import type { Socket } from 'node:net'
import type { TunnelPeer, TunnelSink } from '../../exchange/tunnel.ts'
import { copyOf } from '../native/bytes.ts'

/** A peer that takes nothing for this long does not get the rest. */
const FLUSH_MS = 2_000

/**
 * A socket as one side of a tunnel. Its events are passed on by whoever listens to it: engines read their
 * sockets in ways of their own.
 */
export class SocketPeer implements TunnelPeer {
  readonly #socket: Socket
  #sink: TunnelSink | null = null
  /** What arrived with the last message of HTTP. */
  #early: Buffer | null

  constructor(socket: Socket, early: Buffer | null) {
    this.#socket = socket
    this.#early = early
    socket.pause()
  }

  attach(sink: TunnelSink): void {
    this.#sink = sink
    const early = this.#early
    this.#early = null
    if (this.#socket.destroyed) {
      sink.closed()
      return
    }
    this.#socket.resume()
    if (early !== null) sink.data(early)
  }

  /** `bytes[0, length)` arrived; the memory is used again after the call. */
  onBytes(bytes: Buffer, length: number): void {
    const copy = copyOf(bytes, 0, length)
    if (this.#sink !== null) this.#sink.data(copy)
    // A read that was under way when the socket was paused.
    else this.#early = this.#early === null ? copy : Buffer.concat([this.#early, copy])
  }

  onDrain(): void {
    this.#sink?.drain()
  }

  onEnd(): void {
    if (this.#sink === null) this.#socket.destroy()
    else this.#sink.ended()
  }

  onClose(): void {
    this.#sink?.closed()
  }

  write(bytes: Buffer): boolean {
    return this.#socket.destroyed || this.#socket.write(bytes)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
  }

  destroySoon(): void {
    const socket = this.#socket
    socket.destroySoon()
    socket.setTimeout(FLUSH_MS, () => socket.destroy())
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
