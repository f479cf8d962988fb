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
