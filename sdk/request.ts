import { writeBody } from './body.ts'
import { byteLength, capacity, latin1Bytes, reserve, scratch } from './buffer.ts'
import { cookieValue, removeCookie } from './cookies.ts'
import { Headers } from './headers.ts'
import { ABSENT, refused } from './host-error.ts'
import { field_get, field_set } from './penstock_v1.ts'
import { queryValue } from './query.ts'
import { copy, Text } from './text.ts'

const METHOD: i32 = 0
const PATH: i32 = 1
const QUERY: i32 = 2
const SCHEME: i32 = 3
const HOST: i32 = 4
const CLIENT_ADDRESS: i32 = 5
const ROUTE: i32 = 6
const REQUEST_ID: i32 = 7
const PROTOCOL: i32 = 8

/**
 * The request. In `onRequest` it can be changed; afterwards, as `response.request`, only read. What comes
 * from a closed set is a string, everything else a Text. Reading a property asks the host: keep in a
 * `const` what is used more than once.
 *
 *     onRequest(request: Request): void {
 *       if (request.path.startsWith('/old/')) request.setPath('/new/')
 *     }
 */
@final
export class Request {
  /**
   * The header fields.
   *
   *     request.headers.set('x-forwarded-proto', request.scheme)
   */
  readonly headers: Headers = new Headers(0)

  /**
   * The method, in capitals for every method HTTP defines.
   *
   *     if (request.method == 'POST') …
   */
  get method(): string {
    const length = read(METHOD)
    if (length == 3 && load<u16>(scratch) == 0x4547)
      return load<u8>(scratch, 2) == 0x54 ? 'GET' : text(length)
    if (length == 4 && load<u32>(scratch) == 0x54534f50) return 'POST'
    if (length == 4 && load<u32>(scratch) == 0x44414548) return 'HEAD'
    return text(length)
  }

  set method(value: string) {
    write<string>(METHOD, value, 'the method')
  }

  /**
   * The path, percent-encoded as it was sent; it starts with "/".
   *
   *     const isApi = request.path.startsWith('/api/')
   */
  get path(): Text {
    return copy(scratch, read(PATH))
  }

  /**
   * Replaces the path: a string or a Text that starts with "/" and is percent-encoded.
   *
   *     request.setPath(request.path.slice(4))
   */
  setPath<T>(value: T): void {
    write<T>(PATH, value, 'the path')
  }

  /**
   * The query without "?", percent-encoded as it was sent; empty when there is none.
   *
   *     if (request.query.length > 0) …
   */
  get query(): Text {
    return copy(scratch, read(QUERY))
  }

  /**
   * Replaces the query: a string or a Text, percent-encoded, without "?".
   *
   *     request.setQuery('page=1')
   */
  setQuery<T>(value: T): void {
    write<T>(QUERY, value, 'the query')
  }

  /**
   * The first value of this name in the query, decoded, or null when the name is not there.
   *
   *     const page = request.queryValue('page')
   *     if (page !== null) log.info(page)
   */
  queryValue(name: string): string | null {
    return queryValue(this.query, name)
  }

  /**
   * The value of a cookie, without quotes, or null when there is none of that name.
   *
   *     const session = request.cookie('sid')
   */
  cookie(name: string): Text | null {
    return cookieValue(this.headers, name)
  }

  /**
   * Takes a cookie out of the request; the others stay.
   *
   *     request.removeCookie('debug')
   */
  removeCookie(name: string): void {
    removeCookie(this.headers, name)
  }

  /**
   * The host the client asked for, with the port when it named one.
   *
   *     if (request.host.equals('example.com')) …
   */
  get host(): Text {
    return copy(scratch, read(HOST))
  }

  /**
   * "http" or "https".
   *
   *     if (request.scheme == 'http') return reply(403, 'use https')
   */
  get scheme(): string {
    return read(SCHEME) == 5 ? 'https' : 'http'
  }

  /**
   * "1.0", "1.1" or "2".
   *
   *     const isMultiplexed = request.protocol == '2'
   */
  get protocol(): string {
    return text(read(PROTOCOL))
  }

  /**
   * The IP address of the client.
   *
   *     log.info(`from ${request.clientAddress}`)
   */
  get clientAddress(): Text {
    return copy(scratch, read(CLIENT_ADDRESS))
  }

  /**
   * The name of the pipeline this request goes through.
   *
   *     request.headers.set('x-route', request.route)
   */
  get route(): Text {
    return copy(scratch, read(ROUTE))
  }

  /**
   * The number of this request, as it stands in the gateway's log.
   *
   *     request.headers.set('x-request-id', request.id)
   */
  get id(): Text {
    return copy(scratch, read(REQUEST_ID))
  }

  /**
   * Replaces the body; a string is sent as UTF-8. `content-length` is the host's, `content-type` yours.
   *
   *     request.setBody('{"ok":true}')
   */
  setBody<T>(value: T): void {
    writeBody<T>(0, value)
  }
}

/** Reads a field into `scratch` and returns its length; 0 when it has no value. */
function read(field: i32): i32 {
  let length = field_get(field, scratch, capacity)
  if (length > capacity) {
    reserve(length)
    length = field_get(field, scratch, capacity)
  }
  if (length < 0 && length != ABSENT) refused(length, 'a request field')
  return max(length, 0)
}

function text(length: i32): string {
  return copy(scratch, length).toString()
}

function write<T>(field: i32, value: T, what: string): void {
  const bytes = latin1Bytes<T>(value)
  const code = field_set(field, bytes, byteLength)
  if (code < 0) refused(code, what)
}
