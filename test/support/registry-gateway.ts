import { type TestGateway, type TestUpstream, until } from './gateway.ts'
import { onePipeline } from './one-pipeline.ts'
import type { StandIn, TestInstance } from './registries.ts'

/** The instance of a service at this upstream. */
export const at = (
  upstream: TestUpstream,
  id: string,
  more: Partial<TestInstance> = {},
): TestInstance => ({
  id,
  address: '127.0.0.1',
  port: upstream.port,
  ...more,
})

/** The field of each kind that says how often it is looked. */
const intervalOf = (kind: string): object =>
  kind === 'EtcdServiceRegistry' ? { cacheTimeout: '100ms' } : { syncInterval: '100ms' }

/** The registry that stands in for one of these, as `registry`, a document of YAML after others. */
export const registryYaml = (registry: StandIn, fields: object = {}): string =>
  `---\n${JSON.stringify({ kind: registry.kind, name: 'registry', ...registry.fields, ...intervalOf(registry.kind), ...fields })}\n`

/** A pool of `ORDERS` in the registry. */
export const poolOf = (fields: object = {}): object => ({
  serviceRegistry: 'registry',
  serviceName: 'ORDERS',
  ...fields,
})

/** A Proxy with this pool, behind a server. */
export const proxyYaml = (pool: object, fields: object = {}): string =>
  onePipeline(`  - ${JSON.stringify({ name: 'proxy', kind: 'Proxy', pools: [pool], ...fields })}`)

/** Who answers, over a few requests. */
export async function answersOf({ get }: TestGateway): Promise<string> {
  const answers = new Set<string>()
  for (let i = 0; i < 4; i++) {
    const { status, body } = await get('/')
    answers.add(status === 200 ? body : String(status))
  }
  return [...answers].sort().join(' ')
}

/** Waits until these answer. */
export const becomes = (gateway: TestGateway, expected: string): Promise<void> =>
  until(async () => (await answersOf(gateway)) === expected, `the servers are ${expected}`)

/** What the object says of itself. */
export const statusOf = ({ gateway }: TestGateway): unknown =>
  gateway.control.statusOf('registry')?.detail
