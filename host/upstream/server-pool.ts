import { GatewayError } from '../errors.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import type { HttpEngine } from '../http/engine.ts'
import type { UsagePool } from '../usage-pool.ts'
import { type Endpoint, parseEndpoint } from './endpoint.ts'
import { BALANCE_POLICIES } from './policies/builtin.ts'
import type { BalancePolicy } from './policies/policy.ts'

/** Time to connect to an endpoint. */
export const CONNECT_TIMEOUT_MS = 2_000
/** Connections to one endpoint. */
export const MAX_CONNECTIONS_PER_ENDPOINT = 1_024

export interface ServerSpec {
  readonly url: string
  readonly keepHost: boolean
}

/** The endpoints of one pool of a Proxy, and the policy that chooses among them. */
export class ServerPool {
  readonly #endpoints: readonly Endpoint[]
  readonly #policy: BalancePolicy

  constructor(
    servers: readonly ServerSpec[],
    policyName: string,
    engine: HttpEngine,
    clients: UsagePool,
  ) {
    const kind = BALANCE_POLICIES.find((candidate) => candidate.policy === policyName)
    if (kind === undefined) throw new GatewayError('UPSTREAM_POLICY', { policy: policyName })
    this.#endpoints = servers.map(({ url, keepHost }) => {
      const { origin, basePath, host } = parseEndpoint(url, keepHost)
      const client = clients.acquire(
        `client ${engine.name} ${origin}`,
        () =>
          engine.createClient({
            origin,
            connectTimeoutMs: CONNECT_TIMEOUT_MS,
            maxConnections: MAX_CONNECTIONS_PER_ENDPOINT,
          }),
        (unused) => void unused.close(),
      )
      return { url, basePath, host, client }
    })
    this.#policy = kind.create(this.#endpoints)
  }

  choose(scope: MessageScope): Endpoint | undefined {
    return this.#policy.choose(scope)
  }

  get urls(): readonly string[] {
    return this.#endpoints.map((endpoint) => endpoint.url)
  }

  close(): void {
    for (const endpoint of this.#endpoints) endpoint.client.release()
  }
}
