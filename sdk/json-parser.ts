import { Kind } from './json-kind.ts'
import { Json } from './json-value.ts'
import { Text } from './text.ts'

/** How deep values may be nested: each level takes stack. */
const MAX_DEPTH: i32 = 100

/** Reads one JSON text, strictly as RFC 8259 has it: no comments, no trailing commas, nothing after it. */
@final
export class Parser {
  problem: string = ''
  private text: Text
  private bytes: usize
  private at: i32 = 0
  private end: i32

  constructor(text: Text) {
    this.text = text
    this.bytes = changetype<usize>(text)
    this.end = text.length
  }

  parse(): Json | null {
    const value = this.value(0)
    if (value === null) return null
    this.skip()
    if (this.at < this.end) return this.wrong('something follows the value')
    return value
  }

  private value(depth: i32): Json | null {
    this.skip()
    switch (this.peek()) {
      case 0x7b:
        return this.object(depth)
      case 0x5b:
        return this.array(depth)
      case 0x22: {
        const text = this.string()
        return text === null ? null : new Json(Kind.String, text)
      }
      case 0x74:
        return this.word('true', Kind.True)
      case 0x66:
        return this.word('false', Kind.False)
      case 0x6e:
        return this.word('null', Kind.Null)
      default:
        return this.number()
    }
  }

  private object(depth: i32): Json | null {
    if (depth == MAX_DEPTH) return this.wrong('it is nested too deep')
    const names = new Array<string>()
    const values = new Array<Json>()
    this.at++
    this.skip()
    if (this.peek() == 0x7d) {
      this.at++
    } else {
      for (;;) {
        this.skip()
        if (this.peek() != 0x22) return this.wrong('a name is missing')
        const name = this.string()
        if (name === null) return null
        this.skip()
        if (this.peek() != 0x3a) return this.wrong('a ":" is missing')
        this.at++
        const value = this.value(depth + 1)
        if (value === null) return null
        names.push(name)
        values.push(value)
        this.skip()
        const sign = this.peek()
        if (sign != 0x2c && sign != 0x7d) return this.wrong('a "," or "}" is missing')
        this.at++
        if (sign == 0x7d) break
      }
    }
    const made = new Json(Kind.Object, '')
    made.names = names
    made.values = values
    return made
  }

  private array(depth: i32): Json | null {
    if (depth == MAX_DEPTH) return this.wrong('it is nested too deep')
    const values = new Array<Json>()
    this.at++
    this.skip()
    if (this.peek() == 0x5d) {
      this.at++
    } else {
      for (;;) {
        const value = this.value(depth + 1)
        if (value === null) return null
        values.push(value)
        this.skip()
        const sign = this.peek()
        if (sign != 0x2c && sign != 0x5d) return this.wrong('a "," or "]" is missing')
        this.at++
        if (sign == 0x5d) break
      }
    }
    const made = new Json(Kind.Array, '')
    made.values = values
    return made
  }

  private word(word: string, kind: Kind): Json | null {
    if (!this.text.startsWith(word, this.at)) return this.wrong('a value is missing')
    this.at += word.length
    return new Json(kind, '')
  }

  private number(): Json | null {
    const start = this.at
    if (this.peek() == 0x2d) this.at++
    if (this.peek() == 0x30) this.at++
    else if (!this.digits()) return this.wrong('a value is missing')
    if (this.peek() == 0x2e) {
      this.at++
      if (!this.digits()) return this.wrong('a digit is missing')
    }
    if ((this.peek() | 0x20) == 0x65) {
      this.at++
      if (this.peek() == 0x2b || this.peek() == 0x2d) this.at++
      if (!this.digits()) return this.wrong('a digit is missing')
    }
    return new Json(Kind.Number, this.text.slice(start, this.at).toString())
  }

  private digits(): bool {
    const start = this.at
    while (<u32>this.peek() - 0x30 < 10) this.at++
    return this.at > start
  }

  /** The string that starts here; null and a problem when it is none. */
  private string(): string | null {
    this.at++
    const start = this.at
    let isPlain = true
    let seen: i32 = 0
    for (;;) {
      const byte = this.peek()
      if (byte < 0) return this.missing('a string has no end')
      if (byte == 0x22) break
      if (byte < 0x20) return this.missing('a string holds a control character')
      if (byte == 0x5c) {
        isPlain = false
        this.at++
        if (this.peek() < 0) return this.missing('a string has no end')
      }
      seen |= byte
      this.at++
    }
    const end = this.at
    this.at++
    if (seen > 0x7f && !isUtf8(this.bytes + start, end - start)) {
      this.at = start
      return this.missing('a string is not UTF-8')
    }
    if (!isPlain) return this.unescaped(start, end)
    if (seen > 0x7f) return String.UTF8.decodeUnsafe(this.bytes + start, end - start)
    return widened(this.bytes + start, end - start)
  }

