import { Text } from '@penstock/sdk'

/** What is taken over from a `traceparent` header. */
export class Traceparent {
  /** 32 digits. */
  traceId: string
  /** Two digits; of the flags only "sampled" and "random" are known. */
  flags: string

  constructor(traceId: string, flags: string) {
    this.traceId = traceId
    this.flags = flags
  }
}

/** `00-` and 32 digits, `-` and 16, `-` and 2. */
const LENGTH: i32 = 55

/**
 * Reads `VERSION-TRACE-PARENT-FLAGS` (W3C Trace Context, section 3.2), or null for what is none. A later
 * version may have more after it, which is left out, as the text says a reader should.
 */
export function parseTraceparent(text: Text): Traceparent | null {
  if (text.length < LENGTH) return null
  const isFirst = text.startsWith('00')
  if (text.startsWith('ff') || (isFirst && text.length > LENGTH)) return null
  if (text.length > LENGTH && text.byteAt(LENGTH) != 0x2d) return null
  if (text.byteAt(2) != 0x2d || text.byteAt(35) != 0x2d || text.byteAt(52) != 0x2d) return null
  if (!isHex(text, 0, 2) || !isHex(text, 3, 35) || !isHex(text, 36, 52) || !isHex(text, 53, 55)) {
    return null
  }
  if (isZero(text, 3, 35) || isZero(text, 36, 52)) return null
  const flags = digit(text.byteAt(54)) & 3
  return new Traceparent(text.slice(3, 35).toString(), `0${flags}`)
}

/** Trace and flags as one text, "" for what is none: what a test of its own looks at. */
export function takenOver(text: Text): string {
  const found = parseTraceparent(text)
  return found === null ? '' : `${found.traceId} ${found.flags}`
}

/** Lowercase digits only: that is the form in the header. */
function isHex(text: Text, start: i32, end: i32): bool {
  for (let i = start; i < end; i++) if (digit(text.byteAt(i)) < 0) return false
  return true
}

function isZero(text: Text, start: i32, end: i32): bool {
  for (let i = start; i < end; i++) if (text.byteAt(i) != 0x30) return false
  return true
}

function digit(byte: i32): i32 {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : -1
}
