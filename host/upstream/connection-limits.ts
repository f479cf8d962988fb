/** Limits of the connections to each server of a pool. */
export interface ConnectionLimits {
  /** Time to connect. */
  readonly connectTimeoutMs: number
  /** An answer whose body stands still this long is broken off. */
  readonly idleTimeoutMs: number
  /** A connection nobody uses is kept this long, unless the server says otherwise. */
  readonly keepAliveTimeoutMs: number
  /** Connections to one server; more requests wait for one. */
  readonly maxConnections: number
}

/** What holds where the configuration does not say; the defaults of a pool. */
export const CONNECTION_LIMITS: ConnectionLimits = {
  connectTimeoutMs: 2_000,
  idleTimeoutMs: 60_000,
  keepAliveTimeoutMs: 4_000,
  maxConnections: 1_024,
}
