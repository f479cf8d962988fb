import type { GuestMemory } from '../guest-memory.ts'
import { GuestMisuse } from './guest-misuse.ts'

/**
 * How Easegress's guests and their host pass values: a pointer to a length and the bytes. All numbers are
 * little-endian.
 *
 *     data     u32 n       n bytes
 *     string   u32 n + 1   n bytes   0x00
 *     array    u32 count   that many strings, one after the other
 *
 * What the host returns lies in memory it got from the guest's `wasm_alloc`, of exactly that size, and
 * the guest frees it. That call may collect garbage in the guest or grow its memory: a host call reads
 * every argument before it returns anything.
 */
export class EasegressMemory {
  readonly #memory: GuestMemory
  #allocate: (size: number) => number = () => 0

  constructor(memory: GuestMemory) {
    this.#memory = memory
  }

  /** Set once, when the exports exist. */
  attach(allocate: (size: number) => number): void {
    this.#allocate = allocate
  }

  /** One character a byte. Fails past `limit` bytes. */
  latin1(pointer: number, limit: number): string {
    return this.#memory.latin1(pointer + 4, this.#stringLength(pointer, limit))
  }

  utf8(pointer: number, limit: number): string {
    return this.#memory.utf8(pointer + 4, this.#stringLength(pointer, limit))
  }

  /** The bytes of a string. */
  stringBytes(pointer: number, limit: number): Uint8Array {
    return this.#memory.copy(pointer + 4, this.#stringLength(pointer, limit))
  }

  /** The first bytes of a string, at most `limit`. */
  stringStart(pointer: number, limit: number): Uint8Array {
    const length = Math.max(0, this.#memory.uint32(pointer) - 1)
    return this.#memory.copy(pointer + 4, Math.min(length, limit))
  }

  data(pointer: number, limit: number): Uint8Array {
    const length = this.#memory.uint32(pointer)
    checkLength(length, limit)
    return this.#memory.copy(pointer + 4, length)
  }

  /** A string of one byte a character. */
  returnLatin1(text: string): number {
    const pointer = this.#reserve(4 + text.length + 1)
    this.#memory.putUint32(text.length + 1, pointer)
    this.#memory.putLatin1(text, pointer + 4, text.length)
    this.#memory.putBytes(NUL, pointer + 4 + text.length)
    return pointer
  }

  /** A string of these bytes. */
  returnString(bytes: Uint8Array): number {
    const pointer = this.#reserve(stringSize(bytes))
    this.#putString(bytes, pointer)
    return pointer
  }

  returnData(bytes: Uint8Array): number {
    const pointer = this.#reserve(4 + bytes.length)
    this.#memory.putUint32(bytes.length, pointer)
    this.#memory.putBytes(bytes, pointer + 4)
    return pointer
  }

  returnArray(strings: readonly Uint8Array[]): number {
    let size = 4
    for (const bytes of strings) size += stringSize(bytes)
    const pointer = this.#reserve(size)
    this.#memory.putUint32(strings.length, pointer)
    let at = pointer + 4
    for (const bytes of strings) {
      this.#putString(bytes, at)
      at += stringSize(bytes)
    }
    return pointer
  }

  #putString(bytes: Uint8Array, pointer: number): void {
    this.#memory.putUint32(bytes.length + 1, pointer)
    this.#memory.putBytes(bytes, pointer + 4)
    this.#memory.putBytes(NUL, pointer + 4 + bytes.length)
  }

  #stringLength(pointer: number, limit: number): number {
    const length = this.#memory.uint32(pointer)
    checkLength(length, limit + 1)
    // The length counts the byte 0 at the end; some guests say 0 for an empty string.
    return length === 0 ? 0 : length - 1
  }

  #reserve(size: number): number {
    const pointer = this.#allocate(size) >>> 0
    // A number stands at its start: no allocator gives an odd address for that.
    if (pointer === 0 || (pointer & 1) === 1) {
      throw new GuestMisuse(`wasm_alloc(${size}) returned 0x${pointer.toString(16)}`)
    }
    return pointer
  }
}

function stringSize(bytes: Uint8Array): number {
  return 4 + bytes.length + 1
}

function checkLength(length: number, limit: number): void {
  if (length > limit) {
    throw new GuestMisuse(`a value of ${length} bytes, at most ${limit} are taken here`)
  }
}

const NUL = Uint8Array.of(0)
