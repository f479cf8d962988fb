import { allocate, Text } from './text.ts'

/** The first value called `name` in a query, decoded as a form is (`+` is a space), or null. */
export function queryValue(query: Text, name: string): string | null {
  const length = query.length
  let start = 0
  while (start < length) {
    let end = query.indexOf('&', start)
    if (end < 0) end = length
    let equals = query.indexOf('=', start)
    if (equals < 0 || equals > end) equals = end
    if (isName(query, start, equals, name)) return decode(query, min(equals + 1, end), end).toUtf8()
    start = end + 1
  }
  return null
}

/**
 * The pairs of a query, in order. Values are decoded as a form is; pairs that nobody changes stay as they were
 * written.
 *
 *     const query = new Query(request.query)
 *     query.remove('utm_source')
 *     query.set('page', '2')
 *     request.setQuery(query.toString())
 */
@final
export class Query {
  private parts: Text[] = []

  /** The query of a request or of a `Url`, without "?". */
  constructor(text: Text) {
    const parts = text.split('&')
    for (let i = 0; i < parts.length; i++) if (parts[i].length > 0) this.parts.push(parts[i])
  }

  /** How many pairs there are. */
  get length(): i32 {
    return this.parts.length
  }

  /** The name of a pair, from 0. */
  nameAt(index: i32): string {
    const part = this.parts[index]
    return decode(part, 0, equalsIn(part)).toUtf8()
  }

  /** The value of a pair, from 0; empty when it has none. */
  valueAt(index: i32): string {
    const part = this.parts[index]
    return decode(part, min(equalsIn(part) + 1, part.length), part.length).toUtf8()
  }

  /** The first value of this name, or null. */
  get(name: string): string | null {
    const at = this.indexOf(name, 0)
    return at < 0 ? null : this.valueAt(at)
  }

  /** Every value of this name. */
  getAll(name: string): string[] {
    const found: string[] = []
    for (let at = this.indexOf(name, 0); at >= 0; at = this.indexOf(name, at + 1)) {
      found.push(this.valueAt(at))
    }
    return found
  }

  has(name: string): bool {
    return this.indexOf(name, 0) >= 0
  }

  /** Exactly one pair of this name, where the first one stood, or at the end. */
  set(name: string, value: string): void {
    const at = this.indexOf(name, 0)
    if (at < 0) {
      this.add(name, value)
    } else {
      this.removeFrom(name, at + 1)
      this.parts[at] = pairOf(name, value)
    }
  }

  /** One more pair, at the end. */
  add(name: string, value: string): void {
    this.parts.push(pairOf(name, value))
  }

  /** No pair of this name; true when there was one. */
  remove(name: string): bool {
    const before = this.parts.length
    this.removeFrom(name, 0)
    return this.parts.length < before
  }

  /** The query, without "?". */
  toString(): string {
    let text = ''
    for (let i = 0; i < this.parts.length; i++) {
      text += i == 0 ? this.parts[i].toString() : `&${this.parts[i]}`
    }
    return text
  }

  private indexOf(name: string, from: i32): i32 {
    for (let i = from; i < this.parts.length; i++) {
      if (isName(this.parts[i], 0, equalsIn(this.parts[i]), name)) return i
    }
    return -1
  }

  private removeFrom(name: string, from: i32): void {
    for (let at = this.indexOf(name, from); at >= 0; at = this.indexOf(name, at)) {
      this.parts.splice(at, 1)
    }
  }
}

function equalsIn(part: Text): i32 {
  const at = part.indexOf('=')
  return at < 0 ? part.length : at
}

function pairOf(name: string, value: string): Text {
  return Text.of(`${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
}

function isName(query: Text, start: i32, end: i32, name: string): bool {
  for (let i = start; i < end; i++) {
    const byte = query.byteAt(i)
    // What is encoded, or is not ASCII, is compared as the text it stands for.
    if (byte == 0x25 || byte == 0x2b || byte > 0x7f) {
      return decode(query, start, end).toUtf8() == name
    }
  }
  return end - start == name.length && query.startsWith(name, start)
}

/** The bytes behind `+` and `%41`; an escape that is none stays as it is. */
function decode(query: Text, start: i32, end: i32): Text {
  let size = 0
  for (let i = start; i < end; i += width(query, i, end)) size++
  const made = allocate(size)
  let to = changetype<usize>(made)
  for (let i = start; i < end; i += width(query, i, end)) {
    const byte = query.byteAt(i)
    const isEscape = width(query, i, end) == 3
    const value = isEscape ? (digit(query, i + 1) << 4) | digit(query, i + 2) : byte
    store<u8>(to++, value == 0x2b && !isEscape ? 0x20 : value)
  }
  return made
}

function width(query: Text, at: i32, end: i32): i32 {
  const isEscape =
    query.byteAt(at) == 0x25 &&
    at + 2 < end &&
    digit(query, at + 1) >= 0 &&
    digit(query, at + 2) >= 0
  return isEscape ? 3 : 1
}

function digit(query: Text, at: i32): i32 {
  const byte = query.byteAt(at)
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
