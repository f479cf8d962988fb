import { cookieOf, parseCookies } from '../../exchange/cookies.ts'
import { isToken } from '../../exchange/field-rules.ts'
import type { Headers } from '../../exchange/headers.ts'
import { GuestMisuse } from './guest-misuse.ts'

/*
 * Cookies as Easegress's guests see them: each one text in the form of a Set-Cookie field (RFC 6265,
 * section 4.1), `name=value` and, for a response, attributes after it.
 */

/** The cookie of this name; "" when there is none. */
export function readCookie(headers: Headers, name: string): string {
  const value = cookieOf(headers, name)
  return value === undefined ? '' : formatCookie(name, value)
}

/** Every cookie of a request, in order. */
export function readCookies(headers: Headers): string[] {
  return parseCookies(headers).map(([name, value]) => formatCookie(name, value))
}

/** The value a Cookie field has when this one is added to those of `headers`. */
export function addCookie(headers: Headers, text: string): string {
  const [first = ''] = text.split(';')
  const { name, value } = parsePair(first)
  return [...headers.getAll('cookie'), formatCookie(name, value)].join('; ')
}

/** The text of a Set-Cookie field; fails when it sets no cookie. */
export function checkSetCookie(text: string): string {
  const [first = '', ...attributes] = text.split(';').map((part) => part.trim())
  const { name, value } = parsePair(first)
  return [formatCookie(name, value), ...attributes.filter((part) => part !== '')].join('; ')
}

function parsePair(text: string): { readonly name: string; readonly value: string } {
  const equals = text.indexOf('=')
  const name = text.slice(0, equals).trim()
  const value = text
    .slice(equals + 1)
    .trim()
    .replace(/^"(.*)"$/, '$1')
  if (equals < 0 || !isToken(name) || !/^[ !#-:<-[\]-~]*$/.test(value)) {
    throw new GuestMisuse(`"${text}" is no cookie`)
  }
  return { name, value }
}

/** A value with a space or a comma stands in quotes: Go writes it so, and reads it so. */
function formatCookie(name: string, value: string): string {
  return /[ ,]/.test(value) ? `${name}="${value}"` : `${name}=${value}`
}
