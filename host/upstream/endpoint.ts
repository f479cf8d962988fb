import { isIP } from 'node:net'
import type { HttpClient } from '../http/engine.ts'
import type { Usage } from '../usage-pool.ts'
import type { EndpointState } from './endpoint-state.ts'

/** One server of a pool, as it is written. */
export interface ServerSpec {
  readonly url: string
  readonly tags: readonly string[]
  /** Share of the traffic for the policies that know weights; 1 when no server has one. */
  readonly weight: number
  readonly keepHost: boolean
  /** The Host field for a server that was found by a name; "" leaves it to the URL. */
  readonly host?: string
}

/** One address of an upstream, with the client that connects to it. */
export interface Endpoint {
  /** `http://host:port`, as it was written. */
  readonly url: string
  /** `http://host:port` alone: what a client is made for. */
  readonly origin: string
  /** Put before the path of every request; "" for none. */
  readonly basePath: string
  /** The Host field the upstream sees; null passes on what the client asked for. */
  readonly host: string | null
  readonly weight: number
  readonly client: Usage<HttpClient>
  /** What is known about it, shared by all generations that use it. */
  readonly state: EndpointState
}

/** The parts of a server's URL that a request needs. */
export interface EndpointAddress {
  readonly origin: string
  readonly basePath: string
  readonly host: string | null
}

/**
 * Easegress's rule for the Host field: a server named by its host name gets that name, one named by an IP
 * address gets what the client asked for. `keepHost` passes the client's on in any case, `setUpstreamHost`
 * sends the server's; `keepHost` goes first. `foundBy` is the name that led to the address, "" for none.
 */
export function parseEndpoint(
  url: string,
  keepHost: boolean,
  setUpstreamHost = false,
  foundBy = '',
): EndpointAddress {
  const parsed = new URL(url)
  const hostname = parsed.hostname.replace(/^\[|\]$/g, '')
  const basePath = parsed.pathname === '/' ? '' : parsed.pathname.replace(/\/$/, '')
  const isNamed = foundBy !== '' || isIP(hostname) === 0
  const keepsHost = keepHost || (!setUpstreamHost && !isNamed)
  const host = foundBy === '' ? parsed.host : foundBy
  return { origin: parsed.origin, basePath, host: keepsHost ? null : host }
}
