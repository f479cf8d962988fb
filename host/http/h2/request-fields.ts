import { HeadCheck, type HeadLimits } from '../check.ts'

const COLON = 0x3a

/**
 * Reads the fields of an HTTP/2 request (RFC 9113, section 8.3) and holds them to what `HeadCheck` asks of every
 * request: what is served over HTTP/2 is what would be served over HTTP/1.1. One instance serves any number
 * of requests, one after the other.
 *
 * Node has refused unknown, repeated and late pseudo-fields, upper-case names and fields that describe the
 * connection before this is asked.
 */
export class RequestFields {
  status = 0
  reason = ''
  method = ''
  /** A flat list; Host stands first, whether the client called it that or `:authority`. */
  list: string[] = []
  readonly check: HeadCheck = new HeadCheck()
  #path = ''
  #scheme = ''
  #authority = ''
  #host = ''
  #cookieAt = -1

  /** `raw` is the flat list of all fields; after true `check` describes the request. */
  read(raw: readonly string[], limits: HeadLimits): boolean {
    this.method = ''
    this.#path = ''
    this.#scheme = ''
    this.#authority = ''
    this.#host = ''
    this.#cookieAt = -1
    this.list = ['host', '']
    for (let i = 0; i < raw.length; i += 2) {
      if (!this.#add(raw[i] as string, raw[i + 1] as string)) return false
    }
    return this.#finish(limits)
  }

  #refuse(status: number, reason: string): false {
    this.status = status
    this.reason = reason
    return false
  }

  #add(name: string, value: string): boolean {
    if (name.charCodeAt(0) === COLON) return this.#addPseudo(name, value)
    const { list } = this
    switch (name) {
      case 'host':
        if (this.#host !== '') return this.#refuse(400, 'more than one Host')
        this.#host = value
        return true
      case 'cookie':
        // Cut into crumbs for the sake of compression; HTTP/1.1 has one field (RFC 9113, section 8.2.3).
        if (this.#cookieAt >= 0) list[this.#cookieAt] += `; ${value}`
        else this.#cookieAt = list.push(name, value) - 1
        return true
      case 'connection':
      case 'keep-alive':
      case 'proxy-connection':
      case 'transfer-encoding':
      case 'upgrade':
        return this.#refuse(400, 'a field about the connection in HTTP/2')
      case 'te':
        return value.toLowerCase() === 'trailers' || this.#refuse(400, 'a TE other than trailers')
      default:
        list.push(name, value)
        return true
    }
  }

  #addPseudo(name: string, value: string): boolean {
    switch (name) {
      case ':method':
        this.method = value
        return true
      case ':path':
        this.#path = value
        return true
      case ':scheme':
        this.#scheme = value
        return true
      case ':authority':
        this.#authority = value
        return true
      default:
        return this.#refuse(400, 'an unknown pseudo-field')
    }
  }

  #finish(limits: HeadLimits): boolean {
    const { check, list } = this
    const path = this.#path
    // An absolute URI is a form of HTTP/1.1; here its parts come each for itself.
    if (path.charCodeAt(0) !== 0x2f && path !== '*' && this.method !== 'CONNECT') {
      return this.#refuse(400, 'a :path that is no path')
    }
    if (this.#scheme !== 'https' && this.method !== 'CONNECT') {
      return this.#refuse(400, 'a :scheme other than https')
    }
    const authority = this.#authority === '' ? this.#host : this.#authority
    // Two names for one request are a split view (RFC 9113, section 8.3.1).
    if (this.#host !== '' && this.#host.toLowerCase() !== authority.toLowerCase()) {
      return this.#refuse(400, 'an :authority and a Host that differ')
    }
    list[1] = authority
    if (
      check.check(this.method, path, '1.1', list, limits) &&
      // Node drops what is not valid, but not in every field.
      check.checkFields(list)
    ) {
      return true
    }
    return this.#refuse(check.status, check.reason)
  }
}
