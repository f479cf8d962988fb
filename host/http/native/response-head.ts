import { Headers } from '../../exchange/headers.ts'
import { endToEndFields } from '../forward.ts'
import { CLASS, CR, LF, SP, VALUE } from './bytes.ts'
import {
  CLAIM,
  CONNECTION,
  CONTENT_LENGTH,
  DATE,
  KEEP_ALIVE,
  OTHER,
  TRANSFER_ENCODING,
  UPGRADE,
} from './field-names.ts'
import { COMPLETE, FieldBlock, INCOMPLETE, REFUSED } from './head.ts'
import { dateLine } from './head-text.ts'

/** Bytes of a reason phrase an upstream may send. */
export const MAX_REASON_LENGTH = 256

/** Bytes of the header of an answer. */
export const MAX_RESPONSE_HEADER_BYTES = 64 * 1024

/** Fields of the header of an answer. */
export const MAX_RESPONSE_FIELDS = 256

/** "HTTP/1.x SSS" */
const STATUS_END = 12

/**
 * Parses the heads of answers (RFC 9112, sections 4, 5 and 6.3), as strictly as those of requests: an
 * upstream that frames its answers in two ways poisons the connection for everybody behind it.
 */
export class ResponseHead {
  readonly fields: FieldBlock = new FieldBlock()
  reason = ''
  /** The offset after the head. */
  end = 0
  status = 0
  isHttp10 = false
  /** -1 when there is no Content-Length. */
  contentLength = -1
  isChunked = false
  isPersistent = true
  /** Seconds of a `Keep-Alive: timeout=…`; -1 when there is none. */
  keepAliveSeconds = -1
  /** The protocol of an Upgrade that Connection lists too, in lowercase, or "". */
  upgrade = ''
  /** The end-to-end fields; one of them is Date. */
  headers: Headers = new Headers()
  #namesFields = false
  #namesUpgrade = false
  #hasDate = false

  /** Parses the head that starts at `bytes[start]`; on REFUSED `reason` says why. */
  parse(bytes: Buffer, start: number, end: number): number {
    const line = this.#scanLine(bytes, start, end)
    if (line !== COMPLETE) return line
    const from = this.end
    const fields = this.fields
    const block = fields.scan(bytes, from, end, MAX_RESPONSE_FIELDS)
    if (block === REFUSED) return this.#refuse(fields.reason)
    const size = (block === COMPLETE ? fields.end : end) - from
    if (size > MAX_RESPONSE_HEADER_BYTES) return this.#refuse('the header is too large')
    if (block === INCOMPLETE) return INCOMPLETE
    this.end = fields.end
    if (!this.#readFields(bytes)) return REFUSED
    if (this.#namesFields) {
      this.headers = new Headers(endToEndFields(fields.toList(bytes)).slice())
    } else {
      const lines = fields.toLines(bytes, OTHER, CLAIM)
      // RFC 9110, section 6.6.1: who gets an answer without a date notes when it came.
      this.headers = Headers.fromLines(this.#hasDate ? lines : lines + dateLine())
    }
    return COMPLETE
  }

  #scanLine(bytes: Buffer, start: number, end: number): number {
    const available = end - start < STATUS_END ? end - start : STATUS_END
    for (let i = 0; i < available; i++) {
      const byte = bytes[start + i] as number
      if (i >= 9 ? byte < 0x30 || byte > 0x39 : byte !== LINE[i] && !(i === 7 && byte === 0x30)) {
        return this.#refuse('a malformed status line')
      }
    }
    if (available < STATUS_END) return INCOMPLETE
    this.isHttp10 = bytes[start + 7] === 0x30
    this.status =
      (bytes[start + 9] as number) * 100 +
      (bytes[start + 10] as number) * 10 +
      (bytes[start + 11] as number) -
      0x30 * 111
    if (this.status < 100 || this.status > 599) return this.#refuse(`the status ${this.status}`)

    let at = start + STATUS_END
    if (at >= end) return INCOMPLETE
    // The space before an empty reason is left out by many servers; nothing else may follow the status.
    if (bytes[at] !== SP && bytes[at] !== CR) return this.#refuse('a malformed status line')
    while (at < end && ((CLASS[bytes[at] as number] as number) & VALUE) !== 0) at += 1
    if (at - start - STATUS_END > MAX_REASON_LENGTH)
      return this.#refuse('the reason phrase is too long')
    if (at >= end) return INCOMPLETE
    if (bytes[at] !== CR) return this.#refuse('a control character in the status line')
    if (at + 1 >= end) return INCOMPLETE
    if (bytes[at + 1] !== LF) return this.#refuse('a CR without LF')
    this.end = at + 2
    return COMPLETE
  }

  #readFields(bytes: Buffer): boolean {
    const fields = this.fields
    this.contentLength = -1
    this.isChunked = false
    this.isPersistent = !this.isHttp10
    this.keepAliveSeconds = -1
    this.#namesFields = false
    this.#namesUpgrade = false
    this.#hasDate = false
    this.upgrade = ''
    for (let i = 0; i < fields.count; i++) {
      switch (fields.ids[i]) {
        case CONTENT_LENGTH:
          if (this.contentLength >= 0) return this.#fail('more than one Content-Length')
          this.contentLength = fields.lengthAt(i, bytes)
          if (this.contentLength < 0) return this.#fail('a malformed Content-Length')
          break
        case TRANSFER_ENCODING:
          if (this.isChunked) return this.#fail('more than one Transfer-Encoding')
          if (fields.value(i, bytes, 'chunked').toLowerCase() !== 'chunked') {
            return this.#fail('a transfer coding other than chunked')
          }
          this.isChunked = true
          break
        case UPGRADE:
          this.upgrade = fields.value(i, bytes).toLowerCase()
          break
        case DATE:
          this.#hasDate = true
          break
        case CONNECTION:
          this.#readConnection(fields.value(i, bytes, 'keep-alive'))
          break
        case KEEP_ALIVE: {
          const match = /(?:^|[,\s])timeout=(\d{1,6})/i.exec(fields.value(i, bytes))
          if (match !== null) this.keepAliveSeconds = Number(match[1])
          break
        }
        default:
      }
    }
    if (!this.#namesUpgrade) this.upgrade = ''
    if (this.isChunked && this.contentLength >= 0) {
      return this.#fail('both Transfer-Encoding and Content-Length')
    }
    if (this.isChunked && this.isHttp10) return this.#fail('Transfer-Encoding in HTTP/1.0')
    return true
  }

  #readConnection(value: string): void {
    const options = value === 'keep-alive' || value === 'close' ? value : value.toLowerCase()
    if (options === 'keep-alive') return
    if (options === 'close') {
      this.isPersistent = false
      return
    }
    this.#namesFields = true
    for (const part of options.split(',')) {
      const option = part.trim()
      if (option === 'close') this.isPersistent = false
      else if (option === 'upgrade') this.#namesUpgrade = true
    }
  }

  #refuse(reason: string): number {
    this.reason = reason
    return REFUSED
  }

  #fail(reason: string): false {
    this.reason = reason
    return false
  }
}

const LINE: Uint8Array = Uint8Array.from(Buffer.from('HTTP/1.1 ', 'latin1'))
