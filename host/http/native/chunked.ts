import { isTrailerField } from '../forward.ts'
import { CLASS, CR, EQUALS, HEX_VALUE, HTAB, LF, QUOTE, SEMICOLON, TOKEN, VALUE } from './bytes.ts'
import { CONTENT_LENGTH, TRANSFER_ENCODING } from './field-names.ts'
import { COMPLETE, FieldBlock, INCOMPLETE, REFUSED } from './head.ts'
import { HeadBuffer } from './head-buffer.ts'

/** The decoder took all it was given and waits for more. */
export const MORE = 0
/** `dataStart` and `dataEnd` bound a piece of the body; call `next` again from `dataEnd`. */
export const DATA = 1
/** The body has ended at `end`; `trailers` is set. */
export const DONE = 2
/** The framing is broken: `status` and `reason` say how. */
export const BROKEN = 3

/** Hexadecimal digits of a chunk size, leading zeros included. */
export const MAX_SIZE_DIGITS = 16

/** Bytes of the extensions of one chunk. Nobody uses them but attackers (CVE-2024-22019). */
export const MAX_EXTENSION_BYTES = 256

/** Bytes of the extensions of one message. */
export const MAX_TOTAL_EXTENSION_BYTES = 4 * 1024

/** Bytes and fields of a trailer section. */
export const MAX_TRAILER_BYTES = 8 * 1024
export const MAX_TRAILER_FIELDS = 32

const SIZE = 0
const EXTENSION = 1
const EXTENSION_NAME = 2
const EXTENSION_VALUE = 3
const EXTENSION_TOKEN = 4
const QUOTED = 5
const ESCAPED = 6
const AFTER_QUOTED = 7
const SIZE_LF = 8
const BODY = 9
const BODY_CR = 10
const BODY_LF = 11
const TRAILER = 12
const ENDED = 13

/**
 * Decodes one chunked body, in pieces as they arrive (RFC 9112, section 7.1). Strict: no white space, no bare
 * LF, sizes of at most 2^53, extensions parsed (a line end inside quotes is where two parsers disagree) and
 * dropped. A decoder serves one message.
 *
 *     SIZE ─";"─▶ EXTENSION… ─┐
 *      │ └────────CR──────────┴─▶ SIZE_LF ─▶ BODY ─▶ BODY_CR ─▶ BODY_LF ─▶ SIZE
 *      └─ size 0 ─▶ SIZE_LF ─▶ TRAILER ─▶ ENDED
 */
export class ChunkDecoder {
  dataStart = 0
  dataEnd = 0
  end = 0
  status = 400
  reason = ''
  trailers: string[] | null = null
  #state = SIZE
  #size = 0
  #digits = 0
  #extensionBytes = 0
  #totalExtensionBytes = 0
  #trailer: HeadBuffer | null = null

