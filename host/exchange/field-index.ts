/**
 * Where the fields of checked lines lie, so that looking at one makes no string of the others: a filter that
 * reads three of ten fields pays for three. Made in one pass when somebody looks for the first time.
 *
 * Lines are `name: value` and CRLF, in three texts: those of `apart` stand before the others, and behind them
 * those that were added.
 */
export class FieldIndex {
  /** Whose fields they are. */
  owner: object | null = null
  #apart = ''
  #lines = ''
  #added = ''
  /**
   * Of each field where its line starts, and its colon; its line ends where the next one starts, less CRLF.
   */
  readonly #at: number[] = []
  /** The number of fields. */
  size = 0
  /** The number of fields of `apart`, which come first. */
  apartSize = 0
  /** The number of fields before those that were added. */
  #readSize = 0

  /** Begins anew, with the fields of `owner`. */
  read(owner: object, apart: string, lines: string, added: string): void {
    const at = this.#at
    this.owner = owner
    this.#apart = apart
    this.#lines = lines
    this.#added = added
    this.apartSize = scanLines(apart, at, 0)
    this.#readSize = scanLines(lines, at, this.apartSize)
    this.size = scanLines(added, at, this.#readSize)
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

  /** See `fieldAdded`. */
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

/**
 * The indices there are. One for each header would be a tenth of the garbage of a request that a filter looks
 * into; and nearly always one header is looked into until its filters are done, or a request and its response in
 * turn. So two serve all: another header makes the one anew that was not used last.
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

/** To the fields of `owner` one was added; `added` is the text of before with one more line, `name: value`. */
export function fieldAdded(owner: object, added: string, name: string, value: string): void {
  if (first.owner === owner) first.grown(added, name, value)
  else if (second.owner === owner) second.grown(added, name, value)
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
