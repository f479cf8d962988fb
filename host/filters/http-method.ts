import { z } from '../config/schema.ts'

/** The methods that a configuration may name: those of HTTP (RFC 9110, section 9) and PATCH. */
export const HTTP_METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
] as const

/** The name of a method, in whatever case; the output is in upper case. */
export function methodName() {
  return z
    .string()
    .transform((name) => name.toUpperCase())
    .pipe(z.enum(HTTP_METHODS))
}
