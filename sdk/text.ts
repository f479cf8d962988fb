import { findBytes, isSpace, lower } from './bytes.ts'

/**
 * Bytes that are mostly text: a header value, a path, a query. One byte is one character (latin1), so
 * 0x80 to 0xFF pass through unchanged, and comparing or cutting costs no conversion. A text never changes;
 * compare it with `equals` (`==` asks whether two names stand for the same object).
 *
 *     const agent = request.headers.get('user-agent')
 *     if (agent !== null && agent.includes('curl/')) log.info(`a script: ${agent}`)
 *
 * Where a method takes a string, its characters stand for bytes; one past U+00FF matches nothing.
 */
@final
export class Text {
  /*
   * No fields: the bytes are the object itself, as in AssemblyScript's own string, so that reading a
   * header allocates once. The length is the runtime's size of the object, 4 bytes before it.
   */
  private constructor() {}

  /**
   * A text of the characters of `value`, one byte each; traps at a character past U+00FF.
   *
   *     const realm = Text.of('Basic realm="api"')
   */
  static of(value: string): Text {
    const length = value.length
    const made = allocate(length)
    const from = changetype<usize>(value)
    const to = changetype<usize>(made)
    let seen: u32 = 0
    for (let i: usize = 0; i < <usize>length; i++) {
      const character = <u32>load<u16>(from + (i << 1))
      seen |= character
      store<u8>(to + i, character)
    }
    if (seen > 0xff) throw new Error(`"${value}" has a character that is not latin1`)
    return made
  }

  /**
   * The UTF-8 bytes of `value`, for instance to search in a body.
   *
   *     const found = body.content().includes(Text.utf8('für'))
   */
  static utf8(value: string): Text {
    const made = allocate(<i32>String.UTF8.byteLength(value))
    String.UTF8.encodeUnsafe(
      changetype<usize>(value),
      value.length,
      changetype<usize>(made),
      false,
      String.UTF8.ErrorMode.REPLACE,
    )
    return made
  }

  /**
   * A copy of these bytes.
   *
   *     const text = Text.from(body.bytes().subarray(0, 16))
   */
  static from(bytes: Uint8Array): Text {
    return copy(bytes.dataStart, bytes.byteLength)
  }

  /**
   * The number of bytes.
   *
   *     if (request.path.length > 1024) return reply(414, 'the path is too long')
   */
  get length(): i32 {
    return load<i32>(changetype<usize>(this) - 4)
  }

  /**
   * The byte at `index`, or -1 outside the text.
   *
   *     const isRooted = text.byteAt(0) == 0x2f
   */
  byteAt(index: i32): i32 {
    return <u32>index < <u32>this.length ? <i32>load<u8>(changetype<usize>(this) + index) : -1
  }

  /**
   * Are these the same bytes? Takes a string or a Text.
   *
   *     if (request.path.equals('/health')) return reply(200, 'ok')
   */
  equals<T>(other: T): bool {
    return this.length == lengthOf<T>(other) && matches<T>(this, 0, other)
  }

  /**
   * As `equals`, with A to Z like a to z, as HTTP compares names.
   *
   *     if (encoding.equalsIgnoreCase('gzip')) return next
   */
  equalsIgnoreCase<T>(other: T): bool {
    const length = this.length
    if (length != lengthOf<T>(other)) return false
    for (let i = 0; i < length; i++) {
      if (lower(load<u8>(changetype<usize>(this) + i)) != lower(unit<T>(other, i))) return false
    }
    return true
  }

  /**
   * Does the text start with these bytes? With `at`, does it go on with them from there?
   *
   *     if (authorization.startsWith('Bearer ')) …
   */
  startsWith<T>(search: T, at: i32 = 0): bool {
    return at >= 0 && at <= this.length - lengthOf<T>(search) && matches<T>(this, at, search)
  }

  /**
   * Does the text end with these bytes?
   *
   *     if (request.path.endsWith('.json')) …
   */
  endsWith<T>(search: T): bool {
    const at = this.length - lengthOf<T>(search)
    return at >= 0 && matches<T>(this, at, search)
  }

  /**
   * Do these bytes stand anywhere in the text?
   *
   *     const isHtml = type.includes('text/html')
   */
  includes<T>(search: T): bool {
    return this.indexOf<T>(search) >= 0
  }

