import { byteLength, utf8Bytes } from './buffer.ts'
import { allocate, lengthOf, Text, unit } from './text.ts'

/*
 * Base64 (RFC 4648): `encode` in the plain alphabet with padding, `encodeUrl` in the one for URLs and
 * tokens without. `decode` takes both, with or without padding.
 */

const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const FOR_URLS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/**
 * Bytes as Base64 with padding; a string stands for its UTF-8 bytes.
 *
 *     request.headers.set('authorization', `Basic ${base64.encode('user:secret')}`)
 */
export function encode<T>(value: T): string {
  const from = utf8Bytes<T>(value)
  return write(from, byteLength, STANDARD, true)
}

/**
 * As `encode`, in the alphabet for URLs and without padding.
 *
 *     const signature = base64.encodeUrl(hash.hmacSha256(key, text))
 */
export function encodeUrl<T>(value: T): string {
  const from = utf8Bytes<T>(value)
  return write(from, byteLength, FOR_URLS, false)
}

/**
 * The bytes behind Base64 of either alphabet, or null when the text is not Base64.
 *
 *     const credentials = base64.decode(authorization.slice(6))
 *     if (credentials !== null) log.info(credentials.toUtf8())
 */
export function decode<T>(text: T): Text | null {
  let length = lengthOf<T>(text)
  if ((length & 3) == 0 && length > 0) {
    // Padding completes four characters, or is not there at all.
    if (unit<T>(text, length - 1) == 0x3d) length--
    if (unit<T>(text, length - 1) == 0x3d) length--
  }
  const rest = length & 3
  if (rest == 1) return null
  const made = allocate((length >> 2) * 3 + (rest > 0 ? rest - 1 : 0))
  let to = changetype<usize>(made)
  let bits: u32 = 0
  let count = 0
  for (let i = 0; i < length; i++) {
    const value = digitValue(unit<T>(text, i))
    if (value < 0) return null
    bits = (bits << 6) | <u32>value
    count += 6
    if (count >= 8) {
      count -= 8
      store<u8>(to++, <u8>(bits >> count))
    }
  }
  // Bits that say nothing are zero: one sequence of bytes has one spelling.
  if ((bits & ((1 << count) - 1)) != 0) return null
  return made
}

function write(from: usize, length: i32, alphabet: string, isPadded: bool): string {
  const rest = length % 3
  const full = length - rest
  const tail = rest == 0 ? 0 : isPadded ? 4 : rest + 1
  const made = changetype<string>(__new((<usize>((full / 3) * 4 + tail)) << 1, idof<string>()))
  let to = changetype<usize>(made)
  for (let i = 0; i < full; i += 3) {
    const bits =
      ((<u32>load<u8>(from + i)) << 16) |
      ((<u32>load<u8>(from + i, 1)) << 8) |
      <u32>load<u8>(from + i, 2)
    put(to, 0, alphabet, bits >> 18)
    put(to, 2, alphabet, bits >> 12)
    put(to, 4, alphabet, bits >> 6)
    put(to, 6, alphabet, bits)
    to += 8
  }
  if (rest > 0) {
    const second: u32 = rest == 2 ? <u32>load<u8>(from + full + 1) : 0
    const bits = ((<u32>load<u8>(from + full)) << 16) | (second << 8)
    put(to, 0, alphabet, bits >> 18)
    put(to, 2, alphabet, bits >> 12)
    if (rest == 2) put(to, 4, alphabet, bits >> 6)
    else if (isPadded) store<u16>(to + 4, 0x3d)
    if (isPadded) store<u16>(to + 6, 0x3d)
  }
  return made
}

function put(to: usize, offset: usize, alphabet: string, bits: u32): void {
  store<u16>(to + offset, load<u16>(changetype<usize>(alphabet) + ((bits & 63) << 1)))
}

function digitValue(character: u32): i32 {
  if (character - 0x41 < 26) return <i32>character - 0x41
  if (character - 0x61 < 26) return <i32>character - 0x61 + 26
  if (character - 0x30 < 10) return <i32>character - 0x30 + 52
  if (character == 0x2b || character == 0x2d) return 62
  if (character == 0x2f || character == 0x5f) return 63
  return -1
}
