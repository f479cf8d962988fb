import type { Request } from '../exchange/request.ts'
import { takeOverClaims } from '../http/forward.ts'
import { isAuthority } from '../http/native/target.ts'
import { type ForwardedHop, formatHop, parseForwarded, plainAddress } from './forwarded-header.ts'
import { IpFilter } from './ip-filter.ts'

/** Hops that are looked at; who has more proxies in a row has a loop. */
export const MAX_HOPS = 32

/** Which field says where a request came from. */
export type ForwardedField = 'X-Forwarded-For' | 'Forwarded'

/**
 * Believes what proxies in front of us say about the client, when the connection comes from one of them.
 *
 * Addresses are read from the right: the last one was written by the proxy that is connected, so it is true;
 * it is the client unless it is a trusted proxy itself, and then the one before it counts. What stands
 * further to the left was written by the client and is dropped. Only one of the two fields is read, because a
 * proxy that writes the one passes on the other as the client sent it.
 */
export class TrustedProxies {
  readonly #trusted: IpFilter
  readonly #field: ForwardedField

  constructor(ranges: readonly string[], field: ForwardedField) {
    this.#trusted = new IpFilter({ blockByDefault: true, allowIPs: ranges, blockIPs: [] })
    this.#field = field
  }

  /**
   * Gives `request` the address, and the scheme, of the client, and keeps of the forwarded fields what is
   * true. False when the connection is not from a trusted proxy: then nothing is changed.
   */
  believe(request: Request): boolean {
    if (!this.#trusted.isAllowed(request.remoteAddress)) return false
    if (this.#field === 'Forwarded') this.#believeForwarded(request)
    else this.#believeForwardedFor(request)
    return true
  }

  #believeForwardedFor(request: Request): void {
    const { headers, remoteAddress: peer } = request
    const values = headers.getAll('x-forwarded-for').join(',').split(',')
    const hops = values.slice(-MAX_HOPS).map((value) => plainAddress(value.trim()))
    const proto = schemeOf(headers.getAll('x-forwarded-proto'))
    const host = onlyOne(headers.getAll('x-forwarded-host'))
    const port = onlyOne(headers.getAll('x-forwarded-port'))
    takeOverClaims(headers)
    const believed = hops.slice(this.#firstBelieved(hops))
    headers.set('X-Forwarded-For', [...believed, peer].join(', '))
    if (proto !== null) headers.set('X-Forwarded-Proto', proto)
    if (host !== null && isAuthority(host)) headers.set('X-Forwarded-Host', host)
    if (port !== null && /^\d{1,5}$/.test(port)) headers.set('X-Forwarded-Port', port)
    request.remoteAddress = believed[0] ?? peer
    if (proto !== null) request.scheme = proto
  }

  #believeForwarded(request: Request): void {
    const { headers, remoteAddress: peer, host, scheme } = request
    const hops = parseForwarded(headers.getAll('forwarded').join(',')).slice(-MAX_HOPS)
    takeOverClaims(headers)
    const believed = hops.slice(this.#firstBelieved(hops.map(({ address }) => address)))
    const first = believed[0]
    const own: ForwardedHop = { address: peer, host, proto: scheme }
    headers.set('Forwarded', [...believed, own].map(formatHop).join(', '))
    headers.set('X-Forwarded-For', [...believed, own].map(({ address }) => address).join(', '))
    if (first === undefined) return
    request.remoteAddress = first.address ?? peer
    const proto = schemeOf([first.proto ?? ''])
    if (proto !== null) {
      request.scheme = proto
      headers.set('X-Forwarded-Proto', proto)
    }
    if (first.host !== null && isAuthority(first.host)) {
      headers.set('X-Forwarded-Host', first.host)
    }
  }

  /** The index of the client among `hops`; their number when none can be believed. */
  #firstBelieved(hops: readonly (string | null)[]): number {
    let first = hops.length
    while (first > 0) {
      const address = hops[first - 1]
      if (address === null || address === undefined) break
      first -= 1
      if (!this.#trusted.isAllowed(address)) break
    }
    return first
  }
}

function onlyOne(values: readonly string[]): string | null {
  return values.length === 1 ? (values[0] as string) : null
}

function schemeOf(values: readonly string[]): 'http' | 'https' | null {
  const value = onlyOne(values)?.toLowerCase()
  return value === 'http' || value === 'https' ? value : null
}
