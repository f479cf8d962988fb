import { GatewayError } from '../errors.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { Availability } from './availability.ts'
import type { BalanceSpec, UpstreamEnv } from './balance-spec.ts'
import type { Endpoint, ServerSpec } from './endpoint.ts'
import type { EndpointState } from './endpoint-state.ts'
import { OutlierDetector } from './outlier.ts'
import { BALANCE_POLICIES } from './policies/builtin.ts'
import type { BalancePolicy, BalancePolicyKind } from './policies/policy.ts'
import { acquireEndpoint, type PoolEndpoint } from './pool-endpoint.ts'
import { SlowStart } from './slow-start.ts'

/** The endpoints of one pool of a Proxy, and the policy that chooses among those that are available. */
export class ServerPool {
  /** True when somebody has to count the requests under way in `Endpoint.state.active`. */
  readonly countsActive: boolean
  readonly #spec: BalanceSpec
  readonly #env: UpstreamEnv
  readonly #kind: BalancePolicyKind
  readonly #outliers: OutlierDetector | null
  readonly #slowStart: SlowStart | null
  #endpoints: readonly PoolEndpoint[] = []
  #states: readonly EndpointState[] = []
  /** Null when every endpoint is available at any time. */
  #availability: Availability | null = null
  /** The endpoints the policy was made for. */
  #available: readonly Endpoint[] = []
  #policy: BalancePolicy

  constructor(servers: readonly ServerSpec[], spec: BalanceSpec, env: UpstreamEnv) {
    const kind = BALANCE_POLICIES.find((candidate) => candidate.policy === spec.policy)
    if (kind === undefined) throw new GatewayError('UPSTREAM_POLICY', { policy: spec.policy })
    const { outlierDetection, slowStart } = spec
    this.#kind = kind
    this.#spec = spec
    this.#env = env
    this.countsActive = kind.countsActive ?? false
    this.#outliers =
      outlierDetection === null ? null : new OutlierDetector(outlierDetection, env.clock)
    // A key that leads somewhere else for a while would lose what it leads there for.
    this.#slowStart =
      slowStart === null || kind.isKeyed === true
        ? null
        : new SlowStart(slowStart, env.clock, env.random)
    this.#policy = kind.create([], this.#options)
    this.update(servers)
  }

  get endpoints(): readonly Endpoint[] {
    return this.#endpoints
  }

  /** The endpoints that may get requests now. */
  get available(): readonly Endpoint[] {
    if (this.#availability?.isStale === true) this.#rebalance(this.#availability)
    return this.#available
  }

  /** Undefined when no endpoint is available, or none that fits the request. */
  choose(scope: MessageScope): Endpoint | undefined {
    if (this.#availability?.isStale === true) this.#rebalance(this.#availability)
    if (this.#slowStart !== null) return this.#chooseWarm(scope, this.#slowStart)
    return this.#policy.choose(scope)
  }

  /** Another endpoint than the one that failed, where there is one. */
  chooseOther(scope: MessageScope, failed: Endpoint): Endpoint | undefined {
    const chosen = this.choose(scope)
    if (chosen !== failed || this.#kind.isPinned === true) return chosen
    const others = this.#available.filter((endpoint) => endpoint !== failed)
    return others[Math.floor(this.#env.random() * others.length)] ?? chosen
  }

  /** For the outlier detection: `endpoint` has answered, or failed. */
  record(endpoint: Endpoint, isFailure: boolean): void {
    const { state, url } = endpoint
    if (this.#outliers?.record(state, isFailure, this.#states) !== true) return
    const ms = Math.round(state.ejectedUntilMs - this.#env.clock.monotonicMs())
    this.#env.log.warn({ endpoint: url }, `${url} is ejected for ${ms} ms: it keeps failing`)
  }

  /** Replaces the servers. Requests under way to those that leave end in peace. */
  update(servers: readonly ServerSpec[]): void {
    const former = this.#endpoints
    const endpoints = servers.map((server) => acquireEndpoint(server, this.#spec, this.#env))
    this.#warm(endpoints)
    this.#availability?.close()
    this.#endpoints = endpoints
    this.#states = endpoints.map(({ state }) => state)
    const { healthCheck, outlierDetection, healthyPanicThreshold } = this.#spec
    if (healthCheck === null && outlierDetection === null) this.#balance(endpoints)
    else {
      this.#availability = new Availability(endpoints, healthyPanicThreshold, this.#env.clock)
      this.#rebalance(this.#availability)
    }
    for (const endpoint of former) endpoint.release()
  }

  status(): unknown {
    const nowMs = this.#env.clock.monotonicMs()
    return this.#endpoints.map(({ url, state }) => ({
      url,
      health: state.isHealthy ? 'healthy' : 'unhealthy',
      isEjected: state.ejectedUntilMs > nowMs,
      ...(this.countsActive ? { active: state.active } : {}),
    }))
  }

  get isPanicking(): boolean {
    return this.#availability?.isPanicking ?? false
  }

  close(): void {
    this.#availability?.close()
    for (const endpoint of this.#endpoints) endpoint.release()
    this.#endpoints = []
  }

  get #options(): Parameters<BalancePolicyKind['create']>[1] {
    return { headerHashKey: this.#spec.headerHashKey, random: this.#env.random }
  }

  #rebalance(availability: Availability): void {
    this.#balance(availability.list())
  }

  #balance(available: readonly Endpoint[]): void {
    this.#available = available
    this.#policy = this.#kind.create(available, this.#options)
  }

  #chooseWarm(scope: MessageScope, slowStart: SlowStart): Endpoint | undefined {
    let endpoint = this.#policy.choose(scope)
    // When every endpoint is new, each is passed over now and then: the last one asked serves.
    for (let tries = this.#available.length - 1; tries > 0; tries--) {
      if (endpoint === undefined || slowStart.admits(endpoint.state)) return endpoint
      endpoint = this.#policy.choose(scope)
    }
    return endpoint
  }

  /** Of a pool that has served before, the endpoints that are new start slowly. */
  #warm(endpoints: readonly PoolEndpoint[]): void {
    if (this.#slowStart === null || endpoints.every((endpoint) => endpoint.isNew)) return
    const nowMs = this.#env.clock.monotonicMs()
    for (const endpoint of endpoints) if (endpoint.isNew) endpoint.state.warmSinceMs = nowMs
  }
}
