import { CLASS, COLON, CR, HTAB, LF, parseLength, SP, TOKEN, textOf, VALUE } from './bytes.ts'
import { fieldId } from './field-names.ts'
import { wordsOf } from './read-buffer.ts'

/** The bytes end before the section does: ask again when there are more. */
export const INCOMPLETE = 0
/** The section is complete and valid. */
export const COMPLETE = 1
/** It can never become valid: `status` and `reason` say why. */
export const REFUSED = 2

/** Fields a block can ever hold; the limits that are configured lie below. */
export const MAX_FIELDS = 1024

/**
 * The field lines of one message, checked byte by byte in one pass (RFC 9112, section 5): no space before
 * the colon, no folded lines, no bare CR or LF, no control characters. Nothing is mended.
 *
 * A block is scratch space that is used again for every message: after `scan` it holds where each field
 * lies, and `toLines` or `toList` make the strings of the same bytes.
 *
 *     spans  [nameStart nameEnd valueStart valueEnd] × count     ids  what the engine knows about each
 */
export class FieldBlock {
  count = 0
  /** The offset after the empty line that ends the block. */
  end = 0
  status = 0
  reason = ''
  readonly spans: Int32Array = new Int32Array(MAX_FIELDS * 4)
  readonly ids: Uint8Array = new Uint8Array(MAX_FIELDS)

  /** Checks the lines of `bytes[start, end)` up to the empty line. At most `maxFields` fields. */
  scan(bytes: Buffer, start: number, end: number, maxFields: number): number {
    const spans = this.spans
    const limit = maxFields < MAX_FIELDS ? maxFields : MAX_FIELDS
    const words = wordsOf(bytes)
    let at = start
    let count = 0
    for (;;) {
      if (at >= end) return INCOMPLETE
      if (bytes[at] === CR) {
        if (at + 1 >= end) return INCOMPLETE
        if (bytes[at + 1] !== LF) return this.refuse(400, 'a CR without LF')
        this.count = count
        this.end = at + 2
        return COMPLETE
      }
      if (count === limit) return this.refuse(431, `more than ${limit} header fields`)

      const nameStart = at
      let byte = bytes[at] as number
      while (((CLASS[byte] as number) & TOKEN) !== 0 && at < end) {
        at += 1
        byte = bytes[at] as number
      }
      if (at >= end) return INCOMPLETE
      if (byte !== COLON || at === nameStart) return this.#refuseName(byte, at === nameStart)
      const nameEnd = at

      at += 1
      byte = bytes[at] as number
      while ((byte === SP || byte === HTAB) && at < end) {
        at += 1
        byte = bytes[at] as number
      }
      const valueStart = at
      while ((at & 3) !== 0 && ((CLASS[byte] as number) & VALUE) !== 0 && at < end) {
        at += 1
        byte = bytes[at] as number
      }
      if (words !== null && (at & 3) === 0) {
        at = skipPlainWords(words, at, end)
        byte = bytes[at] as number
      }
      while (((CLASS[byte] as number) & VALUE) !== 0 && at < end) {
        at += 1
        byte = bytes[at] as number
      }
      if (at >= end) return INCOMPLETE
      if (byte !== CR) {
        return this.refuse(
          400,
          byte === LF ? 'a LF without CR' : 'a control character in a header field',
        )
      }
      let valueEnd = at
      while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1] as number)) valueEnd -= 1
      if (at + 1 >= end) return INCOMPLETE
      if (bytes[at + 1] !== LF) return this.refuse(400, 'a CR without LF')
      at += 2

      const span = count * 4
      spans[span] = nameStart
      spans[span + 1] = nameEnd
      spans[span + 2] = valueStart
      spans[span + 3] = valueEnd
      this.ids[count] = fieldId(bytes, nameStart, nameEnd)
      count += 1
    }
  }

  /** The value of field `index` of `bytes`; `known` is answered when it says the same. */
  value(index: number, bytes: Buffer, known = ''): string {
    const span = index * 4 + 2
    return textOf(bytes, this.spans[span] as number, this.spans[span + 1] as number, known)
  }

  /** The value of field `index` as `parseLength` reads it. */
  lengthAt(index: number, bytes: Buffer): number {
    const span = index * 4 + 2
    return parseLength(bytes, this.spans[span] as number, this.spans[span + 1] as number)
  }

  /** Does a tab stand beside the value of field `index`? */
  hasTab(index: number, bytes: Buffer): boolean {
    const span = index * 4
    const valueStart = this.spans[span + 2] as number
    for (let at = (this.spans[span + 1] as number) + 1; at < valueStart; at++) {
      if (bytes[at] === HTAB) return true
    }
    for (let at = this.spans[span + 3] as number; bytes[at] !== CR; at++) {
      if (bytes[at] === HTAB) return true
    }
    return false
  }

  /**
   * The lines of the fields whose ids lie between `first` and `last`, as they stand in `bytes`; `known` is
   * answered when it says the same.
   *
   * One flat text: cut out of the text of the whole head and joined, they would be kept together with it, and
   * be copied when they are sent.
   */
  toLines(bytes: Buffer, first: number, last: number, known = ''): string {
    const spans = this.spans
    const count = this.count
    let gathered = 0
    // The run of lines that stay; `from` is -1 before the first one.
    let from = -1
    let to = -1
    for (let i = 0; i < count; i++) {
      const id = this.ids[i] as number
      if (id < first || id > last) continue
      const start = spans[i * 4] as number
      if (start !== to) {
        if (from >= 0) gathered = gather(bytes, from, to, gathered)
        from = start
      }
      // The empty line is not a field line.
      to = i + 1 < count ? (spans[i * 4 + 4] as number) : this.end - 2
    }
    if (from < 0) return ''
    if (gathered === 0) return textOf(bytes, from, to, known)
    // It may be other memory after this.
    const length = gather(bytes, from, to, gathered)
    return lineMemory.latin1Slice(0, length)
  }

  /** The flat list of every field, framing and all. */
  toList(bytes: Buffer): string[] {
    const list: string[] = []
    if (this.count === 0) return list
    const base = this.spans[0] as number
    const text = bytes.latin1Slice(base, this.end)
    for (let i = 0; i < this.count * 4; i += 4) {
      list.push(this.#cut(text, base, i), this.#cut(text, base, i + 2))
    }
    return list
  }

  /** Is a field with this id among them? */
  has(id: number): boolean {
    for (let i = 0; i < this.count; i++) if (this.ids[i] === id) return true
    return false
  }

  /** Notes why the message is refused; answers REFUSED. */
  refuse(status: number, reason: string): number {
    this.status = status
    this.reason = reason
    return REFUSED
  }

  /** What lies between the offsets in `spans` from `at` on. */
  #cut(text: string, base: number, at: number): string {
    return text.slice((this.spans[at] as number) - base, (this.spans[at + 1] as number) - base)
  }

  #refuseName(byte: number, isEmpty: boolean): number {
    if (byte === LF) return this.refuse(400, 'a LF without CR')
    if (isEmpty && isBlank(byte)) return this.refuse(400, 'a folded header line')
    if (isEmpty) return this.refuse(400, 'a header field without a name')
    if (isBlank(byte)) return this.refuse(400, 'a space in or after a header field name')
    return this.refuse(400, 'a header field name that is not a token')
  }
}

