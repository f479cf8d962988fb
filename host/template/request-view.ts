import { parseCookies } from '../exchange/cookies.ts'
import type { Request } from '../exchange/request.ts'
import { textOf } from './functions/define.ts'
import { unescapeQuery } from './functions/escape.ts'
import { BodyView, HeaderView } from './message-view.ts'
import { runError } from './template-error.ts'
import { type Dict, GoObject, type Method, NO_FIELD, newDict, type Value } from './value.ts'

/** A request as Go's *http.Request, as far as templates use it. */
export class RequestView extends GoObject {
  readonly typeName = '*http.Request'
  readonly #request: Request
  readonly #body: BodyView
  #header: HeaderView | null = null

  constructor(request: Request, namespace: string) {
    super()
    this.#request = request
    this.#body = new BodyView(request.body, `the request in ${namespace}`)
  }

  override field(name: string): Value | typeof NO_FIELD {
    const request = this.#request
    switch (name) {
      case 'Method':
        return request.method
      case 'URL':
        return new UrlView(request)
      case 'Header':
        this.#header ??= new HeaderView(request.headers)
        return this.#header
      case 'Host':
        return request.host
      case 'Proto':
        return `HTTP/${request.httpVersion === '2' ? '2.0' : request.httpVersion}`
      case 'ProtoMajor':
        return request.httpVersion === '2' ? 2n : 1n
      case 'ProtoMinor':
        return request.httpVersion === '1.1' ? 1n : 0n
      case 'RemoteAddr':
        return request.remoteAddress
      case 'RequestURI':
        return request.target
      case 'ContentLength':
        return BigInt(
          request.body.isWhole ? request.body.whole().length : request.body.announcedLength,
        )
      default:
        return NO_FIELD
    }
  }

  override method(name: string): Method | undefined {
    const request = this.#request
    switch (name) {
      case 'UserAgent':
        return () => request.headers.get('user-agent') ?? ''
      case 'Referer':
        return () => request.headers.get('referer') ?? ''
      case 'RealIP':
        return () => request.remoteAddress
      case 'Scheme':
        return () => request.scheme
      case 'Path':
        return () => request.decodedPath
      case 'Cookie':
        return ([key]) => this.#cookie(textOf(key))
      case 'Cookies':
        return () => cookiesOf(request).map(([key, value]) => new CookieView(key, value))
      case 'FormValue':
        return ([key]) => this.#formValue(textOf(key), true)
      case 'PostFormValue':
        return ([key]) => this.#formValue(textOf(key), false)
      case 'Username':
        return () => basicUser(request)
      default:
        return this.#body.method(name)
    }
  }

  #cookie(name: string): Value {
    const found = cookiesOf(this.#request).find(([key]) => key === name)
    if (found === undefined) throw runError(`the request has no cookie "${name}"`)
    return new CookieView(found[0], found[1])
  }

  #formValue(name: string, withQuery: boolean): string {
    const type = this.#request.headers.get('content-type') ?? ''
    const isForm = /^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)
    const form = isForm ? valuesOf(this.#body.bytes.toString('utf8')) : newDict()
    const found = form[name] ?? (withQuery ? valuesOf(this.#request.query)[name] : undefined)
    return Array.isArray(found) ? String(found[0]) : ''
  }
}

/** The URL of a request as Go's *url.URL. */
class UrlView extends GoObject {
  readonly typeName = '*url.URL'
  readonly #request: Request

  constructor(request: Request) {
    super()
    this.#request = request
  }

  override field(name: string): Value | typeof NO_FIELD {
    switch (name) {
      case 'Path':
        return this.#request.decodedPath
      case 'RawPath':
        return this.#request.path === this.#request.decodedPath ? '' : this.#request.path
      case 'RawQuery':
        return this.#request.query
      case 'Scheme':
        return this.#request.scheme
      case 'Host':
        return this.#request.host
      case 'Fragment':
        return ''
      default:
        return NO_FIELD
    }
  }

  override method(name: string): Method | undefined {
    switch (name) {
      case 'Query':
        return () => new QueryView(this.#request.query)
      case 'EscapedPath':
        return () => this.#request.path
      case 'RequestURI':
      case 'String':
        return () => this.#request.target
      case 'Hostname':
        return () => this.#request.host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1')
      case 'Port':
        return () => /:(\d*)$/.exec(this.#request.host)?.[1] ?? ''
      default:
        return undefined
    }
  }

  override toString(): string {
    return this.#request.target
  }
}

/** The query as Go's url.Values. */
class QueryView extends GoObject {
  readonly typeName = 'url.Values'
  readonly #dict: Dict

  constructor(query: string) {
    super()
    this.#dict = Object.freeze(valuesOf(query))
  }

  override get dict(): Dict {
    return this.#dict
  }

  override method(name: string): Method | undefined {
    switch (name) {
      case 'Get':
        return ([key]) => {
          const values = this.#dict[textOf(key)]
          return Array.isArray(values) ? String(values[0]) : ''
        }
      case 'Has':
        return ([key]) => this.#dict[textOf(key)] !== undefined
      case 'Encode':
        return () => new URLSearchParams(pairsOf(this.#dict)).toString()
      default:
        return undefined
    }
  }
}

class CookieView extends GoObject {
  readonly typeName = '*http.Cookie'
  readonly #name: string
  readonly #value: string

  constructor(name: string, value: string) {
    super()
    this.#name = name
    this.#value = value
  }

  override field(name: string): Value | typeof NO_FIELD {
    if (name === 'Name') return this.#name
    return name === 'Value' ? this.#value : NO_FIELD
  }

  override toString(): string {
    return `${this.#name}=${this.#value}`
  }
}

function cookiesOf(request: Request): [string, string][] {
  return parseCookies(request.headers)
}

/** `a=1&a=2` as lists; pairs with a malformed escape are left out, as Go does. */
function valuesOf(query: string): { [key: string]: Value } {
  const values = newDict()
  for (const pair of query.split('&')) {
    if (pair === '' || pair.includes(';')) continue
    const equals = pair.indexOf('=')
    const key = unescapeQuery(equals < 0 ? pair : pair.slice(0, equals))
    const value = unescapeQuery(equals < 0 ? '' : pair.slice(equals + 1))
    if (key === null || value === null) continue
    const list = values[key]
    if (Array.isArray(list)) list.push(value)
    else values[key] = [value]
  }
  return values
}

function pairsOf(dict: Dict): [string, string][] {
  const pairs: [string, string][] = []
  for (const key of Object.keys(dict).sort()) {
    for (const value of dict[key] as readonly Value[]) pairs.push([key, String(value)])
  }
  return pairs
}

function basicUser(request: Request): string {
  const match = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(request.headers.get('authorization') ?? '')
  const text = Buffer.from(match?.[1] ?? '', 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? '' : text.slice(0, colon)
}
