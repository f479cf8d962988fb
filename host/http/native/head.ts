import { CLASS, COLON, CR, HTAB, LF, SP, TOKEN, VALUE } from './bytes.ts'
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
 * lies, and `toLines` or `toList` make the strings.
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

  /** The value of field `index`, cut from `text`, the latin1 text of the bytes from offset `base` on. */
  value(index: number, text: string, base: number): string {
    const span = index * 4 + 2
    return text.slice((this.spans[span] as number) - base, (this.spans[span + 1] as number) - base)
  }

  /** Does a tab stand beside the value of field `index`? */
  hasTab(index: number, text: string, base: number): boolean {
    const span = index * 4
    const before = text.slice(
      (this.spans[span + 1] as number) - base,
      (this.spans[span + 2] as number) - base,
    )
    const end = (this.spans[span + 3] as number) - base
    return before.includes('\t') || text.slice(end, text.indexOf('\r', end)).includes('\t')
  }

  /**
   * The lines of the fields whose ids lie between `first` and `last`, as they stand in `text`, the latin1 text
   * of the bytes from offset `base` on.
   */
  toLines(text: string, base: number, first: number, last: number): string {
    const spans = this.spans
    const count = this.count
    let lines = ''
    // Where the run of lines that stay begins; -1 outside of one.
    let from = -1
    for (let i = 0; i < count; i++) {
      const start = (spans[i * 4] as number) - base
      const id = this.ids[i] as number
      if (id >= first && id <= last) {
        if (from < 0) from = start
      } else if (from >= 0) {
        lines += text.slice(from, start)
        from = -1
      }
    }
    // The empty line is not a field line.
    return from < 0 ? lines : lines + text.slice(from, this.end - base - 2)
  }

  /** The flat list of every field, framing and all. */
  toList(text: string, base: number): string[] {
    const list: string[] = []
    for (let i = 0; i < this.count; i++) {
      const start = this.spans[i * 4] as number
      const end = this.spans[i * 4 + 1] as number
      list.push(text.slice(start - base, end - base), this.value(i, text, base))
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

  #refuseName(byte: number, isEmpty: boolean): number {
    if (byte === LF) return this.refuse(400, 'a LF without CR')
    if (isEmpty && isBlank(byte)) return this.refuse(400, 'a folded header line')
    if (isEmpty) return this.refuse(400, 'a header field without a name')
    if (isBlank(byte)) return this.refuse(400, 'a space in or after a header field name')
    return this.refuse(400, 'a header field name that is not a token')
  }
}

/**
 * Skips whole words of four bytes, from the boundary `start` on, without control characters and DEL: most of a head is values, and a step per byte would take most of the time of a parse.
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

function isBlank(byte: number): boolean {
  return byte === SP || byte === HTAB
}
