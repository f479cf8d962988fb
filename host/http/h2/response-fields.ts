import type { OutgoingHttpHeaders } from 'node:http2'
import type { Body } from '../../exchange/body.ts'
import { isFieldValue, isToken } from '../../exchange/field-rules.ts'
import type { Headers } from '../../exchange/headers.ts'
import { endToEndFields, isTrailerField } from '../forward.ts'
import { ALLOWED_METHODS } from '../node/local-answer.ts'

/**
 * The fields of an answer as Node takes them for HTTP/2: lowercase, without what belongs to a connection. Null
 * when one is not valid. Date is added by Node.
 */
export function responseFields(status: number, headers: Headers): OutgoingHttpHeaders | null {
  if (!Number.isInteger(status) || status < 200 || status > 599) return null
  const fields: OutgoingHttpHeaders = Object.create(null) as OutgoingHttpHeaders
  fields[':status'] = status
  return addFields(fields, endToEndFields(headers.list)) ? fields : null
}

/** Trailers as Node takes them; those that may not stand there are left out. */
export function trailerFields(trailers: readonly string[] | null): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = Object.create(null) as OutgoingHttpHeaders
  if (trailers === null) return fields
  for (let i = 0; i < trailers.length; i += 2) {
    const name = trailers[i] as string
    if (isTrailerField(name)) addFields(fields, [name, trailers[i + 1] as string])
  }
  return fields
}

/** Adds the fields of a flat list; false when one of them is not valid. */
export function addFields(fields: OutgoingHttpHeaders, list: readonly string[]): boolean {
  for (let i = 0; i < list.length; i += 2) {
    const name = (list[i] as string).toLowerCase()
    const value = list[i + 1] as string
    if (!isToken(name) || !isFieldValue(value)) return false
    const known = fields[name]
    if (known === undefined) fields[name] = value
    else if (Array.isArray(known)) known.push(value)
    else fields[name] = [String(known), value]
  }
  return true
}

/** The length a GET would have had, for HEAD and 304; -1 for none (RFC 9110, section 8.6). */
export function bodilessLength(status: number, isHead: boolean, body: Body): number {
  if (status === 204) return -1
  const length = body.isWhole && !body.isEmpty ? body.whole().length : body.announcedLength
  return length > 0 || (isHead && length === 0) ? length : -1
}

/** An answer that the engine gives by itself. */
export function localFields(status: number, length: number): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = Object.create(null) as OutgoingHttpHeaders
  fields[':status'] = status
  fields['content-type'] = 'text/plain; charset=utf-8'
  fields['content-length'] = length
  if (status === 405) fields['allow'] = ALLOWED_METHODS
  if (status === 503) fields['retry-after'] = '1'
  return fields
}
