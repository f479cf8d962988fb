import type { Clock } from '../clock.ts'
import type { HttpEngine } from '../http/engine.ts'
import type { UpstreamTls } from '../http/tls/upstream-tls.ts'
import type { Logger } from '../observe/log.ts'
import type { UsagePool } from '../usage-pool.ts'
import type { ConnectionLimits } from './connection-limits.ts'
import type { RegistryHub } from './discovery/registry-hub.ts'
import type { HealthCheckSpec } from './health.ts'
import type { OutlierSpec } from './outlier.ts'
import type { SlowStartSpec } from './slow-start.ts'

/** How the servers of a pool are chosen among and looked after. */
export interface BalanceSpec {
  readonly policy: string
  /** Lowercase; "" when none is named. */
  readonly headerHashKey: string
  readonly setUpstreamHost: boolean
  readonly healthCheck: HealthCheckSpec | null
  readonly outlierDetection: OutlierSpec | null
  readonly slowStart: SlowStartSpec | null
  /** Percent; 0 never panics. */
  readonly healthyPanicThreshold: number
  /** Left out: the defaults. */
  readonly connections?: ConnectionLimits
  /** For servers that speak TLS. Left out: certificates are verified as usual. */
  readonly tls?: UpstreamTls | null
}

/** What the parts of a pool are given beside their spec. */
export interface UpstreamEnv {
  /** Who they belong to: state is shared by the generations of one owner only. */
  readonly owner: string
  readonly engine: HttpEngine
  /** Clients, and state that outlives generations: kept while one of them uses it. */
  readonly shared: UsagePool
  /** The service registries that run. */
  readonly registries: RegistryHub
  readonly clock: Clock
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  readonly log: Logger
}
