import type { HttpClient } from '../http/engine.ts'
import type { UpstreamTls } from '../http/tls/upstream-tls.ts'
import type { Usage } from '../usage-pool.ts'
import type { BalanceSpec, UpstreamEnv } from './balance-spec.ts'
import { CONNECTION_LIMITS, type ConnectionLimits } from './connection-limits.ts'
import { type Endpoint, type EndpointAddress, parseEndpoint, type ServerSpec } from './endpoint.ts'
import { EndpointState } from './endpoint-state.ts'
import { HealthChecker } from './health.ts'
import { HealthQuestion } from './health-question.ts'

/** The state of an endpoint with the checks that feed it. */
interface CheckedState {
  readonly state: EndpointState
  close(): void
}

/** An endpoint as a pool holds it. `release` gives back its client and its state. */
export class PoolEndpoint implements Endpoint {
  readonly url: string
  readonly origin: string
  readonly basePath: string
  readonly host: string | null
  readonly weight: number
  readonly client: Usage<HttpClient>
  readonly state: EndpointState
  /** True when nothing was known about it before. */
  readonly isNew: boolean
  readonly #usage: Usage<CheckedState>

  constructor(
    server: ServerSpec,
    address: EndpointAddress,
    client: Usage<HttpClient>,
    usage: Usage<CheckedState>,
    isNew: boolean,
  ) {
    this.url = server.url
    this.origin = address.origin
    this.basePath = address.basePath
    this.host = address.host
    this.weight = server.weight
    this.client = client
    this.state = usage.value.state
    this.isNew = isNew
    this.#usage = usage
  }

  release(): void {
    this.client.release()
    this.#usage.release()
  }
}

/** Takes a use of the client and of the state of a server, or makes them. */
export function acquireEndpoint(
  server: ServerSpec,
  spec: BalanceSpec,
  env: UpstreamEnv,
): PoolEndpoint {
  const address = parseEndpoint(server.url, server.keepHost, spec.setUpstreamHost, server.host)
  const client = acquireClient(env, address.origin, spec.connections, spec.tls)
  // Equal rules mean an equal state: a change of anything else forgets nothing.
  const rules = JSON.stringify([
    server.url,
    spec.healthCheck,
    spec.outlierDetection,
    spec.tls?.digest,
  ])
  let isNew = false
  const usage = env.shared.acquire(
    `endpoint ${env.owner} ${rules}`,
    () => {
      isNew = true
      return createState(server.url, spec, env)
    },
    (unused) => unused.close(),
  )
  return new PoolEndpoint(server, address, client, usage, isNew)
}

function createState(url: string, balance: BalanceSpec, env: UpstreamEnv): CheckedState {
  const state = new EndpointState()
  const spec = balance.healthCheck
  if (spec === null) return { state, close: () => undefined }
  const clients: Usage<HttpClient>[] = []
  const questions = spec.questions.map((question) => {
    const checked = new URL(url)
    if (question.port > 0) checked.port = String(question.port)
    const { origin, basePath } = parseEndpoint(checked.href, false)
    const client = acquireClient(env, origin, balance.connections, balance.tls)
    clients.push(client)
    return new HealthQuestion(question, client.value, checked.host, basePath)
  })
  const checker = new HealthChecker(spec, questions, (isHealthy, reason) => {
    const text = `${url} is ${isHealthy ? 'healthy again' : 'unhealthy'}: ${reason}`
    if (isHealthy) env.log.info({ endpoint: url }, text)
    else env.log.warn({ endpoint: url }, text)
    state.setHealthy(isHealthy, env.clock.monotonicMs())
  })
  checker.start()
  const close = (): void => {
    checker.close()
    for (const client of clients) client.release()
  }
  return { state, close }
}

function acquireClient(
  { shared, engine }: UpstreamEnv,
  origin: string,
  limits: ConnectionLimits = CONNECTION_LIMITS,
  tls: UpstreamTls | null = null,
): Usage<HttpClient> {
  const { connectTimeoutMs, idleTimeoutMs, keepAliveTimeoutMs, maxConnections } = limits
  // Pools with equal limits share their connections, of whatever pipeline they are.
  const key = [
    connectTimeoutMs,
    idleTimeoutMs,
    keepAliveTimeoutMs,
    maxConnections,
    tls?.digest ?? '',
  ].join(' ')
  return shared.acquire(
    `client ${engine.name} ${origin} ${key}`,
    () =>
      engine.createClient({
        origin,
        connectTimeoutMs,
        maxConnections,
        bodyIdleTimeoutMs: idleTimeoutMs,
        keepAliveTimeoutMs,
        tls,
      }),
    (unused) => void unused.close(),
  )
}
