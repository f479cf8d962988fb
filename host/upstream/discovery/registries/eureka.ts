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
  endpoints: z
    .array(address('http://127.0.0.1:8761/eureka'))
    .min(1)
    .default(['http://127.0.0.1:8761/eureka'])
    .describe(
      'Servers of Eureka, with a user and password where they ask for one; the first that answers is asked.',
    ),
  syncInterval: syncInterval().describe('Time between two looks at a service.'),
})

/** Finds instances in Eureka. */
export const eureka = defineRegistry({
  kind: 'EurekaServiceRegistry',
  description: 'Finds the instances of services in Eureka.',
  example: `kind: EurekaServiceRegistry
name: eureka
endpoints: ["http://127.0.0.1:8761/eureka"]
syncInterval: 10s
---
kind: Pipeline
name: orders
filters:
  - name: proxy
    kind: Proxy
    pools: [{ serviceRegistry: eureka, serviceName: ORDERS }]`,
  notes: [
    'Only instances with the status UP get requests; in Easegress those that are DOWN or OUT_OF_SERVICE get them too.',
    '`serviceName` is the name of the application as Eureka has it, which is in upper case.',
    'An instance with a secure port is asked by https, also when it has a plain port, as in Easegress.',
    'Eureka knows neither tags nor weights: `serverTags` finds nothing.',
  ],
  spec,
  interval: (options) => options.syncInterval,
  create: (options) => new EurekaDriver(options),
})

/** https://github.com/Netflix/eureka/wiki/Eureka-REST-operations */
class EurekaDriver implements ServiceRegistryDriver {
  readonly #api: RegistryApi

  constructor({ endpoints }: z.output<typeof spec>) {
    this.#api = new RegistryApi(endpoints)
  }

  async list(service: string, signal: AbortSignal): Promise<readonly InstanceRecord[]> {
    const path = `/apps/${encodeURIComponent(service)}`
    const headers = ['Accept', 'application/json']
    const answer = await this.#api.ask({ method: 'GET', path, headers }, signal)
    const { status, data, origin } = answer
    // An application without an instance is forgotten.
    if (status === 404) return []
    if (status < 200 || status >= 300) throw registryFailure(origin, `it answered ${status}`)
    const application = valueAt(data, ['application'])
    if (!isJsonObject(application)) throw registryFailure(origin, 'its answer has no application')
    const instances = application['instance'] ?? []
    // Its JSON is made from XML: a list of one may be that one.
    const list = Array.isArray(instances) ? instances : [instances]
    return list.filter((one) => valueAt(one, ['status']) === 'UP').map(recordOf)
  }

  close(): Promise<void> {
    return this.#api.close()
  }
}

function recordOf(instance: unknown): InstanceRecord {
  const secure = portOf(valueAt(instance, ['securePort']))
  const plain = portOf(valueAt(instance, ['port']))
  const ip = valueAt(instance, ['ipAddr'])
  const hostName = valueAt(instance, ['hostName'])
  return {
    id: String(valueAt(instance, ['instanceId']) ?? hostName),
    address: ip === undefined || ip === '' ? hostName : ip,
    port: secure ?? plain,
    scheme: secure === null ? 'http' : 'https',
  }
}

/** `{ "$": 8080, "@enabled": "true" }`; null for one that is off. */
function portOf(port: unknown): number | null {
  if (String(valueAt(port, ['@enabled'])) !== 'true') return null
  return Number(valueAt(port, ['$']))
}
