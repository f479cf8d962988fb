import { isUtf8 } from 'node:buffer'
import type { Body, BodyTap } from '../exchange/body.ts'
import { MAX_BODY_BYTES } from './limits.ts'
import type { BodyRecord } from './record.ts'

/** What one exchange may still hold, in bytes. Shared by everything that is recorded of it. */
export class Budget {
  left: number

  constructor(bytes: number) {
    this.left = bytes
  }

  /** Takes up to `bytes` and returns what was left to take. */
  take(bytes: number): number {
    const taken = Math.min(bytes, this.left)
    this.left -= taken
    return taken
  }
}

/** The first bytes of a body, kept as they pass by. It never holds the body up. */
export class BodyCapture implements BodyTap {
  readonly #budget: Budget
  readonly #chunks: Buffer[] = []
  #kept = 0
  #size = 0
  #isComplete = false
  #onEnd: (() => void) | null = null

  constructor(body: Body, budget: Budget) {
    this.#budget = budget
    // The bytes of one that was read before anybody looked are gone: it stays incomplete.
    if (!body.isConsumed) body.tap(this)
  }

  /** Copies, because the chunk may be a window of a buffer that is used again. */
  chunk(chunk: Buffer): void {
    this.#size += chunk.length
    const room = this.#budget.take(Math.min(MAX_BODY_BYTES - this.#kept, chunk.length))
    if (room <= 0) return
    this.#chunks.push(Buffer.from(chunk.subarray(0, room)))
    this.#kept += room
  }

  end(): void {
    this.#isComplete = true
    this.#onEnd?.()
  }

  /** Resolves when the last byte was seen, or after `ms`. */
  complete(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#onEnd = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  get isComplete(): boolean {
    return this.#isComplete
  }

  get isWhole(): boolean {
    return this.#isComplete && this.#kept === this.#size
  }

  /** The bytes that were kept. */
  bytes(): Buffer {
    return Buffer.concat(this.#chunks, this.#kept)
  }

  toRecord(): BodyRecord {
    const bytes = this.bytes()
    const isCut = this.#kept < this.#size
    const text = isCut ? textOfCut(bytes) : isUtf8(bytes) ? bytes.toString('utf8') : null
    return {
      size: this.#size,
      text,
      base64: text === null ? bytes.toString('base64') : null,
      isCut,
      isComplete: this.#isComplete,
    }
  }
}

/** A cut may go through a character: up to three bytes at the end do not count against being text. */
function textOfCut(bytes: Buffer): string | null {
  for (let dropped = 0; dropped <= 3 && dropped <= bytes.length; dropped++) {
    const part = bytes.subarray(0, bytes.length - dropped)
    if (isUtf8(part)) return part.toString('utf8')
  }
  return null
}
