import type { BalanceSpec } from '../upstream/balance-spec.ts'
import type { CompressionSpec } from '../upstream/compression.ts'
import type { ProxyPoolSpec } from '../upstream/proxy-pool-spec.ts'
import type { FilterEnv } from './env.ts'
import { compileHealthCheck } from './health-check-spec.ts'
import { balanceKeyOf } from './load-balance-spec.ts'
import type { PoolSpec } from './proxy-pool-spec.ts'
import { serverSource, serversFile } from './servers-spec.ts'
import { compileUpstreamTls, type MtlsSpec } from './upstream-tls-spec.ts'

/** Envoy's default, for pools that eject. */
const PANIC_PERCENT = 50

/** An upstream that is late is the gateway's failure to answer (RFC 9110, section 15.6.5)… */
const TIMEOUT_STATUS = 504
/** …and in Easegress the client's failure to ask in time. */
const EASEGRESS_TIMEOUT_STATUS = 408

/** What a Proxy says for all of its pools. */
export interface ProxyDefaults {
  readonly compression?: CompressionSpec | undefined
  readonly maxRedirection: number
  readonly serverMaxBodySize: number
  readonly mtls?: MtlsSpec | undefined
}

/** A pool ready to run: names of policies are resolved and the defaults of the filter are filled in. */
export function compilePool(
  pool: PoolSpec,
  defaults: ProxyDefaults,
  env: FilterEnv,
): ProxyPoolSpec {
  const { stickySession } = pool.loadBalance
  return {
    pool: pool.filter === undefined ? 'main' : JSON.stringify(pool.filter),
    spanName: pool.spanName === '' ? env.filter : pool.spanName,
    ...serverSource(pool, env.baseDir, serversFile),
    balance: balanceOf(pool, defaults.mtls),
    sticky:
      stickySession === undefined
        ? null
        : { ...stickySession, secret: stickySession.lbCookieSecret },
    timeoutMs: pool.timeout,
    timeoutStatus: env.isEasegress ? EASEGRESS_TIMEOUT_STATUS : TIMEOUT_STATUS,
    failureCodes: pool.failureCodes,
    maxRedirection: defaults.maxRedirection,
    maxBodyBytes: pool.serverMaxBodySize ?? defaults.serverMaxBodySize,
    maxRequests: pool.maxRequests,
    memoryCache: pool.memoryCache ?? null,
    compression: defaults.compression ?? null,
    breaker: env.policies.circuitBreaker(pool.circuitBreakerPolicy),
    retry: env.policies.retry(pool.retryPolicy),
  }
}

/**
 * How the servers of a pool are chosen among and looked after; `mtls` is that of the filter. Fails with
 * TLS_CERTIFICATE.
 */
export function balanceOf(pool: PoolSpec, mtls: MtlsSpec | undefined): BalanceSpec {
  const { healthCheck, outlierDetection, slowStart, loadBalance } = pool
  return {
    policy: loadBalance.policy,
    headerHashKey: balanceKeyOf(loadBalance),
    setUpstreamHost: pool.setUpstreamHost,
    healthCheck: healthCheck === undefined ? null : compileHealthCheck(healthCheck),
    outlierDetection: outlierDetection ?? null,
    slowStart: slowStart ?? null,
    connections: {
      connectTimeoutMs: pool.connectTimeout,
      idleTimeoutMs: pool.idleTimeout,
      keepAliveTimeoutMs: pool.keepAliveTimeout,
      maxConnections: pool.maxConnections,
    },
    tls: compileUpstreamTls(pool.tls, mtls),
    healthyPanicThreshold:
      pool.healthyPanicThreshold ?? (outlierDetection === undefined ? 0 : PANIC_PERCENT),
  }
}
