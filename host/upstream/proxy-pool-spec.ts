import type { CircuitBreakerSpec } from '../resilience/circuit-breaker.ts'
import type { RetrySpec } from '../resilience/retry.ts'
import type { BalanceSpec } from './balance-spec.ts'
import type { CacheSpec } from './cache/cache-rules.ts'
import type { CompressionSpec } from './compression.ts'
import type { ServerSource } from './discovered-servers.ts'
import type { StickySpec } from './sticky-session.ts'

/** One pool of a Proxy, ready to run: names are resolved, defaults are filled in. */
export interface ProxyPoolSpec extends ServerSource {
  /** Which pool of its filter it is; stays the same over changes. */
  readonly pool: string
  /** What its attempts are called in traces. */
  readonly spanName: string
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