  /** Reads on from `bytes[start]`; answers MORE, DATA, DONE or BROKEN. */
  next(bytes: Buffer, start: number, end: number): number {
    let at = start
    while (at < end) {
      if (this.#state === BODY) {
        const stop = this.#size < end - at ? at + this.#size : end
        this.#size -= stop - at
        if (this.#size === 0) this.#state = BODY_CR
        this.dataStart = at
        this.dataEnd = stop
        return DATA
      }
      if (this.#state === TRAILER) return this.#readTrailer(bytes, at, end)
      if (!this.#step(bytes[at] as number)) return BROKEN
      at += 1
    }
    return MORE
  }

  /** Takes one byte of framing; false when it does not fit. */
  #step(byte: number): boolean {
    switch (this.#state) {
      case SIZE:
        return this.#stepSize(byte)
      case SIZE_LF:
        if (byte !== LF) return this.#fail('a CR without LF after a chunk size')
        this.#state = this.#size === 0 ? TRAILER : BODY
        this.#digits = 0
        this.#extensionBytes = 0
        return true
      case BODY_CR:
        this.#state = BODY_LF
        return byte === CR || this.#fail('a chunk that is longer than its size')
      case BODY_LF:
        this.#state = SIZE
        return byte === LF || this.#fail('a CR without LF after a chunk')
      default:
        return this.#stepExtension(byte)
    }
  }

  #stepSize(byte: number): boolean {
    const value = HEX_VALUE[byte] as number
    if (value >= 0) {
      if (this.#digits === 0) this.#size = 0
      this.#digits += 1
      this.#size = this.#size * 16 + value
      if (this.#digits > MAX_SIZE_DIGITS || this.#size > Number.MAX_SAFE_INTEGER) {
        return this.#fail('a chunk size that is too large')
      }
      return true
    }
    if (this.#digits === 0) return this.#fail('a chunk without a size')
    return this.#endPart(byte, 'a malformed chunk size')
  }

  /** What may follow a size, an extension name or a value: the next extension or the end of the line. */
  #endPart(byte: number, reason: string): boolean {
    if (byte === CR) this.#state = SIZE_LF
    else if (byte === SEMICOLON) this.#state = EXTENSION
    else return this.#fail(reason)
    return true
  }

  #stepExtension(byte: number): boolean {
    this.#extensionBytes += 1
    this.#totalExtensionBytes += 1
    if (
      this.#extensionBytes > MAX_EXTENSION_BYTES ||
      this.#totalExtensionBytes > MAX_TOTAL_EXTENSION_BYTES
    ) {
      this.status = 413
      return this.#fail('chunk extensions that are too large')
    }
    const bits = CLASS[byte] as number
    const isToken = (bits & TOKEN) !== 0
    switch (this.#state) {
      case EXTENSION:
        this.#state = EXTENSION_NAME
        return isToken || this.#fail(EXTENSION_REASON)
      case EXTENSION_NAME:
        if (isToken) return true
        if (byte !== EQUALS) return this.#endPart(byte, EXTENSION_REASON)
        this.#state = EXTENSION_VALUE
        return true
      case EXTENSION_VALUE:
        this.#state = byte === QUOTE ? QUOTED : EXTENSION_TOKEN
        return byte === QUOTE || isToken || this.#fail(EXTENSION_REASON)
      case EXTENSION_TOKEN:
        return isToken || this.#endPart(byte, EXTENSION_REASON)
      case QUOTED:
        if (byte === QUOTE) this.#state = AFTER_QUOTED
        else if (byte === BACKSLASH) this.#state = ESCAPED
        else if ((bits & VALUE) === 0) return this.#fail(EXTENSION_REASON)
        return true
      case ESCAPED:
        this.#state = QUOTED
        return (bits & VALUE) !== 0 || byte === HTAB || this.#fail(EXTENSION_REASON)
      case AFTER_QUOTED:
        return this.#endPart(byte, EXTENSION_REASON)
      default:
        return this.#fail('bytes after the last chunk')
    }
  }

  #readTrailer(bytes: Buffer, start: number, end: number): number {
    let from = bytes
    let at = start
    let stop = end
    const held = this.#trailer
    const before = held === null ? 0 : held.length
    if (held !== null) {
      if (!held.add(bytes, start, end) && held.length <= MAX_TRAILER_BYTES) return MORE
      from = held.bytes
      at = 0
      stop = held.length
    }
    const result = trailerBlock.scan(from, at, stop, MAX_TRAILER_FIELDS)
    if (result === REFUSED) return this.#break(trailerBlock.status, trailerBlock.reason)
    const size = (result === COMPLETE ? trailerBlock.end : stop) - at
    if (size > MAX_TRAILER_BYTES) return this.#break(431, 'the trailer section is too large')
    if (result === INCOMPLETE) {
      if (held === null) {
        this.#trailer = new HeadBuffer()
        this.#trailer.add(bytes, start, end)
      }
      return MORE
    }
    if (trailerBlock.has(CONTENT_LENGTH) || trailerBlock.has(TRANSFER_ENCODING)) {
      return this.#break(400, 'framing in a trailer section')
    }
    if (trailerBlock.count > 0) {
      this.trailers = trailerFields(trailerBlock.toList(from))
    }
    this.end = start + trailerBlock.end - at - before
    this.#trailer = null
    this.#state = ENDED
    return DONE
  }

  #break(status: number, reason: string): number {
    this.status = status
    this.reason = reason
    return BROKEN
  }

  #fail(reason: string): false {
    this.reason = reason
    return false
  }
}

const BACKSLASH = 0x5c
const EXTENSION_REASON = 'a malformed chunk extension'

/** Scratch space: a scan never outlives the call that made it. */
const trailerBlock = new FieldBlock()

/** The fields that may come after a body; null when none is left. The others would change what was said before. */
function trailerFields(list: readonly string[]): string[] | null {
  const kept: string[] = []
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string
    if (isTrailerField(name)) kept.push(name, list[i + 1] as string)
  }
  return kept.length === 0 ? null : kept
}
