import { randomBytes } from 'node:crypto'

/** Close codes (RFC 6455, section 7.4.1). */
export const NORMAL_CLOSURE = 1000
export const GOING_AWAY = 1001
export const PROTOCOL_ERROR = 1002
export const TOO_BIG = 1009

const CONTINUATION = 0x0
const TEXT = 0x1
const BINARY = 0x2
const CLOSE = 0x8
const PONG = 0xa

/** The longest payload of a control frame (RFC 6455, section 5.5). */
const MAX_CONTROL_BYTES = 125

/**
 * Looks at the frames of one direction of a WebSocket without changing them (RFC 6455, section 5.2): are they
 * well formed, is no message too long, and where does one end and another begin?
 *
 *     FIN RSV opcode | MASK length | extended length (0, 2, 8) | mask (0, 4) | payload
 */
export class FrameWatch {
  /** Why the stream must end, as a close code; 0 while it is well. */
  fault = 0
  /** A close frame has passed: nothing may follow. */
  hasClosed = false
  readonly #isMasked: boolean
  readonly #mayUseReserved: boolean
  readonly #maxMessageBytes: number
  /** Payload bytes of the current frame that are still to come. */
  #left = 0
  #messageBytes = 0
  #isInMessage = false

  /** Clients mask, servers do not. -1 for no limit of a message. */
  constructor(isMasked: boolean, mayUseReserved: boolean, maxMessageBytes: number) {
    this.#isMasked = isMasked
    this.#mayUseReserved = mayUseReserved
    this.#maxMessageBytes = maxMessageBytes
  }

  /** Everything that was let pass ends with a whole frame: another may be put here. */
  get isAtBoundary(): boolean {
    return this.#left === 0
  }

  /**
   * How many of `bytes` may pass. What is left over is a frame header that is not whole, to be offered again
   * with what follows it; or, when `fault` is set, what must not pass.
   */
  pass(bytes: Buffer): number {
    let at = 0
    for (;;) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, bytes.length - at)
        this.#left -= step
        at += step
      }
      if (at === bytes.length) return at
      const size = this.#readHeader(bytes, at)
      if (size === 0) return at
      at += size
    }
  }

  /** The size of the frame header at `bytes[at]`; 0 when it is not whole or not valid. */
  #readHeader(bytes: Buffer, at: number): number {
    const available = bytes.length - at
    if (available < 2) return 0
    const first = bytes[at] as number
    const second = bytes[at + 1] as number
    const short = second & 0x7f
    const extended = short === 127 ? 8 : short === 126 ? 2 : 0
    const size = 2 + extended + (this.#isMasked ? 4 : 0)
    if (((second & 0x80) !== 0) !== this.#isMasked || !this.#isAllowed(first, short)) {
      this.fault = PROTOCOL_ERROR
      return 0
    }
    if (available < size) return 0
    const length =
      extended === 8
        ? Number(bytes.readBigUInt64BE(at + 2))
        : extended === 2
          ? bytes.readUInt16BE(at + 2)
          : short
    if (length > Number.MAX_SAFE_INTEGER) this.fault = PROTOCOL_ERROR
    else if ((first & 0x08) === 0) this.#count(length, (first & 0x80) !== 0)
    if (this.fault !== 0) return 0
    if ((first & 0x0f) === CLOSE) this.hasClosed = true
    this.#left = length
    return size
  }

  #isAllowed(first: number, length: number): boolean {
    const opcode = first & 0x0f
    const isFinal = (first & 0x80) !== 0
    if (this.hasClosed || ((first & 0x70) !== 0 && !this.#mayUseReserved)) return false
    if (opcode >= CLOSE) return opcode <= PONG && isFinal && length <= MAX_CONTROL_BYTES
    if (opcode === CONTINUATION) return this.#isInMessage
    return (opcode === TEXT || opcode === BINARY) && !this.#isInMessage
  }

  #count(length: number, isFinal: boolean): void {
    this.#messageBytes += length
    if (this.#maxMessageBytes >= 0 && this.#messageBytes > this.#maxMessageBytes) {
      this.fault = TOO_BIG
      return
    }
    this.#isInMessage = !isFinal
    if (isFinal) this.#messageBytes = 0
  }
}

/** A close frame with `code`; one for a server is masked. */
export function closeFrame(code: number, isMasked: boolean): Buffer {
  const high = code >> 8
  const low = code & 0xff
  if (!isMasked) return Buffer.from([0x88, 2, high, low])
  const [a = 0, b = 0, c = 0, d = 0] = randomBytes(4)
  return Buffer.from([0x88, 0x82, a, b, c, d, high ^ a, low ^ b])
}
