import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

/**
 * Leads from offsets in the rewritten module, which stack traces show, to offsets in the module as
 * it arrived, which source maps know. Both ascend, so each direction is a binary search.
 *
 * ```
 *  rewritten  ...[ code ][ fuel ][ code ]...     entry i: from rewritten[i] on, code is the
 *                 ^ entry i      ^ entry i+1     same as from original[i] on
 *  original   ...[ code ][ code ]...             an offset inside "fuel" is the place after it
 * ```
 */
export class OffsetMap {
  readonly #rewritten: Uint32Array
  readonly #original: Uint32Array

  constructor(rewritten: Uint32Array, original: Uint32Array) {
    this.#rewritten = rewritten
    this.#original = original
  }

  /** How many stretches of unchanged code there are. */
  get size(): number {
    return this.#rewritten.length
  }

  /** The offset in the module as it arrived, or null when the offset is in front of all code. */
  toOriginal(offset: number): number | null {
    return lookUp(this.#rewritten, this.#original, offset)
  }

  /** The offset in the rewritten module, or null when the offset is in front of all code. */
  toRewritten(offset: number): number | null {
    return lookUp(this.#original, this.#rewritten, offset)
  }

  /** Two LEB128 numbers an entry: the bytes since the last one, there and here. About 2 bytes each. */
  encode(): Uint8Array {
    const writer = new ByteWriter(this.size * 3 + 8)
    writer.u32(this.size)
    let rewritten = 0
    let original = 0
    for (let i = 0; i < this.size; i += 1) {
      writer.u32((this.#rewritten[i] ?? 0) - rewritten)
      writer.u32((this.#original[i] ?? 0) - original)
      rewritten = this.#rewritten[i] ?? 0
      original = this.#original[i] ?? 0
    }
    return writer.view().slice()
  }

  /** The reverse of `encode`; GUEST_MODULE_INVALID when the bytes are none of its making. */
  static decode(bytes: Uint8Array): OffsetMap {
    const reader = new ByteReader(bytes, 0, bytes.length, 'offset map')
    const size = reader.u32()
    if (size > bytes.length) throw reader.fail('it is not complete')
    const rewritten = new Uint32Array(size)
    const original = new Uint32Array(size)
    for (let i = 0; i < size; i += 1) {
      rewritten[i] = reader.u32() + (rewritten[i - 1] ?? 0)
      original[i] = reader.u32() + (original[i - 1] ?? 0)
    }
    if (reader.pos !== bytes.length) throw reader.fail('bytes are left over')
    return new OffsetMap(rewritten, original)
  }
}

function lookUp(from: Uint32Array, to: Uint32Array, offset: number): number | null {
  let low = 0
  let high = from.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((from[middle] ?? 0) <= offset) low = middle + 1
    else high = middle
  }
  if (low === 0) return null
  const found = (to[low - 1] ?? 0) + offset - (from[low - 1] ?? 0)
  // What was written in belongs to the place that follows it.
  return Math.min(found, to[low] ?? Number.POSITIVE_INFINITY)
}
