import type { CircuitBreakerSpec } from '../resilience/circuit-breaker.ts'
import type { RetrySpec } from '../resilience/retry.ts'
import type { Usage } from '../usage-pool.ts'
import type { BalanceSpec, UpstreamEnv } from './balance-spec.ts'
import type { CacheSpec } from './cache/cache-rules.ts'
import type { CompressionSpec } from './compression.ts'
import type { Discovery } from './discovery/discovery.ts'
import { DnsDiscovery, type DnsSpec } from './discovery/dns.ts'
import { FileDiscovery, type FileSpec } from './discovery/file.ts'
import type { ServerSpec } from './endpoint.ts'
import type { StickySpec } from './sticky-session.ts'

/** One pool of a Proxy, ready to run: names are resolved, defaults are filled in. */
export interface ProxyPoolSpec {
  /** Which pool of its filter it is; stays the same over changes. */
  readonly pool: string
  /** What its attempts are called in traces. */
  readonly spanName: string
  /** Used as they are, or until something is discovered. */
  readonly servers: readonly ServerSpec[]
  readonly dns: DnsSpec | null
  readonly file: FileSpec | null
  readonly balance: BalanceSpec
  /** The secret is "" for one made at random, which lives as long as the process. */
  readonly sticky: (StickySpec & { readonly secret: string }) | null
  /** For each attempt; 0 for no limit. */
  readonly timeoutMs: number
  /** What a client gets when no endpoint has answered in time. */
  readonly timeoutStatus: number
  /** Empty for every 5xx. */
  readonly failureCodes: readonly number[]
  readonly maxRedirection: number
  /** 0 or less for no limit. */
  readonly maxBodyBytes: number
  /** Requests under way at once; 0 for no limit. */
  readonly maxRequests: number
  readonly memoryCache: CacheSpec | null
  readonly compression: CompressionSpec | null
  readonly breaker: CircuitBreakerSpec | null
  readonly retry: RetrySpec | null
}

/** The discovery of a pool, shared by the generations that ask for the same; null for static servers. */
export function acquireDiscovery(spec: ProxyPoolSpec, env: UpstreamEnv): Usage<Discovery> | null {
  const { dns, file } = spec
  const acquire = (what: string, key: unknown, create: () => Discovery): Usage<Discovery> =>
    env.shared.acquire(`${what} ${env.owner} ${JSON.stringify(key)}`, create, (unused) =>
      unused.close(),
    )
  if (dns !== null) return acquire('dns', dns, () => new DnsDiscovery(dns, env.log))
  if (file === null) return null
  const { path, baseDir, tags } = file
  return acquire('file', [path, baseDir, tags], () => new FileDiscovery(file, env.log))
}
