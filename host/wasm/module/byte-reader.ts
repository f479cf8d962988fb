import { invalid, overLimit } from './module-error.ts'

// ignoreBOM keeps a leading U+FEFF: dropping it would make two different names equal.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * A cursor over the bytes of a module that cannot leave its window: every read past `end` is
 * GUEST_MODULE_INVALID with the section and the offset. Numbers are LEB128 as the core specification
 * (5.2.2) encodes them: at most ceil(N / 7) bytes, unused bits of the last byte equal to the sign.
 */
export class ByteReader {
  readonly bytes: Uint8Array
  /** Offset of the next byte, from the start of the module. */
  pos: number
  /** First offset that may not be read. */
  end: number
  /** What is being read, for messages: `import section`, `function 12`. */
  place: string

  constructor(bytes: Uint8Array, pos = 0, end = bytes.length, place = 'module') {
    this.bytes = bytes
    this.pos = pos
    this.end = end
    this.place = place
  }

  /** A GUEST_MODULE_INVALID at `offset` that names the place. */
  fail(reason: string, offset = this.pos): Error {
    return invalid(offset, `${this.place}: ${reason}`)
  }

  u8(): number {
    const at = this.pos
    if (at >= this.end) throw this.fail('the bytes end too early')
    this.pos = at + 1
    return this.bytes[at] ?? 0
  }

  /** The next byte without moving, or -1 at the end. */
  peek(): number {
    return this.pos < this.end ? (this.bytes[this.pos] ?? -1) : -1
  }

  u32(): number {
    const first = this.u8()
    if (first < 0x80) return first
    const start = this.pos - 1
    let value = first & 0x7f
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.u8()
      if (shift === 28 && byte > 0x0f) throw this.fail('a number has more than 32 bits', start)
      // Not `|`: the fifth byte would make the value negative.
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw this.fail('a number has more than 32 bits', start)
  }

  s32(): number {
    const start = this.pos
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8()
      if (shift === 28) {
        const upper = byte & 0x78
        if (byte > 0x7f || (upper !== 0 && upper !== 0x78)) break
        return value | (byte << 28)
      }
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value << (25 - shift)) >> (25 - shift)
    }
    throw this.fail('a number has more than 32 bits', start)
  }

  /** A block type is a 33-bit signed number: negative for a value type, else a type index. */
  s33(): number {
    const start = this.pos
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8()
      if (shift === 28 && (byte > 0x7f || ((byte & 0x70) !== 0 && (byte & 0x70) !== 0x70))) break
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return (byte & 0x40) === 0 ? value : value - 2 ** (shift + 7)
    }
    throw this.fail('a number has more than 33 bits', start)
  }

  /** Checks and passes over a 64-bit signed number; its value is never needed. */
  skipS64(): void {
    const start = this.pos
    for (let count = 0; count < 10; count += 1) {
      const byte = this.u8()
      if (count === 9) {
        if (byte !== 0 && byte !== 0x7f) break
        return
      }
      if (byte < 0x80) return
    }
    throw this.fail('a number has more than 64 bits', start)
  }

  skip(length: number): void {
    if (length > this.end - this.pos) {
      throw this.fail(`${length} bytes are announced, ${this.end - this.pos} are left`)
    }
    this.pos += length
  }

  /** A count of entries, each at least one byte long, checked against a named limit. */
  count(limit: string, maximum: number, already = 0): number {
    const start = this.pos
    const value = this.u32()
    if (value + already > maximum) throw overLimit(start, limit, value + already, maximum)
    if (value > this.end - this.pos) {
      throw this.fail(
        `${value} entries are announced, ${this.end - this.pos} bytes are left`,
        start,
      )
    }
    return value
  }

  /** A name: valid UTF-8 of at most `maximum` bytes. */
  name(maximum: number): string {
    const start = this.pos
    const length = this.u32()
    if (length > maximum) throw overLimit(start, 'nameBytes', length, maximum)
    const from = this.pos
    this.skip(length)
    try {
      return UTF8.decode(this.bytes.subarray(from, this.pos))
    } catch {
      throw this.fail('a name is not valid UTF-8', from)
    }
  }
}
