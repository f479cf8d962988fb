import * as out from './byte-writer.ts'

const DIGITS = '0123456789abcdef'

/** Writes a JSON string in UTF-8; only what must be escaped is. */
export function writeString(text: string): void {
  out.byte(0x22)
  const from = changetype<usize>(text)
  const length = text.length
  let start = 0
  for (let i = 0; i < length; i++) {
    const unit = <u32>load<u16>(from + ((<usize>i) << 1))
    if (unit >= 0x20 && unit != 0x22 && unit != 0x5c && !isLone(from, i, length, unit)) {
      // The second half of a pair goes with the first.
      if ((unit & 0xfc00) == 0xd800) i++
      continue
    }
    writeRun(from, start, i)
    writeEscape(unit)
    start = i + 1
  }
  writeRun(from, start, length)
  out.byte(0x22)
}

/** Half of a surrogate pair has no UTF-8: it is escaped, so that it arrives as it was. */
function isLone(from: usize, i: i32, length: i32, unit: u32): bool {
  if ((unit & 0xf800) != 0xd800) return false
  if (unit >= 0xdc00 || i + 1 == length) return true
  return (<u32>load<u16>(from + ((<usize>i) << 1), 2) & 0xfc00) != 0xdc00
}

function writeRun(from: usize, start: i32, end: i32): void {
  const length = end - start
  if (length <= 0) return
  const to = out.room(length * 3)
  const pointer = from + ((<usize>start) << 1)
  out.added(
    <i32>String.UTF8.encodeUnsafe(pointer, length, to, false, String.UTF8.ErrorMode.REPLACE),
  )
}

function writeEscape(unit: u32): void {
  out.byte(0x5c)
  switch (unit) {
    case 0x22:
    case 0x5c:
      out.byte(unit)
      return
    case 0x08:
      out.byte(0x62)
      return
    case 0x0c:
      out.byte(0x66)
      return
    case 0x0a:
      out.byte(0x6e)
      return
    case 0x0d:
      out.byte(0x72)
      return
    case 0x09:
      out.byte(0x74)
      return
    default:
      out.byte(0x75)
      for (let shift: u32 = 16; shift > 0; shift -= 4) {
        out.byte(DIGITS.charCodeAt((unit >> (shift - 4)) & 15))
      }
  }
}
