import type { Body } from '../../exchange/body.ts'
import { isFieldValue, isToken } from '../../exchange/field-rules.ts'
import { isTrailerField } from '../forward.ts'
import type { GatewayResponse } from './message.ts'

/** The Content-Length of an answer that has no body; -1 for none (RFC 9110, section 8.6). */
export function bodylessLength(status: number, isHead: boolean, body: Body): number {
  if (status === 204) return -1
  const length = body.isWhole && !body.isEmpty ? body.whole().length : body.announcedLength
  // A 304 names the length of what it does not send; 0 is only what an empty body says of itself.
  return isHead || length > 0 ? length : -1
}

/** The Content-Length of a body that is streamed; -1 for chunks, which a whole body with trailers needs. */
export function streamLength(body: Body): number {
  return body.isWhole ? -1 : body.announcedLength
}

/** Announces what comes after the last chunk; fields that may not stand there are left out. */
export function addTrailers(res: GatewayResponse, trailers: readonly string[]): void {
  const pairs: [string, string][] = []
  for (let i = 0; i < trailers.length; i += 2) {
    const name = trailers[i] as string
    const value = trailers[i + 1] as string
    // Node throws for the whole section when one of them is not valid.
    if (isToken(name) && isFieldValue(value) && isTrailerField(name)) pairs.push([name, value])
  }
  res.addTrailers(pairs)
}
