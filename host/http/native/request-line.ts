import { MAX_METHOD_LENGTH, MAX_REQUEST_LINE } from '../check.ts'
import { CLASS, DOT, PATH, PERCENT, QUERY, QUESTION, SLASH, SP, TOKEN } from './bytes.ts'
import { COMPLETE, INCOMPLETE, REFUSED } from './head.ts'

/** "HTTP/1.1" CRLF. */
const VERSION: Uint8Array = Uint8Array.from(Buffer.from('HTTP/1.1\r\n', 'latin1'))

/**
 * Finds the parts of a request line (RFC 9112, section 3): exactly one space between them, CRLF at the end.
 * What cannot become valid is refused before it is complete. A line is scratch space for one message after
 * the other.
 */
export class RequestLine {
  methodEnd = 0
  targetStart = 0
  targetEnd = 0
  /** The offset after the line. */
  end = 0
  isHttp10 = false
  /** The target does not start with "/". */
  isOtherForm = false
  /** The path has escapes or segments that start with a dot. */
  needsNormal = false
  status = 0
  reason = ''

  /** Scans from `bytes[start]`; a line of more than `maxBytes` is refused. */
  scan(bytes: Buffer, start: number, end: number, maxBytes: number = MAX_REQUEST_LINE): number {
    const result = this.#scanMethod(bytes, start, end)
    const size = (result === COMPLETE ? this.end : end) - start
    if (result === REFUSED || size <= maxBytes) return result
    return this.#refuse(414, 'the request line is too long')
  }

  #scanMethod(bytes: Buffer, start: number, end: number): number {
    let at = start
    let byte = bytes[at] as number
    while (((CLASS[byte] as number) & TOKEN) !== 0 && at < end) {
      at += 1
      byte = bytes[at] as number
    }
    if (at - start > MAX_METHOD_LENGTH) return this.#refuse(501, 'the method is too long')
    if (at >= end) return INCOMPLETE
    if (byte !== SP || at === start) return this.#refuse(400, 'a method that is not a token')
    this.methodEnd = at
    return at + 1 < end ? this.#scanTarget(bytes, at + 1, end) : INCOMPLETE
  }

  #scanTarget(bytes: Buffer, start: number, end: number): number {
    let at = start
    let byte = bytes[at] as number
    this.targetStart = at
    this.needsNormal = false
    this.isOtherForm = byte !== SLASH
    if (byte === SLASH) {
      let last = 0
      while (((CLASS[byte] as number) & PATH) !== 0 && at < end) {
        if (byte === PERCENT || (byte === DOT && last === SLASH)) this.needsNormal = true
        last = byte
        at += 1
        byte = bytes[at] as number
      }
    }
    if (byte === QUESTION || this.isOtherForm) {
      while (((CLASS[byte] as number) & QUERY) !== 0 && at < end) {
        at += 1
        byte = bytes[at] as number
      }
    }
    if (at >= end) return INCOMPLETE
    if (at === start) return this.#refuse(400, 'two spaces in the request line')
    if (byte !== SP) return this.#refuse(400, 'a character that a target must not have')
    this.targetEnd = at
    return this.#scanVersion(bytes, at + 1, end)
  }

  #scanVersion(bytes: Buffer, start: number, end: number): number {
    const available = end - start < VERSION.length ? end - start : VERSION.length
    for (let i = 0; i < available; i++) {
      const byte = bytes[start + i] as number
      if (byte === VERSION[i]) continue
      const isDigit = byte >= 0x30 && byte <= 0x39
      if (i >= 8) return this.#refuse(400, 'a request line without CRLF')
      if (!isDigit || (i !== 5 && i !== 7)) return this.#refuse(400, 'a malformed HTTP version')
    }
    if (available < VERSION.length) return INCOMPLETE
    const major = bytes[start + 5] as number
    const minor = bytes[start + 7] as number
    if (major !== 0x31 || minor > 0x31) {
      return this.#refuse(505, 'an HTTP version that is not served here')
    }
    this.isHttp10 = minor === 0x30
    this.end = start + VERSION.length
    return COMPLETE
  }

  #refuse(status: number, reason: string): number {
    this.status = status
    this.reason = reason
    return REFUSED
  }
}
