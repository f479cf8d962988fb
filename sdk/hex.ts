import { byteLength, utf8Bytes } from './buffer.ts'
import { allocate, lengthOf, Text, unit } from './text.ts'

/*
 * Bytes as hexadecimal digits.
 */

/**
 * Two lowercase digits a byte; a string stands for its UTF-8 bytes.
 *
 *     log.info(hex.encode(hash.sha256(body.content())))
 */
export function encode<T>(value: T): string {
  const from = utf8Bytes<T>(value)
  const length = byteLength
  const made = changetype<string>(__new((<usize>length) << 2, idof<string>()))
  for (let i = 0; i < length; i++) {
    const byte = <u32>load<u8>(from + i)
    const to = changetype<usize>(made) + ((<usize>i) << 2)
    store<u16>(to, digit(byte >> 4))
    store<u16>(to, digit(byte & 15), 2)
  }
  return made
}

/**
 * The bytes behind digits of either case, or null when the text is not made of pairs of them.
 *
 *     const key = hex.decode('00ff')
 */
export function decode<T>(text: T): Text | null {
  const length = lengthOf<T>(text)
  if ((length & 1) != 0) return null
  const made = allocate(length >> 1)
  for (let i = 0; i < length; i += 2) {
    const high = digitValue(unit<T>(text, i))
    const low = digitValue(unit<T>(text, i + 1))
    if ((high | low) < 0) return null
    store<u8>(changetype<usize>(made) + (i >> 1), <u8>((high << 4) | low))
  }
  return made
}

function digit(value: u32): u16 {
  return <u16>(value < 10 ? value + 0x30 : value + 0x57)
}

function digitValue(character: u32): i32 {
  if (character - 0x30 < 10) return <i32>character - 0x30
  const letter = character | 0x20
  return letter - 0x61 < 6 ? <i32>letter - 0x57 : -1
}
