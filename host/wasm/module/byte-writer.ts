/** A growing buffer of bytes with the encodings of the WebAssembly binary format. */
export class ByteWriter {
  #bytes: Uint8Array
  #length = 0

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  /** What was written; valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
  }

  u8(byte: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1)
    this.#bytes[this.#length] = byte
    this.#length += 1
  }

  /** Unsigned LEB128 of up to 32 bits. */
  u32(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.u8((rest & 0x7f) | 0x80)
      rest = Math.floor(rest / 128)
    }
    this.u8(rest)
  }

  /** Signed LEB128 of a number that is not negative, up to 2^53. */
  signed(value: number): void {
    let rest = value
    // The last byte's bit 6 is the sign: it has to be clear.
    while (rest >= 0x40) {
      this.u8((rest % 128) | 0x80)
      rest = Math.floor(rest / 128)
    }
    this.u8(rest)
  }

  raw(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#grow(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** Copies `source[from, to)`; by hand when short, because a view costs more than a few bytes. */
  copy(source: Uint8Array, from: number, to: number): void {
    const length = to - from
    if (length > 48) {
      this.raw(source.subarray(from, to))
      return
    }
    if (this.#length + length > this.#bytes.length) this.#grow(length)
    const bytes = this.#bytes
    let at = this.#length
    for (let i = from; i < to; i += 1) {
      bytes[at] = source[i] ?? 0
      at += 1
    }
    this.#length = at
  }

  /** A name or any other bytes with their length before them. */
  text(value: string): void {
    const bytes = Buffer.from(value, 'utf8')
    this.u32(bytes.length)
    this.raw(bytes)
  }

  /** A section: id, size, content. */
  section(id: number, content: Uint8Array): void {
    this.u8(id)
    this.u32(content.length)
    this.raw(content)
  }

  #grow(extra: number): void {
    const bytes = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + extra))
    bytes.set(this.view())
    this.#bytes = bytes
  }
}
