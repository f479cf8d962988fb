import { createHmac } from 'node:crypto'
import { cookieOf } from '../exchange/cookies.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import type { Headers } from '../exchange/headers.ts'
import type { Response } from '../exchange/response.ts'
import type { Endpoint } from './endpoint.ts'
import { HashRing } from './policies/hash-ring.ts'

/** Easegress's fields, and the secret; times in milliseconds. */
export interface StickySpec {
  readonly mode: 'CookieConsistentHash' | 'DurationBased' | 'ApplicationBased'
  readonly appCookieName: string
  readonly lbCookieName: string
  readonly lbCookieExpire: number
}

/** Characters of a mark in the cookie: 96 bits. */
const MARK_LENGTH = 24

/**
 * Keeps the requests of one session on one endpoint:
 *
 * - CookieConsistentHash: the value of the application's cookie decides, by a consistent hash;
 * - DurationBased: every answer sets a cookie of ours that names the endpoint, for a while;
 * - ApplicationBased: the same, but only along with the application's own cookie.
 *
 * The cookie holds a mark of the endpoint, an HMAC under a secret of the pool. Easegress puts the key of
 * its HMAC into the cookie beside it: whoever reads one cookie can then make one for any address, and test
 * guesses of addresses inside. Here a mark cannot be made and tells nothing.
 */
export class StickySession {
  readonly #spec: StickySpec
  readonly #secret: Buffer | string
  #endpoints: readonly Endpoint[] = []
  #byMark: ReadonlyMap<string, Endpoint> = new Map()
  #markOf: ReadonlyMap<Endpoint, string> = new Map()
  #ring: HashRing | null = null

  constructor(spec: StickySpec, secret: Buffer | string) {
    this.#spec = spec
    this.#secret = secret
  }

  /** The endpoint of the request's session; undefined when it has none, or one that is not available. */
  find(scope: MessageScope, available: readonly Endpoint[]): Endpoint | undefined {
    if (available !== this.#endpoints) this.#prepare(available)
    const { mode, appCookieName, lbCookieName } = this.#spec
    if (mode === 'CookieConsistentHash') {
      const value = cookieOf(scope.request.headers, appCookieName)
      return value === undefined || value === '' ? undefined : this.#ring?.find(value)
    }
    const mark = cookieOf(scope.request.headers, lbCookieName)
    return mark === undefined ? undefined : this.#byMark.get(mark)
  }

  /** Adds our cookie to an answer of `endpoint`, where the mode asks for it. */
  mark(scope: MessageScope, endpoint: Endpoint, response: Response): void {
    const { mode, appCookieName, lbCookieName, lbCookieExpire } = this.#spec
    if (mode === 'CookieConsistentHash') return
    if (mode === 'ApplicationBased' && !setsCookie(response.headers, appCookieName)) return
    const mark = this.#markOf.get(endpoint) ?? this.#sign(endpoint)
    const seconds = Math.floor(lbCookieExpire / 1_000)
    const secure = scope.request.scheme === 'https' ? '; Secure' : ''
    response.headers.add(
      'set-cookie',
      `${lbCookieName}=${mark}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`,
    )
  }

  #prepare(available: readonly Endpoint[]): void {
    this.#endpoints = available
    if (this.#spec.mode === 'CookieConsistentHash') {
      this.#ring = new HashRing(available)
      return
    }
    this.#markOf = new Map(available.map((endpoint) => [endpoint, this.#sign(endpoint)]))
    this.#byMark = new Map(available.map((endpoint) => [this.#sign(endpoint), endpoint]))
  }

  #sign(endpoint: Endpoint): string {
    return createHmac('sha256', this.#secret)
      .update(endpoint.url)
      .digest('base64url')
      .slice(0, MARK_LENGTH)
  }
}

/** Does a response set the cookie of this name? */
function setsCookie(headers: Headers, name: string): boolean {
  return headers.getAll('set-cookie').some((value) => value.trimStart().startsWith(`${name}=`))
}
