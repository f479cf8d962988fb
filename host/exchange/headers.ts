import { type FieldIndex, fieldAdded, fieldIndexOf } from './field-index.ts'
import { type FieldName, lineOf } from './field-name.ts'
import { APART, isFieldValue, isToken, sameName } from './field-rules.ts'

/**
 * The header fields of one message, in order, with the case they arrived in. Names are compared without
 * case; values are latin1 text: one character is one byte on the wire (RFC 9110, section 5.5).
 *
 * Two backings. Checked field lines are what an engine read from the wire: they are looked up where they lie,
 * fields are added at their end, and they are sent on as they are. A flat list `[name, value, name, value, …]`
 * is made from them for whatever changes more. Checking each field of a list again costs half as much as the
 * rest of a request; so what is written here is checked, one field at a time, and the lines are made anew when
 * they are asked for.
 *
 *     lines ──read, add, change one──▶ lines ──change several──▶ list, checked ──lines──▶ lines and list
 *                                         └─ what is not valid, or not the sender's to write ─▶ list
 *
 * Lookup is a linear scan: requests carry 7 to 40 fields, and the length test rejects nearly all of them.
 */
export class Headers {
  #list: string[] | null
  #lines: string | null = null
  /** Lines that were added behind these. Joined, all would be copied when they are sent. */
  #added = ''
  /** Checked lines that stand before the others and are not sent on: Host, claims about the client. */
  #apart = ''
  /** Fields of the list that come from `#apart`. */
  #apartSize = 0
  /** Every field is known to be valid, and those that are not sent on stand first. */
  #isChecked = false
  /**
   * True when what the fields say about where the request came from (`X-Forwarded-For` and its like) was
   * written by the configuration, not by the client: then an upstream gets it.
   */
  hasOwnClaims = false

  /** Takes ownership of `list`. */
  constructor(list: string[] = []) {
    this.#list = list
  }

  /** The fields of a message that the gateway itself has made. */
  static own(list: string[]): Headers {
    const headers = new Headers(list)
    headers.hasOwnClaims = true
    return headers
  }

  /**
   * The fields of `lines`, each `name: value` and CRLF, which an engine has checked byte by byte: they are
   * sent as they are. The lines of `apart` stand before them and are not sent on.
   */
  static fromLines(lines: string, apart = ''): Headers {
    const headers = new Headers(NO_FIELDS)
    headers.#list = null
    headers.#lines = lines
    headers.#apart = apart
    headers.#isChecked = true
    return headers
  }

  /** The lines that may be sent on as they are; null when there is a field that must be looked at. */
  get lines(): string | null {
    const lines = this.readLines
    return lines === null || this.#added === '' ? lines : lines + this.#added
  }

  /** The first part of `lines`; `addedLines` are the rest. */
  get readLines(): string | null {
    if (this.#lines === null && this.#isChecked && this.#list !== null) {
      this.#lines = writeLines(this.#list, this.#apartSize * 2)
    }
    return this.#lines
  }

  /** The lines behind `readLines`; none when there are no such. */
  get addedLines(): string {
    return this.#added
  }

