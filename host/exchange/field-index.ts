/**
 * Where the fields of checked lines lie, so that looking at one makes no string of the others: a filter that
 * reads three of ten fields pays for three. Made in one pass when somebody looks for the first time.
 *
 * Lines are `name: value` and CRLF, in two texts: those of `apart` stand before the others.
 */
export class FieldIndex {
  readonly #apart: string
  #lines: string
  /** Of each field where its line starts, its colon, and where its line ends. */
  readonly #at: number[]
  /** The numbers of `#at` that belong to `apart`. */
  readonly #apartEnd: number

  private constructor(apart: string, lines: string, at: number[], apartEnd: number) {
    this.#apart = apart
    this.#lines = lines
    this.#at = at
    this.#apartEnd = apartEnd
  }

  static of(apart: string, lines: string): FieldIndex {
    const at: number[] = []
    scanLines(apart, at)
    const apartEnd = at.length
    scanLines(lines, at)
    return new FieldIndex(apart, lines, at, apartEnd)
  }

  /** One that grows by itself. */
  clone(): FieldIndex {
    return new FieldIndex(this.#apart, this.#lines, this.#at.slice(), this.#apartEnd)
  }

  /** The number of fields. */
  get size(): number {
    return this.#at.length / 3
  }

  /** The number of fields of `apart`, which come first. */
  get apartSize(): number {
    return this.#apartEnd / 3
  }

  /** The number of the first field called `lower` at or after number `from`, or -1. */
  find(lower: string, from: number): number {
    const at = this.#at
    const { length } = lower
    for (let i = from * 3; i < at.length; i += 3) {
      const start = at[i] as number
      if ((at[i + 1] as number) - start !== length) continue
      if (isSameAt(i < this.#apartEnd ? this.#apart : this.#lines, start, lower)) return i / 3
    }
    return -1
  }

  name(index: number): string {
    const i = index * 3
    return this.#textOf(i).slice(this.#at[i] as number, this.#at[i + 1] as number)
  }

  /** Without the blanks around it: mostly one space before, but the grammar allows more and less. */
  value(index: number): string {
    const i = index * 3
    const text = this.#textOf(i)
    let start = (this.#at[i + 1] as number) + 1
    let end = this.#at[i + 2] as number
    while (start < end && isBlank(text.charCodeAt(start))) start += 1
    while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1
    return text.slice(start, end)
  }

  /** `lines` is the text of before with one more line, `name: value` as these are. */
  grown(lines: string, name: string, value: string): void {
    const start = this.#lines.length
    const colon = start + name.length
    this.#lines = lines
    this.#at.push(start, colon, colon + 2 + value.length)
  }

  /** The flat list of every field. */
  toList(): string[] {
    const list: string[] = []
    for (let i = 0; i < this.size; i++) list.push(this.name(i), this.value(i))
    return list
  }

  #textOf(i: number): string {
    return i < this.#apartEnd ? this.#apart : this.#lines
  }
}

function scanLines(lines: string, at: number[]): void {
  for (let start = 0; start < lines.length; ) {
    const colon = lines.indexOf(':', start)
    const end = lines.indexOf('\r', colon)
    at.push(start, colon, end)
    start = end + 2
  }
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