  /** Escapes become UTF-8 first: what is longer than its escape does not exist. */
  private unescaped(start: i32, end: i32): string | null {
    const buffer = heap.alloc(end - start)
    let to = buffer
    for (let i = start; i < end; i++) {
      const byte = <u32>load<u8>(this.bytes + i)
      if (byte != 0x5c) {
        store<u8>(to++, <u8>byte)
        continue
      }
      i++
      const sign = <u32>load<u8>(this.bytes + i)
      if (sign == 0x75) {
        let code = this.hex(i + 1, end)
        if (code < 0) {
          heap.free(buffer)
          this.at = i
          return this.missing('an escape is not four digits')
        }
        i += 4
        if ((code & 0xfc00) == 0xd800 && this.isEscape(i + 1, end)) {
          const low = this.hex(i + 3, end)
          if ((low & 0xfc00) == 0xdc00) {
            code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff)
            i += 6
          }
        }
        to = putUtf8(to, code)
        continue
      }
      const value = simpleEscape(sign)
      if (value == 0) {
        heap.free(buffer)
        this.at = i
        return this.missing('an escape does not exist')
      }
      store<u8>(to++, <u8>value)
    }
    const text = String.UTF8.decodeUnsafe(buffer, to - buffer)
    heap.free(buffer)
    return text
  }

  private isEscape(at: i32, end: i32): bool {
    return at + 1 < end && load<u8>(this.bytes + at) == 0x5c && load<u8>(this.bytes + at, 1) == 0x75
  }

  private hex(at: i32, end: i32): i32 {
    if (at + 4 > end) return -1
    let value = 0
    for (let i = at; i < at + 4; i++) {
      const byte = <u32>load<u8>(this.bytes + i)
      const letter = byte | 0x20
      if (byte - 0x30 < 10) value = (value << 4) | <i32>(byte - 0x30)
      else if (letter - 0x61 < 6) value = (value << 4) | <i32>(letter - 0x57)
      else return -1
    }
    return value
  }

  private skip(): void {
    for (;;) {
      const byte = this.peek()
      if (byte != 0x20 && byte != 0x0a && byte != 0x0d && byte != 0x09) return
      this.at++
    }
  }

  private peek(): i32 {
    return this.at < this.end ? <i32>load<u8>(this.bytes + this.at) : -1
  }

  private wrong(what: string): Json | null {
    if (this.problem == '') this.problem = `${what} at byte ${this.at}`
    return null
  }

  private missing(what: string): string | null {
    this.wrong(what)
    return null
  }
}

function widened(from: usize, length: i32): string {
  const made = changetype<string>(__new((<usize>length) << 1, idof<string>()))
  const to = changetype<usize>(made)
  for (let i: usize = 0; i < <usize>length; i++) store<u16>(to + (i << 1), load<u8>(from + i))
  return made
}

/** Well-formed UTF-8 (Unicode, table 3-7): no overlong forms, no surrogates, nothing past U+10FFFF. */
function isUtf8(from: usize, length: i32): bool {
  let i = 0
  while (i < length) {
    const lead = <u32>load<u8>(from + i++)
    if (lead < 0x80) continue
    let low: u32 = 0x80
    let high: u32 = 0xbf
    let more = 0
    if (lead >= 0xc2 && lead <= 0xdf) more = 1
    else if (lead >= 0xe0 && lead <= 0xef) {
      more = 2
      if (lead == 0xe0) low = 0xa0
      if (lead == 0xed) high = 0x9f
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3
      if (lead == 0xf0) low = 0x90
      if (lead == 0xf4) high = 0x8f
    } else return false
    if (i + more > length) return false
    for (; more > 0; more--) {
      const next = <u32>load<u8>(from + i++)
      if (next < low || next > high) return false
      low = 0x80
      high = 0xbf
    }
  }
  return true
}

function simpleEscape(sign: u32): u32 {
  switch (sign) {
    case 0x22:
    case 0x5c:
    case 0x2f:
      return sign
    case 0x62:
      return 0x08
    case 0x66:
      return 0x0c
    case 0x6e:
      return 0x0a
    case 0x72:
      return 0x0d
    case 0x74:
      return 0x09
    default:
      return 0
  }
}

/** A lone surrogate is written as three bytes too, so that it comes back as it was. */
function putUtf8(to: usize, code: i32): usize {
  if (code < 0x80) {
    store<u8>(to, <u8>code)
    return to + 1
  }
  if (code < 0x800) {
    store<u8>(to, <u8>(0xc0 | (code >> 6)))
    store<u8>(to, <u8>(0x80 | (code & 63)), 1)
    return to + 2
  }
  if (code < 0x10000) {
    store<u8>(to, <u8>(0xe0 | (code >> 12)))
    store<u8>(to, <u8>(0x80 | ((code >> 6) & 63)), 1)
    store<u8>(to, <u8>(0x80 | (code & 63)), 2)
    return to + 3
  }
  store<u8>(to, <u8>(0xf0 | (code >> 18)))
  store<u8>(to, <u8>(0x80 | ((code >> 12) & 63)), 1)
  store<u8>(to, <u8>(0x80 | ((code >> 6) & 63)), 2)
  store<u8>(to, <u8>(0x80 | (code & 63)), 3)
  return to + 4
}
