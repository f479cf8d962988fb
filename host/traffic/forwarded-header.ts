import { isIP } from 'node:net'

/** One element of a Forwarded field: what one proxy says about who was connected to it. */
export interface ForwardedHop {
  /** Null for a name that hides the address, or for none. */
  readonly address: string | null
  readonly host: string | null
  readonly proto: string | null
}

/**
 * Reads a Forwarded field (RFC 7239, section 4). From where it is malformed to the left nothing is read: the
 * right end is what the nearest proxy has written.
 */
export function parseForwarded(text: string): ForwardedHop[] {
  return splitQuoted(text, ',').map(parseHop)
}

function parseHop(element: string): ForwardedHop {
  const hop = {
    address: null as string | null,
    host: null as string | null,
    proto: null as string | null,
  }
  for (const pair of splitQuoted(element, ';')) {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;=]+))$/.exec(
      pair.trim(),
    )
    if (match === null) return { address: null, host: null, proto: null }
    const value = match[3] ?? (match[2] as string).replace(/\\(.)/g, '$1')
    const name = (match[1] as string).toLowerCase()
    if (name === 'for') hop.address = plainAddress(value)
    else if (name === 'host') hop.host = value
    else if (name === 'proto') hop.proto = value
  }
  return hop
}

/** The parts between separators that do not stand in a quoted text. */
function splitQuoted(text: string, separator: string): string[] {
  const parts: string[] = []
  let start = 0
  let isQuoted = false
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (character === '"') isQuoted = !isQuoted
    else if (character === '\\' && isQuoted) i += 1
    else if (character === separator && !isQuoted) {
      parts.push(text.slice(start, i))
      start = i + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}

/** One element as it is written. */
export function formatHop({ address, host, proto }: ForwardedHop): string {
  const pairs = [`for=${address?.includes(':') ? `"[${address}]"` : (address ?? 'unknown')}`]
  if (host !== null && host !== '') pairs.push(`host="${host.replace(/["\\]/g, '\\$&')}"`)
  if (proto !== null) pairs.push(`proto=${/^[a-z]+$/.test(proto) ? proto : 'unknown'}`)
  return pairs.join(';')
}

/** The address in `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]` or `[::1]:80`; null for anything else. */
export function plainAddress(text: string): string | null {
  if (isIP(text) !== 0) return text
  const match = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d{1,5})?$/.exec(text)
  const address = match?.[1] ?? match?.[2] ?? ''
  return isIP(address) === 0 ? null : address
}
