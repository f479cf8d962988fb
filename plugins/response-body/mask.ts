import { Text } from '@penstock/sdk'

/** Digits of a masked number that stay readable. */
const KEPT: i32 = 4

/**
 * Puts "*" for the digits of every run of at least `shortest` digits, but for the last four. Spaces and
 * hyphens between digits belong to the run and stay, as in card numbers: "4111 1111 1111 1111".
 */
export function maskDigits(text: Text, shortest: i32): Text {
  let masked: Uint8Array | null = null
  let at = 0
  while (at < text.length) {
    if (!isDigit(text.byteAt(at))) {
      at++
      continue
    }
    const start = at
    let digits = 0
    for (; at < text.length; at++) {
      const isSeparator =
        (text.byteAt(at) == 0x20 || text.byteAt(at) == 0x2d) && isDigit(text.byteAt(at + 1))
      if (isDigit(text.byteAt(at))) digits++
      else if (!isSeparator) break
    }
    if (digits >= shortest) {
      const bytes = masked === null ? text.toBytes() : masked
      cover(bytes, start, digits - KEPT)
      masked = bytes
    }
  }
  return masked === null ? text : Text.from(masked)
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
