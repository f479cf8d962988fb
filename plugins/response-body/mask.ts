import { Text } from '@penstock/sdk'

/** Digits of a masked number that stay readable. */
const KEPT: i32 = 4

/**
 * The bytes of the text with "*" for the digits of every run of at least `shortest` digits, but for the
 * last four; null when there is no such run. Spaces and hyphens between digits belong to the run and
 * stay, as in card numbers: "4111 1111 1111 1111".
 */
export function maskDigits(text: Text, shortest: i32): Uint8Array | null {
  let masked: Uint8Array | null = null
  const length = text.length
  let at = 0
  while (at < length) {
    if (!isDigit(text.byteAt(at))) {
      at++
      continue
    }
    const start = at
    let digits = 0
    for (; at < length; at++) {
      const byte = text.byteAt(at)
      const isSeparator = (byte == 0x20 || byte == 0x2d) && isDigit(text.byteAt(at + 1))
      if (isDigit(byte)) digits++
      else if (!isSeparator) break
    }
    if (digits >= shortest) {
      const bytes: Uint8Array = masked === null ? text.toBytes() : masked
      cover(bytes, start, digits - KEPT)
      masked = bytes
    }
  }
  return masked
}

/** Covers the first `count` digits from `start`. */
function cover(bytes: Uint8Array, start: i32, count: i32): void {
  for (let i = start; count > 0; i++) {
    if (!isDigit(bytes[i])) continue
    bytes[i] = 0x2a
    count--
  }
}

function isDigit(byte: i32): bool {
  return byte >= 0x30 && byte <= 0x39
}
