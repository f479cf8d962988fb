import { isBlank } from './field-rules.ts'

/**
 * Where the fields of checked lines lie, so that looking at one makes no string of the others: a filter that
 * reads three of ten fields pays for three. Made in one pass when somebody looks for the first time.
 *
 * Lines are `name: value` and CRLF, in three texts: those of `apart` stand before the others, and behind them
 * those that were added. The texts are the owner's, who hands in the one that a field lies in.
 */
export class FieldIndex {
  /** Whose fields they are. */
  owner: object | null = null
  /** The number of fields. */
  size = 0
  /** The number of fields of `apart`, which come first. */
  apartSize = 0
  /** The number of fields before those that were added. */
  readSize = 0
  /** Of each field where its line starts, and its colon; its line ends where the next one starts, less CRLF. */
  readonly #at: number[] = []

  /** Begins anew, with the fields of `owner`. */
  read(owner: object, apart: string, lines: string, added: string): void {
    this.owner = owner
    this.apartSize = scanLines(apart, this.#at, 0)
    this.readSize = scanLines(lines, this.#at, this.apartSize)
    this.size = scanLines(added, this.#at, this.readSize)
  }

  /** See `fieldAdded`. */
  grown(start: number, colon: number): void {
    this.#at[this.size * 2] = start
    this.#at[this.size * 2 + 1] = colon
    this.size += 1
  }

  /** The line of a field that does not stand apart got longer by `delta` characters, or was taken out. */
  moved(index: number, delta: number, isGone: boolean): void {
    const at = this.#at
    const end = index < this.readSize ? this.readSize : this.size
    for (let i = (index + 1) * 2; i < end * 2; i++) at[i] = (at[i] as number) + delta
    if (!isGone) return
    at.copyWithin(index * 2, (index + 1) * 2, this.size * 2)
    this.size -= 1
    if (index < this.readSize) this.readSize -= 1
  }

  /** The first field from number `from` on whose name has `length` characters, or -1. */
  findLength(length: number, from: number): number {
    const at = this.#at
    const { size } = this
    for (let i = from; i < size; i++) {
      if ((at[i * 2 + 1] as number) - (at[i * 2] as number) === length) return i
    }
    return -1
  }

  /** Is this field, whose name has as many characters as the lowercase `lower`, called that? */
  isNamed(index: number, text: string, lower: string): boolean {
    const start = this.#at[index * 2] as number
    for (let i = 0; i < lower.length; i++) {
      const code = text.charCodeAt(start + i)
      const wanted = lower.charCodeAt(i)
      if (code !== wanted && (code < 0x41 || code > 0x5a || (code | 0x20) !== wanted)) return false
    }
    return true
  }

  /** Where the line of a field starts in its text. */
  start(index: number): number {
    return this.#at[index * 2] as number
  }

  /** Where the line of a field ends in its text, behind CRLF. */
  end(index: number, text: string): number {
    const next = index + 1
    const isLast = next === this.size || next === this.apartSize || next === this.readSize
    return isLast ? text.length : (this.#at[next * 2] as number)
  }

  name(index: number, text: string): string {
    return text.slice(this.#at[index * 2] as number, this.#at[index * 2 + 1] as number)
  }

  value(index: number, text: string): string {
    const end = this.#valueEnd(index, text)
    return text.slice(this.#valueStart(index, text, end), end)
  }

  /** Characters of a value. */
  valueLength(index: number, text: string): number {
    const end = this.#valueEnd(index, text)
    return end - this.#valueStart(index, text, end)
  }

  /** Copies a value to `target`, which has room for it: a character is a byte. */
  copyValue(index: number, text: string, target: Buffer, targetStart: number): void {
    const end = this.#valueEnd(index, text)
    const start = this.#valueStart(index, text, end)
    if (end - start > SHORT_VALUE) target.latin1Write(text.slice(start, end), targetStart)
    else for (let i = start; i < end; i++) target[targetStart + i - start] = text.charCodeAt(i)
  }

  // Blanks around a value are none of it: mostly one space before, but the grammar allows more and less.
  #valueStart(index: number, text: string, end: number): number {
    let start = (this.#at[index * 2 + 1] as number) + 1
    while (start < end && isBlank(text.charCodeAt(start))) start += 1
    return start
  }

  #valueEnd(index: number, text: string): number {
    const start = (this.#at[index * 2 + 1] as number) + 1
    let end = this.end(index, text) - 2
    while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1
    return end
  }
}

/** Notes the fields of `lines` from number `size` on; returns the number of all. */
function scanLines(lines: string, at: number[], size: number): number {
  let count = size
  for (let start = 0; start < lines.length; count++) {
    const colon = lines.indexOf(':', start)
    at[count * 2] = start
    at[count * 2 + 1] = colon
    start = lines.indexOf('\r', colon) + 2
  }
  return count
}

/** Values up to here are copied byte by byte: cut out and written by Node, one costs as much as 60 of them. */
const SHORT_VALUE = 64

/**
 * The indices there are. One for each header would be a tenth of the garbage of a request that a filter looks
 * into; and nearly always one header is looked into until its filters are done, or a request and its response in
 * turn. So two serve all: another header makes the one anew that was not used last. They keep the fields of two
 * messages alive, at most.
 */
const first = new FieldIndex()
const second = new FieldIndex()
let recent = first

/** The index of the fields of `owner`: valid until somebody asks for that of another. */
export function fieldIndexOf(
  owner: object,
  apart: string,
  lines: string,
  added: string,
): FieldIndex {
  if (recent.owner === owner) return recent
  recent = recent === first ? second : first
  if (recent.owner !== owner) recent.read(owner, apart, lines, added)
  return recent
}

/** To the fields of `owner` one was added, which starts at `start` of the added text and has its colon at `colon`. */
export function fieldAdded(owner: object, start: number, colon: number): void {
  if (first.owner === owner) first.grown(start, colon)
  else if (second.owner === owner) second.grown(start, colon)
}