  /**
   * Where these bytes stand first, at or after `from`; -1 when they do not.
   *
   *     const colon = host.indexOf(':')
   */
  indexOf<T>(search: T, from: i32 = 0): i32 {
    const length = lengthOf<T>(search)
    const start = min(max(from, 0), this.length)
    if (length == 0) return start
    // In a short text a search costs less than making bytes of what is searched.
    if (isString<T>() && this.length < SHORT) {
      for (let at = start; at <= this.length - length; at++) {
        if (matches<T>(this, at, search)) return at
      }
      return -1
    }
    const needle = narrow<T>(search)
    if (needle === null) return -1
    const bytes = changetype<usize>(this)
    const found = findBytes(
      bytes + start,
      bytes + this.length,
      changetype<usize>(needle),
      needle.length,
    )
    return found == 0 ? -1 : <i32>(found - bytes)
  }

  /**
   * Where these bytes stand last; -1 when they do not.
   *
   *     const extension = path.slice(path.lastIndexOf('.') + 1)
   */
  lastIndexOf<T>(search: T): i32 {
    for (let at = this.length - lengthOf<T>(search); at >= 0; at--) {
      if (matches<T>(this, at, search)) return at
    }
    return -1
  }

  /**
   * The bytes from `start` up to `end`; negative positions count from the end.
   *
   *     const token = authorization.slice(7)
   */
  slice(start: i32, end: i32 = i32.MAX_VALUE): Text {
    const length = this.length
    const from = start < 0 ? max(length + start, 0) : min(start, length)
    const to = end < 0 ? max(length + end, 0) : min(end, length)
    if (from == 0 && to == length) return this
    return copy(changetype<usize>(this) + from, max(to - from, 0))
  }

  /**
   * Without spaces, tabs and line ends at both ends.
   *
   *     const first = list.split(',')[0].trim()
   */
  trim(): Text {
    const bytes = changetype<usize>(this)
    let start = 0
    let end = this.length
    while (start < end && isSpace(load<u8>(bytes + start))) start++
    while (end > start && isSpace(load<u8>(bytes + end - 1))) end--
    return this.slice(start, end)
  }

  /**
   * The parts between the separators, at most `limit` of them: the last then holds the rest.
   * An empty separator gives the whole text as the only part.
   *
   *     const parts = request.path.split('/')
   *     const pair = line.split(':', 2)
   */
  split<T>(separator: T, limit: i32 = i32.MAX_VALUE): Text[] {
    const parts = new Array<Text>()
    const width = lengthOf<T>(separator)
    let start = 0
    while (width > 0 && parts.length < limit - 1) {
      const at = this.indexOf<T>(separator, start)
      if (at < 0) break
      parts.push(this.slice(start, at))
      start = at + width
    }
    if (limit > 0) parts.push(this.slice(start))
    return parts
  }

  /**
   * This text followed by another.
   *
   *     request.setPath(Text.of('/v2').concat(request.path))
   */
  concat<T>(other: T): Text {
    const length = this.length
    const added = lengthOf<T>(other)
    const made = allocate(length + added)
    memory.copy(changetype<usize>(made), changetype<usize>(this), length)
    write<T>(changetype<usize>(made) + length, other, added)
    return made
  }

  /**
   * With every occurrence of `search` replaced; the text itself when there is none.
   *
   *     response.setBody(body.content().replaceAll('http://', 'https://'))
   */
  replaceAll<S, R>(search: S, replacement: R): Text {
    const needle = narrow<S>(search)
    if (needle === null || needle.length == 0) return this
    const width = <usize>needle.length
    const from = changetype<usize>(this)
    const end = from + this.length
    let count: i64 = 0
    let at = findBytes(from, end, changetype<usize>(needle), width)
    for (; at != 0; at = findBytes(at + width, end, changetype<usize>(needle), width)) count++
    if (count == 0) return this
    const added = lengthOf<R>(replacement)
    const size = <i64>this.length + count * (<i64>added - <i64>width)
    if (size > <i64>MAX_LENGTH) throw new Error('the text would be too long')
    const made = allocate(<i32>size)
    let kept = from
    let to = changetype<usize>(made)
    for (; count > 0; count--) {
      at = findBytes(kept, end, changetype<usize>(needle), width)
      memory.copy(to, kept, at - kept)
      write<R>(to + (at - kept), replacement, added)
      to += at - kept + added
      kept = at + width
    }
    memory.copy(to, kept, end - kept)
    return made
  }

  /**
   * With A to Z as a to z.
   *
   *     const type = value.toLowerCase()
   */
  toLowerCase(): Text {
    const length = this.length
    const made = allocate(length)
    for (let i = 0; i < length; i++) {
      store<u8>(changetype<usize>(made) + i, lower(load<u8>(changetype<usize>(this) + i)))
    }
    return made
  }

