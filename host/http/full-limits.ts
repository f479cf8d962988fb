import { MAX_REQUEST_LINE } from './check.ts'
import type { ServerLimits } from './engine.ts'

/** The limits of a listener with nothing left open. */
export type FullLimits = Required<ServerLimits>

/** What holds where the configuration does not say. */
const DEFAULTS = {
  maxRequestLineBytes: MAX_REQUEST_LINE,
  bodyIdleTimeoutMs: 30_000,
  minBodyRate: 1_024,
  bodyTimeoutMs: 300_000,
  requestTimeoutMs: 60_000,
  writeIdleTimeoutMs: 60_000,
  maxRequestsPerConnection: 10_000,
  maxTunnels: 8_192,
  tunnelIdleTimeoutMs: 300_000,
}

/** Fills in the defaults. Once per change, so that nobody has to ask twice per request. */
export function fullLimits(limits: ServerLimits): FullLimits {
  return { ...DEFAULTS, ...limits }
}
