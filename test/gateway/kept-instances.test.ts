import { readdir, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import {
  Cleanup,
  startGateway,
  startUpstream,
  type TestGateway,
  type TestUpstream,
  until,
} from '../support/gateway.ts'
import { startStandIn } from '../support/registries.ts'
import {
  answersOf,
  at,
  becomes,
  poolOf,
  proxyYaml,
  registryYaml,
  statusOf,
} from '../support/registry-gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/kept-instances')

let cleanup = new Cleanup()

test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const CONSUL = 'ConsulServiceRegistry'

const named = (name: string): Promise<TestUpstream> =>
  startUpstream(cleanup, (_, outgoing) => outgoing.end(name))

interface Kept extends TestGateway {
  readonly dataDir: string
}

/** With `dataDir` it goes on where another gateway has ended. */
async function start(yaml: string, dataDir?: string): Promise<Kept> {
  const options = { watch: false, ...(dataDir === undefined ? {} : { dataDir }) }
  const gateway = await startGateway(cleanup, yaml, {}, options)
  return { ...gateway, dataDir: dataDir ?? join(gateway.dir, '.penstock') }
}

async function restart(former: Kept, yaml: string): Promise<Kept> {
  await former.gateway.close()
  return start(yaml, former.dataDir)
}

/** The lines of the log that tell of a list that was kept. */
const toldOf = ({ lines }: TestGateway): string[] =>
  lines.filter((line) => line.includes('the instances it had before the start'))

const outOfOrder = (response: ServerResponse): void => {
  response.statusCode = 500
  response.end('out of order')
}

const WAYS = [
  ['fails', outOfOrder],
  ['is silent', () => undefined],
] as const

for (const [how, answer] of WAYS) {
  test(`a gateway that starts while the registry ${how} has the instances of before`, async () => {
    const [first, second, third] = [await named('1'), await named('2'), await named('3')]
    const registry = await startStandIn(cleanup, CONSUL)
    registry.services.set('ORDERS', [at(first, 'a', { tags: ['v1'] }), at(second, 'b')])
    const yaml = proxyYaml(poolOf()) + registryYaml(registry)
    const gateway = await start(yaml)
    assert.is(await answersOf(gateway), '1 2')
    assert.equal(toldOf(gateway), [])
    registry.answer = answer
    const again = await restart(gateway, yaml)
    assert.is(await answersOf(again), '1 2')
    assert.is(toldOf(again).length, 1)
    assert.match(toldOf(again)[0] ?? '', 'until registry answers, ORDERS has')
    assert.equal((statusOf(again) as { instancesNum: unknown }).instancesNum, { ORDERS: 2 })
    // Also after another start, and with what the pool chooses of them.
    const tagged = proxyYaml(poolOf({ serverTags: ['v1'] })) + registryYaml(registry)
    const chosen = await restart(again, tagged)
    assert.is(await answersOf(chosen), '1')
    registry.services.set('ORDERS', [at(third, 'c', { tags: ['v1'] })])
    registry.answer = null
    await becomes(chosen, '3')
    assert.ok(chosen.lines.some((line) => line.includes('registry answers again')))
  })
}

test('a registry that answers at the start is asked, and what is kept is not used', async () => {
  const [former, next] = [await named('former'), await named('next')]
  const registry = await startStandIn(cleanup, CONSUL)
  registry.services.set('ORDERS', [at(former, 'a')])
  const yaml = proxyYaml(poolOf()) + registryYaml(registry)
  const gateway = await start(yaml)
  await gateway.gateway.close()
  registry.services.set('ORDERS', [at(next, 'b')])
  const again = await start(yaml, gateway.dataDir)
  assert.is(await answersOf(again), 'next')
  assert.equal(toldOf(again), [])
})

test('a service that was gone has its listed servers after a restart, or else those found last', async () => {
  const [found, listed] = [await named('found'), await named('listed')]
  const registry = await startStandIn(cleanup, CONSUL)
  registry.services.set('ORDERS', [at(found, 'a')])
  const plain = proxyYaml(poolOf()) + registryYaml(registry)
  const gateway = await start(plain)
  assert.is(await answersOf(gateway), 'found')
  const asked = registry.requests.length
  registry.services.delete('ORDERS')
  await until(() => registry.requests.length > asked + 2, 'it is gone')
  assert.is(await answersOf(gateway), 'found')
  registry.answer = outOfOrder
  const again = await restart(gateway, plain)
  assert.is(await answersOf(again), 'found')
  const pool = poolOf({ servers: [{ url: listed.url }] })
  const third = await restart(again, proxyYaml(pool) + registryYaml(registry))
  assert.is(await answersOf(third), 'listed')
})

test('a list that cannot be read is none, and the listed servers serve', async () => {
  const [found, listed] = [await named('found'), await named('listed')]
  const registry = await startStandIn(cleanup, CONSUL)
  registry.services.set('ORDERS', [at(found, 'a')])
  const yaml = proxyYaml(poolOf({ servers: [{ url: listed.url }] })) + registryYaml(registry)
  const gateway = await start(yaml)
  assert.is(await answersOf(gateway), 'found')
  await gateway.gateway.close()
  const folder = join(gateway.dataDir, 'registries')
  const [name = '', ...others] = await readdir(folder)
  assert.equal(others, [])
  await writeFile(join(folder, name), '{"registry":"registry"')
  registry.answer = outOfOrder
  const again = await start(yaml, gateway.dataDir)
  assert.is(await answersOf(again), 'listed')
  assert.ok(again.lines.some((line) => line.includes('what is kept of ORDERS cannot be used')))
})

test('pools of many services that were kept have them at once, not one after another', async () => {
  const upstream = await named('one')
  const registry = await startStandIn(cleanup, CONSUL)
  const names = Array.from({ length: 20 }, (_, i) => `S${i}`)
  for (const name of names) registry.services.set(name, [at(upstream, 'a')])
  const pools = names.map((serviceName, i) => ({
    serviceRegistry: 'registry',
    serviceName,
    ...(i === 0 ? {} : { filter: { headers: { 'x-service': { exact: serviceName } } } }),
  }))
  const filter = JSON.stringify({ name: 'proxy', kind: 'Proxy', pools })
  const yaml = `kind: HTTPServer
name: server
port: 0
rules: [{ paths: [{ pathPrefix: /, backend: main }] }]
---
kind: Pipeline
name: main
filters: [${filter}]
${registryYaml(registry)}`
  const gateway = await start(yaml)
  registry.answer = outOfOrder
  const again = await restart(gateway, yaml)
  for (const name of names) {
    assert.is((await again.get('/', { headers: { 'x-service': name } })).body, 'one')
  }
  assert.is(toldOf(again).length, names.length)
})
