import type { Headers } from './headers.ts'

/** Cookies of one request that are looked at. */
export const MAX_COOKIES = 200

/**
 * The cookies of a request, in order. What is no `name=value` is passed over; a value in quotes loses them
 * (RFC 6265, section 5.4; Go does the same).
 */
export function parseCookies(headers: Headers): [name: string, value: string][] {
  const cookies: [string, string][] = []
  for (const field of headers.getAll('cookie')) {
    for (const part of field.split(';')) {
      const equals = part.indexOf('=')
      if (equals < 0) continue
      const name = part.slice(0, equals).trim()
      if (name === '') continue
      const value = part.slice(equals + 1).trim()
      cookies.push([name, value.replace(/^"(.*)"$/, '$1')])
      if (cookies.length >= MAX_COOKIES) return cookies
    }
  }
  return cookies
}

/** The value of a cookie, or undefined. */
export function cookieOf(headers: Headers, name: string): string | undefined {
  return parseCookies(headers).find(([key]) => key === name)?.[1]
}