  /**
   * The whole text as a decimal number, or `fallback` when it is none or does not fit.
   *
   *     const length = value.toInteger(-1)
   */
  toInteger(fallback: i64 = 0): i64 {
    const length = this.length
    const bytes = changetype<usize>(this)
    const isNegative = this.byteAt(0) == 0x2d
    const start = isNegative ? 1 : 0
    // 18 digits always fit in 64 bits.
    if (length == start || length > start + 18) return fallback
    let value: i64 = 0
    for (let i = start; i < length; i++) {
      const digit = <u32>load<u8>(bytes + i) - 0x30
      if (digit > 9) return fallback
      value = value * 10 + digit
    }
    return isNegative ? -value : value
  }

  /**
   * A string, one character a byte (latin1).
   *
   *     log.info(`asked for ${request.path}`)
   */
  toString(): string {
    const length = this.length
    const made = changetype<string>(__new((<usize>length) << 1, idof<string>()))
    const from = changetype<usize>(this)
    const to = changetype<usize>(made)
    for (let i: usize = 0; i < <usize>length; i++) store<u16>(to + (i << 1), load<u8>(from + i))
    return made
  }

  /**
   * A string from bytes that are UTF-8; what is not becomes U+FFFD.
   *
   *     const name = ctx.getText('name')
   *     if (name !== null) log.info(name.toUtf8())
   */
  toUtf8(): string {
    return String.UTF8.decodeUnsafe(changetype<usize>(this), this.length)
  }

  /**
   * A copy of the bytes.
   *
   *     const bytes = value.toBytes()
   */
  toBytes(): Uint8Array {
    const length = this.length
    makeRoom(length)
    const bytes = new Uint8Array(length)
    memory.copy(bytes.dataStart, changetype<usize>(this), length)
    return bytes
  }
}

/** What the runtime can hold in one object, less its header. */
const MAX_LENGTH: i32 = 0x3fffffff - 64

/** Below it, strings are compared character by character. */
const SHORT: i32 = 64

/** Bytes from which on an object is worth a whole collection. */
const LARGE: i32 = 64 * 1024

/**
 * Call it before `length` bytes are allocated. The collector works in small steps, as the number of
 * objects grows; a few texts of the size of a body would fill the memory before it has seen the first.
 */
export function makeRoom(length: i32): void {
  if (length >= LARGE) __collect()
}

/** A text of `length` bytes that the caller fills at once: what they hold until then is not for a filter. */
export function allocate(length: i32): Text {
  makeRoom(length)
  return changetype<Text>(__new(length, idof<Text>()))
}

/** A text of the `length` bytes at `pointer`. */
export function copy(pointer: usize, length: i32): Text {
  const made = allocate(length)
  memory.copy(changetype<usize>(made), pointer, length)
  return made
}

/** Bytes of a string or a Text where each character is one. */
export function lengthOf<T>(value: T): i32 {
  if (isReference<T>()) {
    // The type of a `const` that was compared with null still says it may be null.
    if (changetype<usize>(value) == 0) throw new Error('the other text is null')
    if (isString<T>()) return load<i32>(changetype<usize>(value) - 4) >>> 1
    if (idof<T>() == idof<Text>()) return load<i32>(changetype<usize>(value) - 4)
  }
  ERROR('a text goes with a string or a Text')
  return 0
}

/** What is searched, as bytes; null for a string that no bytes can match. */
function narrow<T>(search: T): Text | null {
  if (!isString<T>()) return changetype<Text>(changetype<usize>(search))
  const length = lengthOf<T>(search)
  for (let i = 0; i < length; i++) if (unit<T>(search, i) > 0xff) return null
  return Text.of(changetype<string>(changetype<usize>(search)))
}

/** The byte, or the character, at `index` of a string or a Text. */
export function unit<T>(value: T, index: i32): u32 {
  if (isString<T>()) return <u32>load<u16>(changetype<usize>(value) + ((<usize>index) << 1))
  return <u32>load<u8>(changetype<usize>(value) + <usize>index)
}

/** Do the bytes of `other` stand in `text` at `at`? The caller has checked that they fit there. */
function matches<T>(text: Text, at: i32, other: T): bool {
  const length = <usize>lengthOf<T>(other)
  const left = changetype<usize>(text) + <usize>at
  const right = changetype<usize>(other)
  if (!isString<T>()) return memory.compare(left, right, length) == 0
  for (let i: usize = 0; i < length; i++) {
    if (<u32>load<u8>(left + i) != <u32>load<u16>(right + (i << 1))) return false
  }
  return true
}

function write<T>(to: usize, value: T, length: i32): void {
  if (isString<T>()) {
    for (let i = 0; i < length; i++) {
      const character = unit<T>(value, i)
      if (character > 0xff) throw new Error('a character is not latin1')
      store<u8>(to + i, character)
    }
  } else {
    memory.copy(to, changetype<usize>(value), length)
  }
}
