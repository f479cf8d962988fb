import { CLASS, HEX_VALUE, HOST } from './bytes.ts'

/** A target in absolute-form, taken apart. */
export interface AbsoluteTarget {
  readonly authority: string
  /** Origin-form; "*" for OPTIONS without a path. */
  readonly target: string
}

/** The longest host name: 255 octets (RFC 1035), a colon and a port. */
export const MAX_AUTHORITY_LENGTH = 261

/**
 * Is `text` a host with an optional port (RFC 3986, section 3.2.2), without user information? Of reg-name
 * only letters, digits and "-._~" are taken: the rest has no meaning in a name that is looked up, and is
 * read in different ways by different servers.
 */
export function isAuthority(text: string): boolean {
  if (text.length === 0 || text.length > MAX_AUTHORITY_LENGTH) return false
  let at = 0
  if (text.charCodeAt(0) === 0x5b) {
    at = text.indexOf(']') + 1
    if (at < 4 || !isIpv6(text.slice(1, at - 1))) return false
  } else {
    while (at < text.length && ((CLASS[text.charCodeAt(at)] ?? 0) & HOST) !== 0) at += 1
    if (at === 0) return false
  }
  return at === text.length || isPort(text, at)
}

function isPort(text: string, colon: number): boolean {
  const digits = text.length - colon - 1
  if (text.charCodeAt(colon) !== 0x3a || digits < 1 || digits > 5) return false
  let port = 0
  for (let i = colon + 1; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return false
    port = port * 10 + digit
  }
  return port <= 65_535
}

function isIpv6(text: string): boolean {
  return /^[0-9A-Fa-f:.]+$/.test(text) && text.includes(':')
}

/** Takes `http://authority/path` apart; null when it is not that (RFC 9112, section 3.2.2). */
export function parseAbsoluteTarget(text: string): AbsoluteTarget | null {
  const match = /^https?:\/\/([^/?]*)(.*)$/i.exec(text)
  if (match === null) return null
  const authority = match[1] as string
  const rest = match[2] as string
  if (!isAuthority(authority)) return null
  if (rest === '') return { authority, target: '*' }
  return { authority, target: rest.startsWith('?') ? `/${rest}` : rest }
}

/**
 * A path in its normal form, so that the route that is chosen and the path an upstream sees cannot differ
 * (RFC 3986, section 6.2.2): escapes of unreserved characters are decoded, "." and ".." segments resolved.
 * Null when the path is refused: an escape that is not two hexadecimal digits, an escaped control
 * character, or an escaped slash that would hide a dot segment.
 */
export function normalizePath(path: string): string | null {
  const decoded = path.indexOf('%') < 0 ? path : decodeUnreserved(path)
  if (decoded === null) return null
  if (decoded.indexOf('%') >= 0 && hidesDotSegment(decoded)) return null
  return decoded.indexOf('/.') < 0 ? decoded : removeDotSegments(decoded)
}

function decodeUnreserved(path: string): string | null {
  let decoded = ''
  let copied = 0
  for (let at = path.indexOf('%'); at >= 0; at = path.indexOf('%', at + 3)) {
    const high = HEX_VALUE[path.charCodeAt(at + 1)] ?? -1
    const low = HEX_VALUE[path.charCodeAt(at + 2)] ?? -1
    if (high < 0 || low < 0) return null
    const code = high * 16 + low
    if (code < 0x20 || code === 0x7f) return null
    // The class of host characters is exactly "unreserved".
    if (((CLASS[code] as number) & HOST) === 0) continue
    decoded += path.slice(copied, at) + String.fromCharCode(code)
    copied = at + 3
  }
  return copied === 0 ? path : decoded + path.slice(copied)
}

/** Does an escaped slash or backslash stand beside dots that a decoding server would take as a segment? */
function hidesDotSegment(path: string): boolean {
  if (!/%(?:2f|5c)/i.test(path)) return false
  return /(?:^|[/\\])\.\.?(?:[/\\]|$)/.test(path.replace(/%2f/gi, '/').replace(/%5c/gi, '\\'))
}

function removeDotSegments(path: string): string {
  const kept: string[] = []
  const segments = path.split('/')
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i] as string
    const isLast = i === segments.length - 1
    if (segment === '.' || segment === '..') {
      if (segment === '..') kept.pop()
      if (isLast) kept.push('')
    } else kept.push(segment)
  }
  return `/${kept.join('/')}`
}
