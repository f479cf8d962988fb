import { GatewayError } from '../../errors.ts'

/** What keeps a client with one version while two of them serve. */
export interface Sticky {
  readonly by: 'client' | 'header' | 'cookie'
  /** The header, lower case, or the cookie; "" for `client`. */
  readonly name: string
}

/** Clients keep their version by their address. */
export const DEFAULT_STICKY = 'client'

/** `client`, `header:NAME` or `cookie:NAME`; anything else is PLUGIN_CANARY. */
export function parseSticky(text: string): Sticky {
  if (text === 'client') return { by: 'client', name: '' }
  const colon = text.indexOf(':')
  const by = text.slice(0, colon)
  const name = text.slice(colon + 1)
  // A name of a header or a cookie is a token (RFC 9110, section 5.6.2; RFC 6265, section 4.1.1).
  const isToken = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/.test(name)
  if (by === 'header' && isToken) return { by, name: name.toLowerCase() }
  if (by === 'cookie' && isToken) return { by, name }
  throw new GatewayError('PLUGIN_CANARY', {
    reason: `"${text}" is no way to stick; it is client, header:NAME or cookie:NAME`,
  })
}

/** `5%`, `0.5%` or `5` as a number of percent; PLUGIN_CANARY unless it is more than 0 and at most 100. */
export function parsePercent(text: string): number {
  const percent = /^\d+(?:\.\d+)?%?$/.test(text) ? Number.parseFloat(text) : Number.NaN
  if (percent > 0 && percent <= 100) return percent
  throw new GatewayError('PLUGIN_CANARY', {
    reason: `"${text}" is no share; it is more than 0% and at most 100%, for instance 5%`,
  })
}
