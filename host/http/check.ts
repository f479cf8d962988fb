import { isFieldValue, isToken, sameName } from '../exchange/field-rules.ts'
import { CLASS, DOT, PATH, PERCENT, QUERY, QUESTION, SLASH } from './native/bytes.ts'
import { isAuthority, normalizePath, parseAbsoluteTarget } from './native/target.ts'

/** What a request head may cost at most. */
export interface HeadLimits {
  /** Default 8 KiB. */
  readonly maxRequestLineBytes?: number
  readonly maxHeaderBytes: number
  readonly maxHeaderCount: number
}

/** Bytes of a request line; past it 414 (RFC 9112, section 3 asks for at least 8,000). */
export const MAX_REQUEST_LINE = 8 * 1024

/** A longer method is none that anybody implements. */
export const MAX_METHOD_LENGTH = 32

/**
 * Checks a request head that a lenient parser has already cut into pieces (RFC 9110, RFC 9112), and reads
 * from it what an engine needs. One instance serves any number of messages, one after the other: after
 * `check` answered true its fields describe the message; after false `status` and `reason` say what to
 * answer, and the connection must close.
 *
 * The parser must have refused what is lost in the pieces: bare CR or LF, spaces around names, folded
 * lines. Field names and values are checked by `checkFields`, for parsers that do not.
 */
export class HeadCheck {
  status = 0
  reason = ''
  /** Origin-form, its path in normal form, or "*". */
  target = ''
  /** The authority asked for; "" in an HTTP/1.0 request without one. */
  host = ''
  /** -1 when there is no Content-Length. */
  contentLength = -1
  isChunked = false
  /** False when the client will not send another request on this connection. */
  isPersistent = true
  expectsContinue = false
  /** The client offers to change the protocol: an Upgrade field that Connection names too. */
  offersUpgrade = false
  #lastHost: string | null = null

  /** `version` is "1.0", "1.1" or whatever the parser read; `list` is the flat list of all fields. */
  check(
    method: string,
    target: string,
    version: string,
    list: readonly string[],
    limits: HeadLimits,
  ): boolean {
    if (version !== '1.1' && version !== '1.0') {
      return this.#refuse(505, 'an HTTP version that is not served here')
    }
    if (method !== 'GET' && method !== 'POST' && !this.#checkMethod(method)) return false
    const isHttp10 = version === '1.0'
    // Two spaces, "HTTP/1.1" and CRLF.
    if (method.length + target.length + 12 > (limits.maxRequestLineBytes ?? MAX_REQUEST_LINE)) {
      return this.#refuse(414, 'the request line is too long')
    }
    this.host = ''
    if (!this.#readTarget(method, target)) return false
    return this.#readFields(list, limits, isHttp10)
  }

  /** Are all names tokens and all values free of control characters and of blanks at their ends? */
  checkFields(list: readonly string[]): boolean {
    for (let i = 0; i < list.length; i += 2) {
      if (!isToken(list[i] as string)) {
        return this.#refuse(400, 'a header field name that is not a token')
      }
      if (!isFieldValue(list[i + 1] as string)) {
        return this.#refuse(400, 'a control character in a header field')
      }
    }
    return true
  }

  #refuse(status: number, reason: string): false {
    this.status = status
    this.reason = reason
    return false
  }

  #checkMethod(method: string): boolean {
    if (method === 'CONNECT' || method === 'TRACE') {
      // A tunnel would get past every route; TRACE echoes what a filter must hide.
      return this.#refuse(405, 'a method that is not allowed here')
    }
    if (method.length > MAX_METHOD_LENGTH) return this.#refuse(501, 'the method is too long')
    return isToken(method) || this.#refuse(400, 'a method that is not a token')
  }