  /**
   * Puts the lines, but not those apart, into `target` from `at` on, where there is `room` for so many bytes; returns
   * how many there are. -1 when they do not fit, or the fields are no lines.
   */
  putLines(target: Buffer, at: number, room: number): number {
    const lines = this.#lines
    if (lines === null) return -1
    const length = lines.length + this.#added.length
    if (length > room) return -1
    target.latin1Write(lines, at)
    if (this.#added !== '') target.latin1Write(this.#added, at + lines.length)
    return length
  }

  /** The lines before those of `lines`, when there are such. */
  get apartLines(): string {
    return this.#apart
  }

  /** The number of fields. */
  get size(): number {
    return this.#list === null ? this.#fields().size : this.#list.length >> 1
  }

  /** The flat list itself; the reader must not change it. */
  get list(): readonly string[] {
    return this.#list ?? this.#makeList()
  }

  /** The number of the first field called `lower` at or after number `from`, or -1. */
  find(lower: string, from = 0): number {
    const list = this.#list
    if (list === null) return this.#findInLines(lower, from)
    for (let i = from * 2; i < list.length; i += 2) {
      if (sameName(list[i] as string, lower)) return i >> 1
    }
    return -1
  }

  /** The name of a field by its number, from 0 to `size`, as it was written. */
  nameAt(index: number): string {
    if (this.#list !== null) return this.#list[index * 2] as string
    const fields = this.#fields()
    return fields.name(index, this.#textOf(fields, index))
  }

  /** The value of a field by its number. */
  valueAt(index: number): string {
    if (this.#list !== null) return this.#list[index * 2 + 1] as string
    const fields = this.#fields()
    return fields.value(index, this.#textOf(fields, index))
  }

  /** Bytes of the value of a field by its number. */
  valueLengthAt(index: number): number {
    if (this.#list !== null) return (this.#list[index * 2 + 1] as string).length
    const fields = this.#fields()
    return fields.valueLength(index, this.#textOf(fields, index))
  }

  /** Copies the value of a field by its number to `target`, which has room for it. */
  copyValueAt(index: number, target: Buffer, start: number): void {
    if (this.#list !== null) {
      target.latin1Write(this.#list[index * 2 + 1] as string, start)
      return
    }
    const fields = this.#fields()
    fields.copyValue(index, this.#textOf(fields, index), target, start)
  }

  /** The first value of `name` (lowercase), or undefined. */
  get(name: string): string | undefined {
    const at = this.find(name)
    return at < 0 ? undefined : this.valueAt(at)
  }

  has(name: string): boolean {
    return this.find(name) >= 0
  }

  /** Every value of `name` (lowercase), in order. */
  getAll(name: string): string[] {
    const values: string[] = []
    for (let at = this.find(name); at >= 0; at = this.find(name, at + 1)) {
      values.push(this.valueAt(at))
    }
    return values
  }

  /** Sets `name` to exactly one value; the field keeps its place if it was there. */
  set(name: string, value: string): void {
    const lower = name.toLowerCase()
    const at = this.find(lower)
    if (at < 0) this.#add(name, value, isPlain(lower, value))
    else this.#replace(at, lower, value, isPlain(lower, value))
  }

  /** Adds a field after those that are there. */
  add(name: string, value: string): void {
    this.#add(name, value, isPlain(name.toLowerCase(), value))
  }

  /** As `set`, for a value that the caller has checked. */
  setField(field: FieldName, value: string): void {
    const at = this.find(field.lower)
    if (at < 0) this.addField(field, value)
    else this.#replace(at, field.lower, value, !field.isApart)
  }

  /** As `add`, for a value that the caller has checked. */
  addField(field: FieldName, value: string): void {
    const { name, isApart } = field
    if (isApart || !this.#takesLines()) this.#change(!isApart).push(name, value)
    else this.#addLine(name, value, lineOf(field, value))
  }

  /** Removes every field called `name`. */
  remove(name: string): void {
    const lower = name.toLowerCase()
    const at = this.find(lower)
    if (at < 0) return
    const isPlain = !APART.has(lower)
    if (!isPlain || !this.#splice(at, lower, null)) removeFrom(this.#change(isPlain), at, lower)
  }

  /** An independent copy. */
  clone(): Headers {
    const copy = new Headers(this.#list === null ? NO_FIELDS : this.#list.slice())
    if (this.#list === null) copy.#list = null
    copy.#lines = this.#lines
    copy.#added = this.#added
    copy.#apart = this.#apart
    copy.#apartSize = this.#apartSize
    copy.#isChecked = this.#isChecked
    copy.hasOwnClaims = this.hasOwnClaims
    return copy
  }

  /** Those fields whose names, as they are written, `takes` takes: as lines, when these are lines. */
  filter(takes: (name: string) => boolean): Headers {
    if (this.#list !== null) return this.#filterList(this.#list, takes)
    const fields = this.#fields()
    let apart = ''
    let lines = ''
    for (let i = 0; i < fields.size; i++) {
      const text = this.#textOf(fields, i)
      if (!takes(fields.name(i, text))) continue
      const line = text.slice(fields.start(i), fields.end(i, text))
      if (i < fields.apartSize) apart += line
      else lines += line
    }
    return Headers.fromLines(lines, apart)
  }

  #filterList(list: readonly string[], takes: (name: string) => boolean): Headers {
    const taken: string[] = []
    const made = new Headers(taken)
    for (let i = 0; i < list.length; i += 2) {
      if (!takes(list[i] as string)) continue
      taken.push(list[i] as string, list[i + 1] as string)
      if (i < this.#apartSize * 2) made.#apartSize += 1
    }
    made.#isChecked = this.#isChecked
    return made
  }

  /** The field at number `at`, and those of the same name behind it, become one. */
  #replace(at: number, lower: string, value: string, isPlain: boolean): void {
    if (isPlain && this.#splice(at, lower, value)) return
    const list = this.#change(isPlain)
    list[at * 2 + 1] = value
    removeFrom(list, at + 1, lower)
  }

  /**
   * Gives the field at number `at` another value within its lines, or takes it out with null; false when that takes a
   * list. A list of all fields costs ten times as much as one line.
   */
  #splice(at: number, lower: string, value: string | null): boolean {
    if (this.#list !== null || !this.#takesLines()) return false
    const fields = this.#fields()
    if (at < fields.apartSize || this.#findInLines(lower, at + 1) >= 0) return false
    const text = this.#textOf(fields, at)
    const start = fields.start(at)
    const end = fields.end(at, text)
    const line = value === null ? '' : `${fields.name(at, text)}: ${value}\r\n`
    const changed = text.slice(0, start) + line + text.slice(end)
    if (at < fields.readSize) this.#lines = changed
    else this.#added = changed
    fields.moved(at, line.length - (end - start), value === null)
    return true
  }

  #add(name: string, value: string, isPlain: boolean): void {
    if (!isPlain || !this.#takesLines()) this.#change(isPlain).push(name, value)
    else this.#addLine(name, value, `${name}: ${value}\r\n`)
  }

  /** May a line be added behind those that are there? */
  #takesLines(): boolean {
    return this.#lines !== null && this.#isChecked
  }

  #addLine(name: string, value: string, line: string): void {
    const start = this.#added.length
    this.#added += line
    if (this.#list !== null) this.#list.push(name, value)
    else fieldAdded(this, start, start + name.length)
  }

  /** The list, which is about to be changed: by a valid field that checked lines can hold, or not. */
  #change(isPlain: boolean): string[] {
    const list = this.#list ?? this.#makeList()
    this.#lines = null
    this.#added = ''
    this.#isChecked &&= isPlain
    return list
  }

  // No getter: V8 looks a private one up in C++, each time.
  #fields(): FieldIndex {
    return fieldIndexOf(this, this.#apart, this.#lines ?? '', this.#added)
  }

  /** The text that a field lies in. */
  #textOf({ apartSize, readSize }: FieldIndex, index: number): string {
    if (index < apartSize) return this.#apart
    return index < readSize ? (this.#lines ?? '') : this.#added
  }

  #findInLines(lower: string, from: number): number {
    const fields = this.#fields()
    const { length } = lower
    let at = fields.findLength(length, from)
    while (at >= 0 && !fields.isNamed(at, this.#textOf(fields, at), lower)) {
      at = fields.findLength(length, at + 1)
    }
    return at
  }

  #makeList(): string[] {
    const fields = this.#fields()
    const list: string[] = []
    for (let i = 0; i < fields.size; i++) {
      const text = this.#textOf(fields, i)
      list.push(fields.name(i, text), fields.value(i, text))
    }
    this.#apartSize = fields.apartSize
    this.#list = list
    return list
  }
}

const NO_FIELDS: string[] = []

/** Takes out the fields called `lower` from number `start` on. */
function removeFrom(list: string[], start: number, lower: string): void {
  let write = start * 2
  for (let read = write; read < list.length; read += 2) {
    if (sameName(list[read] as string, lower)) continue
    if (write !== read) {
      list[write] = list[read] as string
      list[write + 1] = list[read + 1] as string
    }
    write += 2
  }
  list.length = write
}

/** A valid field that checked lines can hold. */
function isPlain(lower: string, value: string): boolean {
  return !APART.has(lower) && isToken(lower) && isFieldValue(value)
}

function writeLines(list: readonly string[], start: number): string {
  let lines = ''
  for (let i = start; i < list.length; i += 2) lines += `${list[i]}: ${list[i + 1]}\r\n`
  return lines
}
