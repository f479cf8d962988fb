import { startEtcd } from '../support/etcd.ts'
import {
  Cleanup,
  startGateway,
  startUpstream,
  type TestUpstream,
  until,
} from '../support/gateway.ts'
import { startLoad } from '../support/load.ts'
import { onePipeline } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'
import { startZookeeper } from '../support/zookeeper.ts'

/** The registries that Debian has, for real; the others are tried in test/gateway/service-registries.test.ts. */
const test = suite('system/service-registries', { timeoutMs: 180_000 })

let cleanup = new Cleanup()

test.before.each(() => {
  cleanup = new Cleanup()
})

test.after.each(() => cleanup.run())

const named = (name: string): Promise<TestUpstream> =>
  startUpstream(cleanup, (_, outgoing) => outgoing.end(name))

/** As Easegress writes an instance. */
const stored = (upstream: TestUpstream, instanceID: string, more: object = {}): object => ({
  registryName: 'registry',
  serviceName: 'orders',
  instanceID,
  address: '127.0.0.1',
  port: upstream.port,
  scheme: '',
  tags: null,
  weight: 0,
  ...more,
})

async function start(registry: { kind: string; fields: object }, pool: object = {}) {
  const proxy = {
    name: 'proxy',
    kind: 'Proxy',
    pools: [{ serviceRegistry: 'registry', serviceName: 'orders', ...pool }],
  }
  const object = { kind: registry.kind, name: 'registry', ...registry.fields }
  const yaml = `${onePipeline(`  - ${JSON.stringify(proxy)}`)}---\n${JSON.stringify(object)}\n`
  const gateway = await startGateway(cleanup, yaml, {}, { watch: false })
  const becomes = (expected: string): Promise<void> =>
    until(
      async () => {
        const answers = new Set<string>()
        for (let i = 0; i < 4; i++) answers.add((await gateway.get('/')).body)
        return [...answers].sort().join(' ') === expected
      },
      `the servers are ${expected}`,
      60_000,
    )
  const detail = (): Record<string, unknown> =>
    gateway.gateway.control.statusOf('registry')?.detail as Record<string, unknown>
  return { ...gateway, becomes, detail }
}

for (const [name, startRegistry] of [
  ['etcd', startEtcd],
  ['ZooKeeper', startZookeeper],
] as const) {
  test(`${name}: instances come and go under traffic, and it is killed, without a failed request`, async () => {
    const registry = await startRegistry(cleanup)
    const [first, second, third] = [
      await named('first'),
      await named('second'),
      await named('third'),
    ]
    await registry.put('orders/1', JSON.stringify(stored(first, '1')))
    // A service whose name begins the same is another one.
    await registry.put('orders2/1', JSON.stringify(stored(third, '1', { serviceName: 'orders2' })))
    const gateway = await start(registry)
    assert.is((await gateway.get('/')).body, 'first')
    const load = startLoad(gateway.port, '/', 4, ({ status }) =>
      status === 200 ? null : `${status}`,
    )
    await registry.put('orders/2', JSON.stringify(stored(second, '2')))
    await gateway.becomes('first second')
    await registry.remove('orders/1')
    await gateway.becomes('second')
    await registry.kill()
    await until(() => gateway.detail()['health'] !== 'ready', 'the status says so', 60_000)
    await gateway.becomes('second')
    await registry.restart()
    await until(() => gateway.detail()['health'] === 'ready', 'it answers again', 60_000)
    await registry.put('orders/3', JSON.stringify(stored(third, '3')))
    await gateway.becomes('second third')
    const { requests, failures } = await load.stop()
    assert.equal(failures, [])
    assert.ok(requests > 100)
    const field = registry.kind.startsWith('Zoo') ? 'serviceInstancesNum' : 'instancesNum'
    assert.equal(gateway.detail(), { health: 'ready', [field]: { orders: 2 } })
  })

  test(`${name}: values are JSON or YAML, tags choose, and what is malformed is left out alone`, async () => {
    const registry = await startRegistry(cleanup)
    const [blue, green] = [await named('blue'), await named('green')]
    await registry.put('orders/1', JSON.stringify(stored(blue, '1', { tags: ['blue'] })))
    const yaml = `serviceName: orders\naddress: 127.0.0.1\nport: ${green.port}\ntags: [green]\n`
    await registry.put('orders/2', yaml)
    await registry.put('orders/3', 'no instance')
    await registry.put('orders/4', JSON.stringify(stored(blue, '4', { port: 0 })))
    await registry.put('orders/5', `{"address": "a", "port": 1, "x": "${'x'.repeat(70_000)}"}`)
    const gateway = await start(registry, { serverTags: ['green', 'red'] })
    assert.is((await gateway.get('/')).body, 'green')
    const told = gateway.lines.filter((line) => line.includes('are left out'))
    assert.is(told.length, 1)
    for (const id of ['orders/3', 'orders/4', 'orders/5']) assert.ok(told[0]?.includes(id), id)
  })
}

test('ZooKeeper: instances that stand below the prefix itself are found by their service', async () => {
  const registry = await startZookeeper(cleanup)
  const [mine, other] = [await named('mine'), await named('other')]
  await registry.put('1', JSON.stringify(stored(mine, '1')))
  await registry.put('2', JSON.stringify(stored(other, '2', { serviceName: 'else' })))
  await registry.put('empty/below', 'nothing')
  const gateway = await start(registry)
  await gateway.becomes('mine')
  assert.ok(!gateway.lines.some((line) => line.includes('are left out')))
})
