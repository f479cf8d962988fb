import type { Socket } from 'node:net'
import { TurnPhase, type TurnTask, turn } from '../../turn.ts'
import { reportFault } from './fault.ts'
import { SendMemory } from './send-memory.ts'

/** The largest message that waits: a request, or a small answer. */
export const OUTBOX_MESSAGE_BYTES = 2 * 1024

/** So many messages wait, at most; with one more all leave. */
export const OUTBOX_MESSAGES = 32

/** Views each place keeps. A power of two. */
const VIEWS = 64

/**
 * Small messages of one turn of the event loop leave together, at its end. Written one by one between the work
 * for other requests, each finds the kernel's code out of the caches, and an upstream that is faster than us
 * falls asleep and is woken for every request, which costs the side that wakes it several microseconds; one
 * after the other they keep both warm. A message waits for what else the turn brought, and never for time.
 *
 * Whoever writes to a socket in another way, or ends it, sees to it that what waits for it is out: see
 * `BodyWriter.socket`. What waits for a socket that is destroyed is dropped with it.
 */
export class Outbox implements TurnTask {
  readonly #places: readonly SendMemory[] = Array.from(
    { length: OUTBOX_MESSAGES },
    () => new SendMemory(OUTBOX_MESSAGE_BYTES, VIEWS),
  )
  readonly #sockets: (Socket | null)[] = new Array(OUTBOX_MESSAGES).fill(null)
  #size = 0
  #isScheduled = false
  /** Another number each time it was emptied. */
  round = 0

  /** Where the next message is put together: at most `OUTBOX_MESSAGE_BYTES`. */
  get next(): SendMemory {
    return this.#places[this.#size] as SendMemory
  }

  /** The message in `next` is whole, and leaves to `socket`, which takes writes at once. */
  push(socket: Socket): void {
    this.#sockets[this.#size] = socket
    this.#size += 1
    if (this.#size === OUTBOX_MESSAGES) this.flush()
    else if (!this.#isScheduled) {
      this.#isScheduled = true
      turn.schedule(TurnPhase.send, this)
    }
  }

  /** Writes what waits. */
  flush(): void {
    this.round += 1
    const size = this.#size
    this.#size = 0
    for (let i = 0; i < size; i++) {
      const socket = this.#sockets[i] as Socket
      this.#sockets[i] = null
      if (socket.destroyed) continue
      try {
        ;(this.#places[i] as SendMemory).send(socket, true)
      } catch (error) {
        // It costs this connection, and none of those behind it.
        reportFault(error)
        socket.destroy()
      }
    }
  }

  /** TurnTask */
  onTurn(): void {
    this.#isScheduled = false
    if (this.#size > 0) this.flush()
  }
}
