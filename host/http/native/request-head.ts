import { Headers } from '../../exchange/headers.ts'
import type { HeadLimits } from '../check.ts'
import { endToEndFields } from '../forward.ts'
import { isText, MALFORMED, TOO_LARGE } from './bytes.ts'
import {
  CLAIM,
  CONNECTION,
  CONTENT_LENGTH,
  DATE,
  EXPECT,
  HOST_FIELD,
  OTHER,
  TRANSFER_ENCODING,
  UPGRADE,
} from './field-names.ts'
import { COMPLETE, FieldBlock, INCOMPLETE, REFUSED } from './head.ts'
import { RequestLine } from './request-line.ts'
import { isAuthority, normalizePath, parseAbsoluteTarget } from './target.ts'

/**
 * Parses request heads (RFC 9112, sections 3, 5 and 6.3). One instance serves any number of messages, one
 * after the other: after COMPLETE its fields describe the message, after REFUSED `status` and `reason` say
 * what to answer; the connection must then close.
 */
export class RequestHead {
  readonly line: RequestLine = new RequestLine()
  readonly fields: FieldBlock = new FieldBlock()
  status = 0
  reason = ''
  /** The offset after the head. */
  end = 0
  method = ''
  /** Origin-form in normal form, or "*". */
  target = ''
  /** The authority asked for; "" in a HTTP/1.0 request without one. */
  host = ''
  isHttp10 = false
  /** -1 when there is no Content-Length. */
  contentLength = -1
  isChunked = false
  /** The client will send another request after this one. */
  isPersistent = true
  expectsContinue = false
  /** The protocols of an Upgrade that Connection lists too, or "". */
  upgrade = ''
  /** The end-to-end fields. */
  headers: Headers = new Headers()
  /** Connection names fields: they have to be looked for. */
  #needsList = false
  #hostField = ''
  /** A valid Host, or "". */
  #lastHost = ''
  #lastApart = ''

