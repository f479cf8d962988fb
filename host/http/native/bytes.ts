import { Body } from '../../exchange/body.ts'

/** What a byte may be part of; one table look-up answers for all grammars (RFC 9110 section 5, RFC 3986). */
export const TOKEN = 1
/** Field values and reason phrases: HTAB, SP, visible characters, obs-text. */
export const VALUE = 2
/** The path of an origin-form target. */
export const PATH = 4
/** The query of a target. */
export const QUERY = 8
/** A host without brackets. */
export const HOST = 16
export const HEX = 32

export const HTAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SP = 0x20
export const QUOTE = 0x22
export const PERCENT = 0x25
export const STAR = 0x2a
export const DOT = 0x2e
export const SLASH = 0x2f
export const COLON = 0x3a
export const SEMICOLON = 0x3b
export const EQUALS = 0x3d
export const QUESTION = 0x3f
export const BACKSLASH = 0x5c

const ALPHANUMERIC = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

function mark(table: Uint8Array, characters: string, bit: number): void {
  for (let i = 0; i < characters.length; i++) {
    const code = characters.charCodeAt(i)
    table[code] = (table[code] as number) | bit
  }
}

function makeClasses(): Uint8Array {
  const table = new Uint8Array(256)
  mark(table, `${ALPHANUMERIC}!#$%&'*+-.^_\`|~`, TOKEN)
  mark(table, '0123456789abcdefABCDEF', HEX)
  mark(table, `${ALPHANUMERIC}-._~`, HOST)
  // pchar and "/", plus the four that browsers send as they are and no parser reads as something else.
  mark(table, `${ALPHANUMERIC}-._~!$&'()*+,;=:@/%[]|^`, PATH)
  mark(table, `${ALPHANUMERIC}-._~!$&'()*+,;=:@/%[]|^?{}\`\\`, QUERY)
  table[HTAB] = VALUE
  for (let code = 0x20; code <= 0xff; code++) {
    if (code !== 0x7f) table[code] = (table[code] as number) | VALUE
  }
  return table
}

/** The classes of each byte, as bits. */
export const CLASS: Uint8Array = makeClasses()

/** The value of a hexadecimal digit, -1 for every other byte. */
export const HEX_VALUE: Int8Array = Int8Array.from({ length: 256 }, (_, code) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(code).toLowerCase())
  return digit
})

/** The latin1 text of `bytes[from, to)`: `known` when it is that, so that what is said again and again is one text. */
export function textOf(bytes: Buffer, from: number, to: number, known: string): string {
  return isText(bytes, from, to, known) ? known : bytes.latin1Slice(from, to)
}

/** Is `bytes[from, to)` this latin1 text? */
export function isText(bytes: Buffer, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false
  for (let i = 0; i < text.length; i++) {
    if (bytes[from + i] !== text.charCodeAt(i)) return false
  }
  return true
}

/** What `parseLength` answers for what is no length. */
export const MALFORMED = -2
export const TOO_LARGE = -3

/** Only digits (RFC 9110, section 8.6). Past 15 digits the number would no longer be exact. */
export function parseLength(bytes: Buffer, from: number, to: number): number {
  if (from === to) return MALFORMED
  let length = 0
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] as number) - 0x30
    if (digit < 0 || digit > 9) return MALFORMED
    length = length * 10 + digit
  }
  return length > 999_999_999_999_999 ? TOO_LARGE : length
}

/** Bodies up to this size are kept as text: they leave in one write with their head. */
const MAX_TEXT_BODY = 8 * 1024

/** The whole body that lies in `bytes[from, to)`, kept in memory of its own. */
export function wholeBody(bytes: Buffer, from: number, to: number): Body {
  return to - from <= MAX_TEXT_BODY
    ? Body.latin1(bytes.latin1Slice(from, to))
    : Body.bytes(copyOf(bytes, from, to))
}

/** An own copy of `bytes[from, to)`: what is read into a shared buffer is gone with the next read. */
export function copyOf(bytes: Buffer, from: number, to: number): Buffer {
  const copy = Buffer.allocUnsafe(to - from)
  bytes.copy(copy, 0, from, to)
  return copy
}
