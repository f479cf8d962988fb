import type { BalanceSpec } from '../upstream/balance-spec.ts'
import type { CompressionSpec } from '../upstream/compression.ts'
import type { ProxyPoolSpec } from '../upstream/proxy-pool-spec.ts'
import type { FilterEnv } from './env.ts'
import type { PoolSpec } from './proxy-pool-spec.ts'
import { serversFile } from './servers-spec.ts'

/** Envoy's default, for pools that eject. */
const PANIC_PERCENT = 50

/** What a Proxy says for all of its pools. */
export interface ProxyDefaults {
  readonly compression?: CompressionSpec | undefined
  readonly maxRedirection: number
  readonly serverMaxBodySize: number
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
    servers: pool.servers,
    dns: pool.discovery?.dns ?? null,
    file:
      pool.discovery?.file === undefined
        ? null
        : {
            path: pool.discovery.file.path,
            baseDir: env.baseDir,
            tags: pool.serverTags,
            schema: serversFile,
          },
    balance: balanceOf(pool),
    sticky:
      stickySession === undefined
        ? null
        : { ...stickySession, secret: stickySession.lbCookieSecret },
    timeoutMs: pool.timeout,
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

/** How the servers of a pool are chosen among and looked after. */
export function balanceOf(pool: PoolSpec): BalanceSpec {
  const { healthCheck, outlierDetection, slowStart, loadBalance } = pool
  return {
    policy: loadBalance.policy,
    headerHashKey: loadBalance.headerHashKey.toLowerCase(),
    setUpstreamHost: pool.setUpstreamHost,
    healthCheck:
      healthCheck === undefined
        ? null
        : {
            ...healthCheck,
            passes: healthCheck.passes ?? healthCheck.pass ?? 1,
            match: { ...healthCheck.match, body: healthCheck.match.body ?? null },
          },
    outlierDetection: outlierDetection ?? null,
    slowStart: slowStart ?? null,
    healthyPanicThreshold:
      pool.healthyPanicThreshold ?? (outlierDetection === undefined ? 0 : PANIC_PERCENT),
  }
}
