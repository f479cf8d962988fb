/**
 * Where the fields of checked lines lie, so that looking at one makes no string of the others: a filter that
 * reads three of ten fields pays for three. Made in one pass when somebody looks for the first time.
 *
 * Lines are `name: value` and CRLF, in three texts: those of `apart` stand before the others, and behind them
 * those that were added.
 */
export class FieldIndex {
  readonly #apart: string
  readonly #lines: string
  #added: string
  /**
   * Of each field where its line starts, and its colon; its line ends where the next one starts, less CRLF. With
   * room for what most requests have and a filter adds: growing it would cost more than it takes.
   */
  readonly #at: number[]
  /** The number of fields. */
  size: number
  /** The number of fields of `apart`, which come first. */
  readonly apartSize: number
  /** The number of fields before those that were added. */
  readonly #readSize: number

  private constructor(
    apart: string,
    lines: string,
    added: string,
    at: number[],
    size: number,
    apartSize: number,
    readSize: number,
  ) {
    this.#apart = apart
    this.#lines = lines
    this.#added = added
    this.#at = at
    this.size = size
    this.apartSize = apartSize
    this.#readSize = readSize
  }

  static of(apart: string, lines: string, added: string): FieldIndex {
    const at: number[] = new Array(USUAL_FIELDS * 2)
    const apartSize = scanLines(apart, at, 0)
    const readSize = scanLines(lines, at, apartSize)
    const size = scanLines(added, at, readSize)
    return new FieldIndex(apart, lines, added, at, size, apartSize, readSize)
  }

  /** One that grows by itself. */
  clone(): FieldIndex {
    return new FieldIndex(
      this.#apart,
      this.#lines,
      this.#added,
      this.#at.slice(),
      this.size,
      this.apartSize,
      this.#readSize,
    )
  }

  /** The number of the first field called `lower` at or after number `from`, or -1. */
  find(lower: string, from: number): number {
    const at = this.#at
    const { length } = lower
    const { size } = this
    for (let i = from; i < size; i++) {
      const start = at[i * 2] as number
      if ((at[i * 2 + 1] as number) - start !== length) continue
      if (isSameAt(this.#textOf(i), start, lower)) return i
    }
    return -1
  }

  name(index: number): string {
    const at = this.#at
    return this.#textOf(index).slice(at[index * 2] as number, at[index * 2 + 1] as number)
  }

  /** Without the blanks around it: mostly one space before, but the grammar allows more and less. */
  value(index: number): string {
    const text = this.#textOf(index)
    const next = index + 1
    const isLast = next === this.size || next === this.apartSize || next === this.#readSize
    let start = (this.#at[index * 2 + 1] as number) + 1
    let end = (isLast ? text.length : (this.#at[index * 2 + 2] as number)) - 2
    while (start < end && isBlank(text.charCodeAt(start))) start += 1
    while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1
    return text.slice(start, end)
  }

  /** `added` is the text of before with one more line, `name: value`. */
  grown(added: string, name: string, value: string): void {
    const start = added.length - name.length - value.length - 4
    this.#added = added
    this.#at[this.size * 2] = start
    this.#at[this.size * 2 + 1] = start + name.length
    this.size += 1
  }

  /** The flat list of every field. */
  toList(): string[] {
    const list: string[] = []
    for (let i = 0; i < this.size; i++) list.push(this.name(i), this.value(i))
    return list
  }

  #textOf(index: number): string {
    if (index < this.apartSize) return this.#apart
    return index < this.#readSize ? this.#lines : this.#added
  }
}

/** Fields an index has room for when it is made. */
const USUAL_FIELDS = 12

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

/** Does the lowercase `lower` stand at `start`, in any case? */
function isSameAt(text: string, start: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    const code = text.charCodeAt(start + i)
    const wanted = lower.charCodeAt(i)
    if (code !== wanted && (code < 0x41 || code > 0x5a || (code | 0x20) !== wanted)) return false
  }
  return true
}

/** Space or tab: what `trim` takes besides is a byte of a value. */
export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
