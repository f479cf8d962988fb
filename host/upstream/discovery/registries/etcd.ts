import { valueAt } from '../../../config/json.ts'
import { z } from '../../../config/schema.ts'
import { type InstanceRecord, MAX_INSTANCES } from '../instance.ts'
import { RegistryApi, registryFailure } from './registry-api.ts'
import {
  address,
  defineRegistry,
  type ServiceRegistryDriver,
  syncInterval,
} from './registry-kind.ts'
import { parseStored, recordOf } from './stored-instance.ts'

const spec = z.strictObject({
  endpoints: z
    .array(address('127.0.0.1:2379', baseOf))
    .min(1)
    .describe('Members of the cluster, host and port or a URL; the first that answers is asked.'),
  prefix: z
    .string()
    .regex(/^\//, 'must begin with "/"')
    .default('/services/')
    .describe('What the keys of all services begin with.'),
  cacheTimeout: syncInterval().describe('Time between two looks at a service.'),
})

/** Finds instances in etcd. */
export const etcd = defineRegistry({
  kind: 'EtcdServiceRegistry',
  description: 'Finds the instances of services in etcd, under `PREFIX/SERVICE/INSTANCE`.',
  example: `kind: EtcdServiceRegistry
name: etcd
endpoints: [127.0.0.1:2379]
prefix: /services/
cacheTimeout: 10s
---
kind: Pipeline
name: orders
filters:
  - name: proxy
    kind: Proxy
    pools: [{ serviceRegistry: etcd, serviceName: orders }]`,
  notes: [
    'The value of a key is JSON or YAML: `{"registryName": "etcd", "serviceName": "orders", "instanceID": "1", "address": "10.0.0.7", "port": 8080, "scheme": "http", "tags": ["v2"], "weight": 1}`. Only `address` and `port` are needed here.',
    'etcd is asked by its JSON gateway, `/v3/kv/range`, which it has since 3.4.',
  ],
  spec,
  interval: (options) => options.cacheTimeout,
  create: (options) => new EtcdDriver(options),
})

/** https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/: keys and values travel in Base64. */
class EtcdDriver implements ServiceRegistryDriver {
  readonly #api: RegistryApi
  readonly #prefix: string
  readonly #origin: string

  constructor(options: z.output<typeof spec>) {
    const bases = options.endpoints.map(baseOf)
    this.#api = new RegistryApi(bases)
    this.#origin = bases.join(', ')
    this.#prefix = options.prefix.replace(/\/*$/, '/')
  }

  async list(service: string, signal: AbortSignal): Promise<readonly InstanceRecord[]> {
    const first = `${this.#prefix}${service}/`
    const body = JSON.stringify({
      key: toBase64(first),
      // The first key behind all that begin so: "0" follows "/".
      range_end: toBase64(`${first.slice(0, -1)}0`),
      // One more than is used, so that it is said when there are too many.
      limit: MAX_INSTANCES + 1,
    })
    const headers = ['Content-Type', 'application/json']
    const request = { method: 'POST', path: '/v3/kv/range', headers, body } as const
    const answer = await this.#api.read(request, signal)
    // Without a key there is no list at all.
    const pairs = valueAt(answer, ['kvs']) ?? []
    if (!Array.isArray(pairs)) throw registryFailure(this.#origin, 'its answer has no list of keys')
    return pairs.map((pair) => {
      const id = fromBase64(valueAt(pair, ['key'])).toString('utf8')
      return recordOf(id, parseStored(fromBase64(valueAt(pair, ['value']))))
    })
  }

  close(): Promise<void> {
    return this.#api.close()
  }
}

/** Easegress takes both forms. */
function baseOf(endpoint: string): string {
  return /^https?:\/\//i.test(endpoint) ? endpoint : `http://${endpoint}`
}

function toBase64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function fromBase64(text: unknown): Buffer {
  return Buffer.from(typeof text === 'string' ? text : '', 'base64')
}
