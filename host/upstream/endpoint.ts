import { isIP } from 'node:net'
import type { HttpClient } from '../http/engine.ts'
import type { Usage } from '../usage-pool.ts'

/** One address of an upstream, with the client that connects to it. */
export interface Endpoint {
  /** `http://host:port`, as it was written. */
  readonly url: string
  /** Put before the path of every request; "" for none. */
  readonly basePath: string
  /** The Host field the upstream sees; null passes on what the client asked for. */
  readonly host: string | null
  readonly client: Usage<HttpClient>
}

/** The parts of a server's URL that a request needs. */
export interface EndpointAddress {
  readonly origin: string
  readonly basePath: string
  readonly host: string | null
}

/**
 * Easegress's rule for the Host field: a server named by its host name gets that name, one named by an
 * IP address gets what the client asked for, and `keepHost` passes the client's on in any case.
 */
export function parseEndpoint(url: string, keepHost: boolean): EndpointAddress {
  const parsed = new URL(url)
  const hostname = parsed.hostname.replace(/^\[|\]$/g, '')
  const basePath = parsed.pathname === '/' ? '' : parsed.pathname.replace(/\/$/, '')
  const keepsHost = keepHost || isIP(hostname) !== 0
  return { origin: parsed.origin, basePath, host: keepsHost ? null : parsed.host }
}