  /** Parses the head that starts at `bytes[start]`; `end` is where the bytes end. */
  parse(bytes: Buffer, start: number, end: number, limits: HeadLimits): number {
    const line = this.line
    const found = line.scan(bytes, start, end, limits.maxRequestLineBytes)
    if (found === REFUSED) return this.refuse(line.status, line.reason)
    if (found === INCOMPLETE) return INCOMPLETE
    const from = line.end
    this.isHttp10 = line.isHttp10

    const fields = this.fields
    const block = fields.scan(bytes, from, end, limits.maxHeaderCount)
    if (block === REFUSED) return this.refuse(fields.status, fields.reason)
    const size = (block === COMPLETE ? fields.end : end) - from
    if (size > limits.maxHeaderBytes) return this.refuse(431, 'the header is too large')
    if (block === INCOMPLETE) return INCOMPLETE

    this.end = fields.end
    this.method = this.#readMethod(bytes, start)
    if (!this.#readTarget(bytes)) return REFUSED
    if (!this.#readFields(bytes)) return REFUSED
    if (this.#needsList) {
      this.headers = new Headers(endToEndFields(fields.toList(bytes)).slice())
    } else {
      const apart = fields.toLines(bytes, CLAIM, HOST_FIELD, this.#lastApart)
      this.#lastApart = apart
      this.headers = Headers.fromLines(fields.toLines(bytes, OTHER, DATE), apart)
    }
    return COMPLETE
  }

  /** Notes why the message is refused; answers REFUSED. */
  refuse(status: number, reason: string): number {
    this.status = status
    this.reason = reason
    return REFUSED
  }

  #readMethod(bytes: Buffer, start: number): string {
    const end = this.line.methodEnd
    if (isText(bytes, start, end, 'GET')) return 'GET'
    if (isText(bytes, start, end, 'POST')) return 'POST'
    return bytes.latin1Slice(start, end)
  }

  #readTarget(bytes: Buffer): boolean {
    const line = this.line
    const target = bytes.latin1Slice(line.targetStart, line.targetEnd)
    this.host = ''
    const method = this.method
    if (method === 'CONNECT' || method === 'TRACE') {
      this.refuse(405, 'a method that is not allowed here')
      return false
    }
    if (!line.isOtherForm) {
      this.target = line.needsNormal ? '' : target
      return !line.needsNormal || this.#normalize(target)
    }
    if (target === '*' && method === 'OPTIONS') {
      this.target = '*'
      return true
    }
    const absolute = parseAbsoluteTarget(target)
    if (absolute === null) {
      this.refuse(400, 'a target that is neither a path nor an absolute URI')
      return false
    }
    this.host = absolute.authority
    if (absolute.target !== '*') return this.#normalize(absolute.target)
    this.target = method === 'OPTIONS' ? '*' : '/'
    return true
  }

  #normalize(target: string): boolean {
    const mark = target.indexOf('?')
    const path = normalizePath(mark < 0 ? target : target.slice(0, mark))
    if (path === null || /[`{}\\]/.test(path)) {
      this.refuse(400, 'a malformed path')
      return false
    }
    this.target = mark < 0 ? path : path + target.slice(mark)
    return true
  }

  /** Reads the fields that say how the message is framed and who it is for. */
  #readFields(bytes: Buffer): boolean {
    const fields = this.fields
    const ids = fields.ids
    let hosts = 0
    this.#hostField = ''
    this.contentLength = -1
    this.isChunked = false
    this.isPersistent = !this.isHttp10
    this.expectsContinue = false
    this.upgrade = ''
    this.#needsList = false
    let isUpgradeListed = false
    for (let i = 0; i < fields.count; i++) {
      switch (ids[i]) {
        case HOST_FIELD:
          hosts += 1
          this.#hostField = fields.value(i, bytes, this.#lastHost)
          break
        case CONTENT_LENGTH:
          if (this.contentLength >= 0) return this.#fail(400, 'more than one Content-Length')
          if (fields.hasTab(i, bytes)) return this.#fail(400, 'a tab beside a framing field')
          this.contentLength = fields.lengthAt(i, bytes)
          if (this.contentLength === MALFORMED) return this.#fail(400, 'a malformed Content-Length')
          if (this.contentLength === TOO_LARGE) return this.#fail(413, 'the body is too large')
          break
        case TRANSFER_ENCODING:
          if (this.isChunked) return this.#fail(400, 'more than one Transfer-Encoding')
          // White space by the grammar, a part of the coding for other parsers.
          if (fields.hasTab(i, bytes)) return this.#fail(400, 'a tab beside a framing field')
          if (!this.#readCoding(fields.value(i, bytes, 'chunked'))) return false
          break
        case CONNECTION:
          if (this.#readConnection(fields.value(i, bytes, 'keep-alive'))) isUpgradeListed = true
          break
        case UPGRADE:
          this.upgrade = fields.value(i, bytes)
          break
        case EXPECT:
          if (fields.value(i, bytes).toLowerCase() !== '100-continue') {
            return this.#fail(417, 'an expectation that is not served here')
          }
          this.expectsContinue = !this.isHttp10
          break
        default:
      }
    }
    if (!isUpgradeListed || this.isHttp10) this.upgrade = ''
    if (this.isChunked && this.contentLength >= 0) {
      return this.#fail(400, 'both Transfer-Encoding and Content-Length')
    }
    if (this.isChunked && this.isHttp10) return this.#fail(400, 'Transfer-Encoding in HTTP/1.0')
    return this.#readHost(hosts, this.#hostField)
  }

  #readHost(hosts: number, field: string): boolean {
    if (hosts > 1) return this.#fail(400, 'more than one Host')
    if (hosts === 0) return this.isHttp10 || this.#fail(400, 'no Host')
    // Nearly all requests of a server name the host of the one before.
    if (field !== this.#lastHost || field === '') {
      if (!isAuthority(field)) return this.#fail(400, 'a malformed Host')
      this.#lastHost = field
    }
    if (this.host === '') this.host = field
    // RFC 9112, section 3.2.2 lets the target win; two names for one request are a split view.
    else if (this.host.toLowerCase() !== field.toLowerCase()) {
      return this.#fail(400, 'a target and a Host that differ')
    }
    return true
  }

  #readCoding(value: string): boolean {
    const coding = value.toLowerCase()
    if (coding === 'chunked') {
      this.isChunked = true
      return true
    }
    if (coding === '' || coding.includes('chunked,') || coding.includes(', chunked')) {
      return this.#fail(400, 'a malformed Transfer-Encoding')
    }
    return this.#fail(501, 'a transfer coding that is not served here')
  }

  #readConnection(value: string): boolean {
    // Nearly all clients write one of these.
    const options = value === 'keep-alive' || value === 'close' ? value : value.toLowerCase()
    if (options === 'keep-alive') {
      if (this.isHttp10) this.isPersistent = true
      return false
    }
    if (options === 'close') {
      this.isPersistent = false
      return false
    }
    return this.#readConnectionOptions(options)
  }

  /** The rare list; answers whether it names "upgrade". */
  #readConnectionOptions(options: string): boolean {
    let isUpgrade = false
    this.#needsList = true
    for (const part of options.split(',')) {
      const option = part.trim()
      if (option === 'close') this.isPersistent = false
      else if (option === 'upgrade') isUpgrade = true
    }
    return isUpgrade
  }

  #fail(status: number, reason: string): false {
    this.refuse(status, reason)
    return false
  }
}
