import type { Socket } from 'node:net'

/** Bytes of a message that is put together before it is written; a longer one leaves in parts. */
export const SEND_SIZE = 16 * 1024

/** Messages of one kind are often of one size: so many views are kept. A power of two. */
const VIEWS = 256

/**
 * Where messages of any connections of a thread are put together, one after the other. Joined as strings, each
 * would be copied to a new one on its way out, which is garbage of the size of the message.
 *
 * A socket that has taken a write at once refers to nothing of it any more; memory that was not taken at once
 * is left to the socket, and other memory takes its place.
 */
export class SendMemory {
  #bytes: Buffer
  /** The first bytes, as views of some lengths: else one is all that a message allocates here. */
  readonly #views: Buffer[]
  #length = 0

  /** Room for messages of `size` bytes; `views` is a power of two. */
  constructor(size: number = SEND_SIZE, views: number = VIEWS) {
    this.#bytes = Buffer.allocUnsafeSlow(size)
    this.#views = new Array(views).fill(NO_VIEW)
  }

  /** Begins a message. What one before left behind because it failed half-way is gone. */
  begin(): void {
    this.#length = 0
  }

  /** Adds latin1 text. All parts of a message together fit into the memory. */
  text(text: string): void {
    this.#length += this.#bytes.latin1Write(text, this.#length)
  }

  /** Adds a copy of `bytes`. */
  copy(bytes: Buffer): void {
    this.#length += bytes.copy(this.#bytes, this.#length)
  }

  /** Writes the message; false when the socket wants no more for now. */
  send(socket: Socket, takesAtOnce: boolean): boolean {
    const size = this.#length
    this.#length = 0
    // What has to wait gets memory of its own size.
    if (!takesAtOnce || socket.writableLength > 0) {
      return socket.write(this.#bytes.latin1Slice(0, size), 'latin1')
    }
    const hasRoom = socket.write(this.#view(size))
    if (socket.writableLength > 0) {
      this.#bytes = Buffer.allocUnsafeSlow(this.#bytes.length)
      this.#views.fill(NO_VIEW)
    }
    return hasRoom
  }

  #view(size: number): Buffer {
    const views = this.#views
    // Two places for each length: requests and answers of two lengths that meet in one would take turns in it.
    const at = size & (views.length - 1)
    const known = views[at] as Buffer
    if (known.length === size) return known
    const other = views[at ^ 1] as Buffer
    if (other.length === size) return other
    const made = this.#bytes.subarray(0, size)
    views[at] = made
    views[at ^ 1] = known
    return made
  }
}

const NO_VIEW = Buffer.alloc(0)
