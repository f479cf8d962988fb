import { isJsonObject, valueAt } from '../../../config/json.ts'
import { z } from '../../../config/schema.ts'
import type { InstanceRecord } from '../instance.ts'
import { RegistryApi, registryFailure } from './registry-api.ts'
import {
  address,
  defineRegistry,
  type ServiceRegistryDriver,
  syncInterval,
} from './registry-kind.ts'

const spec = z.strictObject({
  address: address('127.0.0.1:8500', (text) => `http://${text}`)
    .default('127.0.0.1:8500')
    .describe('Host and port of the HTTP API.'),
  scheme: z.enum(['http', 'https']).default('http').describe('How the API is spoken to.'),
  datacenter: z
    .string()
    .default('')
    .describe('The datacenter to ask about; that of the agent when empty.'),
  token: z
    .string()
    .default('')
    .describe('The ACL token; write `${env:NAME}` to keep it elsewhere.'),
  namespace: z.string().default('').describe('The namespace, which Consul Enterprise has.'),
  syncInterval: syncInterval().describe('Time between two looks at a service.'),
  serviceTags: z
    .array(z.string())
    .default([])
    .describe('Only instances with all of these tags are seen at all.'),
})

/** Finds instances in Consul. */
export const consul = defineRegistry({
  kind: 'ConsulServiceRegistry',
  description: 'Finds the instances of services in Consul.',
  example: `kind: ConsulServiceRegistry
name: consul
address: 127.0.0.1:8500
syncInterval: 10s
---
kind: Pipeline
name: orders
filters:
  - name: proxy
    kind: Proxy
    pools:
      - serviceRegistry: consul
        serviceName: orders
        serverTags: [v2]
        servers: [{ url: "http://127.0.0.1:9095" }]`,
  notes: [
    'Instances with a critical check, and those in maintenance, are left out; Easegress sends them requests.',
    '`datacenter`, `token`, `namespace` and `serviceTags` are used; Easegress takes them and passes them over.',
    'The weight of an instance is the one Consul has for it, by the state of its checks; Easegress knows none.',
  ],
  spec,
  interval: (options) => options.syncInterval,
  create: (options) => new ConsulDriver(options),
})

/**
 * The health endpoint, because the catalog does not say who is well:
 * https://developer.hashicorp.com/consul/api-docs/health#list-service-instances-for-service
 */
class ConsulDriver implements ServiceRegistryDriver {
  readonly #api: RegistryApi
  readonly #query: string
  readonly #headers: readonly string[]
  readonly #origin: string

  constructor(options: z.output<typeof spec>) {
    this.#origin = `${options.scheme}://${options.address}`
    this.#api = new RegistryApi([this.#origin])
    const query = new URLSearchParams()
    if (options.datacenter !== '') query.set('dc', options.datacenter)
    if (options.namespace !== '') query.set('ns', options.namespace)
    for (const tag of options.serviceTags) query.append('tag', tag)
    this.#query = query.toString()
    this.#headers = options.token === '' ? [] : ['X-Consul-Token', options.token]
  }

  async list(service: string, signal: AbortSignal): Promise<readonly InstanceRecord[]> {
    const path = `/v1/health/service/${encodeURIComponent(service)}`
    const request = {
      method: 'GET',
      path: this.#query === '' ? path : `${path}?${this.#query}`,
      headers: this.#headers,
    } as const
    const entries = await this.#api.read(request, signal)
    if (!Array.isArray(entries)) throw registryFailure(this.#origin, 'its answer is no list')
    return entries.flatMap(recordOf)
  }

  close(): Promise<void> {
    return this.#api.close()
  }
}

/** Empty for an instance that may get no requests. */
function recordOf(entry: unknown): InstanceRecord[] {
  const checks = valueAt(entry, ['Checks'])
  const states = Array.isArray(checks) ? checks.map((check) => valueAt(check, ['Status'])) : []
  if (states.includes('critical')) return []
  const service = valueAt(entry, ['Service'])
  const own = valueAt(service, ['Address'])
  const weights = valueAt(service, ['Weights'])
  const state = states.includes('warning') ? 'Warning' : 'Passing'
  return [
    {
      id: String(valueAt(service, ['ID'])),
      // An instance without an address is at that of its node.
      address: own === '' || own === undefined ? valueAt(entry, ['Node', 'Address']) : own,
      port: valueAt(service, ['Port']),
      tags: valueAt(service, ['Tags']),
      weight: isJsonObject(weights) ? weights[state] : 0,
    },
  ]
}
