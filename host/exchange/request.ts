import { Body } from './body.ts'
import type { ClientTls } from './client-tls.ts'
import { Headers } from './headers.ts'

/**
 * A request as every step sees it. The engine has checked its grammar: `target` is in origin-form and
 * starts with "/", `host` is a valid authority, framing fields are consistent.
 */
export class Request {
  method: string
  /** The part of the target before "?", percent-encoded as it was sent. */
  path: string
  /** The part after "?", without it; "" when there is none. */
  query: string
  scheme: 'http' | 'https'
  /** The authority the client asked for: the Host field or `:authority`. */
  host: string
  httpVersion: '1.0' | '1.1' | '2'
  headers: Headers
  body: Body
  /** The address of the client: of the peer of the socket, or as a trusted proxy says. */
  remoteAddress: string
  /** The TLS connection it came through; null for a plain one. */
  tls: ClientTls | null = null
  /** The protocol the client asks to go over to, as its Upgrade field says; "" for none. */
  upgrade = ''
  #decoded: string | null = null
  #decodedFrom: string | null = null

  constructor(
    method: string,
    target: string,
    scheme: 'http' | 'https',
    host: string,
    httpVersion: '1.0' | '1.1' | '2',
    headers: Headers,
    body: Body,
    remoteAddress: string,
  ) {
    const mark = target.indexOf('?')
    this.method = method
    this.path = mark < 0 ? target : target.slice(0, mark)
    this.query = mark < 0 ? '' : target.slice(mark + 1)
    this.scheme = scheme
    this.host = host
    this.httpVersion = httpVersion
    this.headers = headers
    this.body = body
    this.remoteAddress = remoteAddress
  }

  get target(): string {
    return this.query === '' ? this.path : `${this.path}?${this.query}`
  }

  /** The path with its percent-escapes decoded: what routes are matched against. */
  get decodedPath(): string {
    if (this.#decodedFrom !== this.path) {
      this.#decodedFrom = this.path
      this.#decoded = decodePath(this.path)
    }
    return this.#decoded as string
  }
}

/** A request made by the gateway itself or by a test, with sane values for what is left out. */
export function makeRequest(init: {
  method?: string
  target?: string
  host?: string
  headers?: string[]
  body?: Body
  remoteAddress?: string
}): Request {
  return new Request(
    init.method ?? 'GET',
    init.target ?? '/',
    'http',
    init.host ?? 'localhost',
    '1.1',
    new Headers(init.headers ?? []),
    init.body ?? Body.none,
    init.remoteAddress ?? '127.0.0.1',
  )
}

/**
 * A route must not be dodged by writing "/%61dmin" for "/admin", so routes see the decoded path. The
 * engine has refused malformed escapes; one that is not UTF-8 is read as latin1, byte by byte.
 */
export function decodePath(path: string): string {
  if (path.indexOf('%') < 0) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return path.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
  }
}

/** A path as it is sent: what may not stand in one is percent-encoded (RFC 3986, section 3.3). */
export function encodePath(path: string): string {
  return encodeURI(path).replace(/[?#]/g, (sign) => (sign === '?' ? '%3F' : '%23'))
}