  #readTarget(method: string, target: string): boolean {
    if (target.charCodeAt(0) !== SLASH) return this.#readOtherForm(method, target)
    let at = 1
    let last = SLASH
    let isNormal = true
    for (; at < target.length; at++) {
      const code = target.charCodeAt(at)
      if (((CLASS[code] ?? 0) & PATH) === 0) break
      if (code === PERCENT || (code === DOT && last === SLASH)) isNormal = false
      last = code
    }
    if (at < target.length && !isQueryFrom(target, at)) {
      return this.#refuse(400, 'a character that a target must not have')
    }
    this.target = target
    return isNormal || this.#normalize(target, at)
  }

  /** Absolute-form and asterisk-form (RFC 9112, sections 3.2.2 and 3.2.4). */
  #readOtherForm(method: string, target: string): boolean {
    if (target === '*' && method === 'OPTIONS') {
      this.target = '*'
      return true
    }
    const absolute = parseAbsoluteTarget(target)
    if (absolute === null) {
      return this.#refuse(400, 'a target that is neither a path nor an absolute URI')
    }
    this.host = absolute.authority
    if (absolute.target === '*') {
      this.target = method === 'OPTIONS' ? '*' : '/'
      return true
    }
    return this.#readTarget(method, absolute.target)
  }

  #normalize(target: string, pathEnd: number): boolean {
    const path = normalizePath(target.slice(0, pathEnd))
    if (path === null) return this.#refuse(400, 'a malformed path')
    this.target = path + target.slice(pathEnd)
    return true
  }

  #readFields(list: readonly string[], limits: HeadLimits, isHttp10: boolean): boolean {
    const length = list.length
    if (length >> 1 > limits.maxHeaderCount) {
      return this.#refuse(431, `more than ${limits.maxHeaderCount} header fields`)
    }
    this.contentLength = -1
    this.isChunked = false
    this.isPersistent = !isHttp10
    this.expectsContinue = false
    this.offersUpgrade = false
    let hasUpgrade = false
    let host: string | null = null
    let bytes = 0
    for (let i = 0; i < length; i += 2) {
      const name = list[i] as string
      const value = list[i + 1] as string
      // ": " and CRLF
      bytes += name.length + value.length + 4
      switch (name.length) {
        case 4:
          if (!sameName(name, 'host')) break
          if (host !== null) return this.#refuse(400, 'more than one Host')
          host = value
          break
        case 6:
          if (sameName(name, 'expect') && !this.#readExpect(value, isHttp10)) return false
          break
        case 7:
          if (sameName(name, 'upgrade')) hasUpgrade = true
          break
        case 10:
          if (sameName(name, 'connection')) this.#readConnection(value, isHttp10)
          break
        case 14:
          if (sameName(name, 'content-length') && !this.#readLength(value)) return false
          break
        case 17:
          if (sameName(name, 'transfer-encoding') && !this.#readCoding(value)) return false
          break
        default:
      }
    }
    if (bytes > limits.maxHeaderBytes) return this.#refuse(431, 'the header is too large')
    this.offersUpgrade &&= hasUpgrade
    if (this.isChunked && this.contentLength >= 0) {
      return this.#refuse(400, 'both Transfer-Encoding and Content-Length')
    }
    if (this.isChunked && isHttp10) return this.#refuse(400, 'Transfer-Encoding in HTTP/1.0')
    return this.#readHost(host, isHttp10)
  }

  #readHost(host: string | null, isHttp10: boolean): boolean {
    if (host === null) return isHttp10 || this.#refuse(400, 'no Host')
    // Nearly all requests of a server name the host of the one before.
    if (host !== this.#lastHost) {
      if (!isAuthority(host)) return this.#refuse(400, 'a malformed Host')
      this.#lastHost = host
    }
    if (this.host === '') this.host = host
    // RFC 9112, section 3.2.2 lets the target win; two names for one request are a split view, so we do not.
    else if (this.host.toLowerCase() !== host.toLowerCase()) {
      return this.#refuse(400, 'a target and a Host that differ')
    }
    return true
  }

  #readLength(value: string): boolean {
    if (this.contentLength >= 0) return this.#refuse(400, 'more than one Content-Length')
    // Past 15 digits the number would no longer be exact.
    if (!/^\d{1,200}$/.test(value)) return this.#refuse(400, 'a malformed Content-Length')
    const length = Number(value)
    if (length > 999_999_999_999_999) return this.#refuse(413, 'the body is too large')
    this.contentLength = length
    return true
  }

  #readCoding(value: string): boolean {
    if (this.isChunked) return this.#refuse(400, 'more than one Transfer-Encoding')
    if (value.toLowerCase() !== 'chunked') {
      return this.#refuse(400, 'a Transfer-Encoding other than chunked')
    }
    this.isChunked = true
    return true
  }

  #readExpect(value: string, isHttp10: boolean): boolean {
    if (value.toLowerCase() !== '100-continue') {
      return this.#refuse(417, 'an expectation that is not served here')
    }
    this.expectsContinue = !isHttp10
    return true
  }

  #readConnection(value: string, isHttp10: boolean): void {
    const options = value.toLowerCase()
    if (options === 'keep-alive') {
      if (isHttp10) this.isPersistent = true
      return
    }
    for (const part of options.split(',')) {
      const option = part.trim()
      if (option === 'close') this.isPersistent = false
      else if (option === 'upgrade') this.offersUpgrade = true
    }
  }
}

/** Does `target[from…]` start with "?" and hold only characters of a query? */
function isQueryFrom(target: string, from: number): boolean {
  if (target.charCodeAt(from) !== QUESTION) return false
  for (let at = from + 1; at < target.length; at++) {
    if (((CLASS[target.charCodeAt(at)] ?? 0) & QUERY) === 0) return false
  }
  return true
}
