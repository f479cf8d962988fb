import { valueAt } from '../../../config/json.ts'
import { z } from '../../../config/schema.ts'
import type { InstanceRecord } from '../instance.ts'
import { RegistryApi, registryFailure } from './registry-api.ts'
import { defineRegistry, type ServiceRegistryDriver, syncInterval } from './registry-kind.ts'

const server = z.strictObject({
  ipAddr: z
    .string()
    .regex(/^[\w.:-]+$/, 'must be a host name or an address')
    .describe('Where the server is: a name or an address.'),
  port: z.int().min(1).max(65_535).describe('Its port; 8848 unless it was changed.'),
  scheme: z.enum(['http', 'https']).default('http').describe('How the server is spoken to.'),
  contextPath: z
    .string()
    .regex(/^(?:\/[\w./~-]*)?$/, 'must begin with "/"')
    .default('/nacos')
    .describe('What the paths of its API begin with.'),
})

const spec = z.strictObject({
  servers: z
    .array(server)
    .min(1)
    .describe('Servers of the cluster; the first that answers is asked.'),
  syncInterval: syncInterval().describe('Time between two looks at a service.'),
  namespace: z.string().default('').describe('The id of the namespace; the public one when empty.'),
  username: z.string().default('').describe('Who to log in as; nobody when empty.'),
  password: z
    .string()
    .default('')
    .describe('The password of `username`; write `${env:NAME}` to keep it elsewhere.'),
})

/** Finds instances in Nacos. */
export const nacos = defineRegistry({
  kind: 'NacosServiceRegistry',
  description: 'Finds the instances of services in Nacos.',
  example: `kind: NacosServiceRegistry
name: nacos
servers: [{ ipAddr: 127.0.0.1, port: 8848 }]
username: gateway
password: \${env:NACOS_PASSWORD:-}
---
kind: Pipeline
name: orders
filters:
  - name: proxy
    kind: Proxy
    pools: [{ serviceRegistry: nacos, serviceName: orders }]`,
  notes: [
    'Instances that are not healthy, not enabled, or of weight 0 get no requests; Easegress does not ask.',
    '`namespace` is used; Easegress takes it and passes it over.',
    '`serviceName` may be `GROUP@@SERVICE`; without a group it is DEFAULT_GROUP.',
    'Weights of Nacos are fractions: they become whole numbers up to 100 in the same proportions. Easegress cuts the fraction off.',
    'It is asked by version 1 of its HTTP API, which Nacos 1 and 2 have.',
    'Nacos knows no tags: `serverTags` finds nothing.',
  ],
  spec,
  interval: (options) => options.syncInterval,
  create: (options) => new NacosDriver(options),
})

/** Part of the life of a token after which the next one is asked for. */
const TOKEN_USE = 0.8

interface Token {
  readonly text: string
  readonly untilMs: number
}

/**
 * https://nacos.io/en/docs/v1/open-api/ (query instances) and https://nacos.io/en/docs/v1/auth/ (login): the
 * token goes in the query.
 */
class NacosDriver implements ServiceRegistryDriver {
  readonly #api: RegistryApi
  readonly #options: z.output<typeof spec>
  #token: Token | null = null

  constructor(options: z.output<typeof spec>) {
    this.#options = options
    this.#api = new RegistryApi(
      options.servers.map(({ scheme, ipAddr, port, contextPath }) => {
        const host = ipAddr.includes(':') ? `[${ipAddr}]` : ipAddr
        return `${scheme}://${host}:${port}${contextPath}`
      }),
    )
  }

  async list(service: string, signal: AbortSignal): Promise<readonly InstanceRecord[]> {
    const [name = '', group = 'DEFAULT_GROUP'] = service.split('@@').reverse()
    const query = new URLSearchParams({ serviceName: name, groupName: group })
    if (this.#options.namespace !== '') query.set('namespaceId', this.#options.namespace)
    if (this.#options.username !== '') query.set('accessToken', await this.#login(signal))
    const path = `/v1/ns/instance/list?${query}`
    const { status, data, origin } = await this.#api.ask(
      { method: 'GET', path, headers: [] },
      signal,
    )
    // A server that has started anew may not know the token: the next look brings one of its own.
    if (status === 401 || status === 403) this.#token = null
    if (status < 200 || status >= 300) throw registryFailure(origin, `it answered ${status}`)
    const hosts = valueAt(data, ['hosts'])
    if (!Array.isArray(hosts)) throw registryFailure(origin, 'its answer has no list of hosts')
    return hosts.filter(isInUse).map((host) => ({
      id: String(valueAt(host, ['instanceId'])),
      address: valueAt(host, ['ip']),
      port: valueAt(host, ['port']),
      weight: valueAt(host, ['weight']),
    }))
  }

  close(): Promise<void> {
    return this.#api.close()
  }

  async #login(signal: AbortSignal): Promise<string> {
    if (this.#token !== null && performance.now() < this.#token.untilMs) return this.#token.text
    const { username, password } = this.#options
    const { status, data, origin } = await this.#api.ask(
      {
        method: 'POST',
        path: '/v1/auth/login',
        headers: ['Content-Type', 'application/x-www-form-urlencoded'],
        body: new URLSearchParams({ username, password }).toString(),
      },
      signal,
    )
    const text = valueAt(data, ['accessToken'])
    if (typeof text !== 'string') {
      throw registryFailure(origin, `it answered the login with ${status} and no token`)
    }
    const seconds = Number(valueAt(data, ['tokenTtl']))
    const lifeMs = (Number.isFinite(seconds) ? seconds : 0) * 1_000 * TOKEN_USE
    this.#token = { text, untilMs: performance.now() + lifeMs }
    return text
  }
}

function isInUse(host: unknown): boolean {
  const isOff = (field: string): boolean => valueAt(host, [field]) === false
  return !isOff('healthy') && !isOff('enabled') && valueAt(host, ['weight']) !== 0
}