/**
 * Skips whole words of four bytes, from the boundary `start` on, without control characters and DEL: most of a
 * head is values, and a step per byte would take most of the time of a parse.
 */
function skipPlainWords(words: Int32Array, start: number, end: number): number {
  let at = start >> 2
  const stop = end >> 2
  while (at < stop) {
    const word = words[at] as number
    const del = word ^ 0x7f7f7f7f
    // The high bit of each byte that is below 0x20, or that became zero.
    if (((((word - 0x20202020) & ~word) | ((del - 0x01010101) & ~del)) & -0x7f7f7f80) !== 0) break
    at += 1
  }
  return at << 2
}

/** Where lines that do not follow each other are put together; at most twice the longest head there was. */
let lineMemory: Buffer = Buffer.allocUnsafeSlow(8 * 1024)

/** Puts `bytes[from, to)` behind the first `length` bytes that are there; answers the new length. */
function gather(bytes: Buffer, from: number, to: number, length: number): number {
  const grown = length + to - from
  if (grown > lineMemory.length) {
    const larger = Buffer.allocUnsafeSlow(grown * 2)
    lineMemory.copy(larger, 0, 0, length)
    lineMemory = larger
  }
  bytes.copy(lineMemory, length, from, to)
  return grown
}

function isBlank(byte: number): boolean {
  return byte === SP || byte === HTAB
}
