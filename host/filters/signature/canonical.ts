import type { Request } from '../../exchange/request.ts'
import { compareText } from '../../template/value.ts'

/** The path: what is encoded is encoded once more, as AWS does for all services but S3. */
export function canonicalPath(path: string): string {
  return path === '' ? '/' : path.replace(/[^A-Za-z0-9\-._~/]/g, escapeByte)
}

/**
 * The query without some fields, sorted. A blank is `%20`, as AWS has it; with `hasPlus` it is `+`, as
 * Easegress writes it.
 */
export function canonicalQuery(
  query: string,
  without: ReadonlySet<string>,
  hasPlus: boolean,
): string {
  const pairs: [string, string][] = []
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decode(equals < 0 ? pair : pair.slice(0, equals))
    if (without.has(name)) continue
    pairs.push([name, decode(equals < 0 ? '' : pair.slice(equals + 1))])
  }
  pairs.sort(([a, x], [b, y]) => compareText(a, b) || compareText(x, y))
  const text = pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
  return hasPlus ? text.replaceAll('%20', '+') : text
}

/** The first value of a query field, or undefined. */
export function queryValue(query: string, name: string): string | undefined {
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=')
    if (equals >= 0 && decode(pair.slice(0, equals)) === name) return decode(pair.slice(equals + 1))
  }
  return undefined
}

/** `name:value` and a line feed for each name; the values of one name are joined, blanks are collapsed. */
export function canonicalHeaders(request: Request, names: readonly string[]): string {
  return names.map((name) => `${name}:${headerValue(request, name)}\n`).join('')
}

function headerValue(request: Request, name: string): string {
  if (name === 'host') return canonicalHost(request)
  return request.headers
    .getAll(name)
    .map((value) => value.replace(/^ +| +$/g, '').replace(/ +/g, ' '))
    .join(',')
}

/** The host without the port that the scheme has anyway. */
function canonicalHost({ host, scheme }: Request): string {
  return host.replace(scheme === 'https' ? /:(?:443)?$/ : /:(?:80)?$/, '')
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(/[!'()*]/g, escapeByte)
}

function escapeByte(sign: string): string {
  return `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

function decode(text: string): string {
  const plain = text.replaceAll('+', ' ')
  try {
    return decodeURIComponent(plain)
  } catch {
    // Not UTF-8: what was sent stays as it is, and the signature will not fit.
    return plain
  }
}
