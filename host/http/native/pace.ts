import type { Socket } from 'node:net'

/** Watches that a body neither stands still nor drips. Asked at every tick, it needs no clock per chunk. */
export class BodyPace {
  #startedAtMs = 0
  #movedAtMs = 0
  #received = 0

  start(nowMs: number): void {
    this.#startedAtMs = nowMs
    this.#movedAtMs = nowMs
    this.#received = 0
  }

  /** The sender could not go on for `ms`, because we did not read. */
  excuse(ms: number): void {
    this.#startedAtMs += ms
    this.#movedAtMs += ms
  }

  /** No byte for `idleMs`, fewer than `minRate` a second after a first `idleMs`, or not whole in `totalMs`. */
  isTooSlow(
    nowMs: number,
    received: number,
    idleMs: number,
    minRate: number,
    totalMs: number,
  ): boolean {
    if (received !== this.#received) {
      this.#received = received
      this.#movedAtMs = nowMs
    }
    const earnedMs = minRate > 0 ? (received / minRate) * 1000 : Number.POSITIVE_INFINITY
    const elapsedMs = nowMs - this.#startedAtMs
    return (
      nowMs - this.#movedAtMs > idleMs ||
      elapsedMs > idleMs + earnedMs ||
      (totalMs > 0 && elapsedMs > totalMs)
    )
  }
}

/** Watches that the peer takes what is written to it. */
export class WritePace {
  #unsent = 0
  #written = 0
  #movedAtMs = 0

  /** Something waits to be taken and nothing was for `idleMs`. */
  isStalled(socket: Socket, nowMs: number, idleMs: number): boolean {
    const unsent = socket.writableLength === 0 ? 0 : unsentBytes(socket)
    const written = socket.bytesWritten
    if (unsent === 0 || unsent !== this.#unsent || written !== this.#written) {
      this.#unsent = unsent
      this.#written = written
      this.#movedAtMs = nowMs
      return false
    }
    return nowMs - this.#movedAtMs > idleMs
  }
}

/** The part of a socket that Node does not document. */
interface WriteHandle {
  readonly writeQueueSize?: unknown
  readonly _parent?: WriteHandle | null
}

/** Bytes the kernel has not taken: of a large write the rest, where Node tells, else the whole. */
export function unsentBytes(socket: Socket): number {
  const handle = (socket as { _handle?: WriteHandle | null })._handle
  // Under TLS it is the connection below that the kernel takes from.
  const queued = (handle?._parent ?? handle)?.writeQueueSize
  return typeof queued === 'number' && queued > 0 ? queued : socket.writableLength
}
