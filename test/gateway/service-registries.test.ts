import {
  Cleanup,
  startGateway,
  startUpstream,
  type TestGateway,
  type TestUpstream,
  until,
} from '../support/gateway.ts'
import { startLoad } from '../support/load.ts'
import { onePipeline } from '../support/one-pipeline.ts'
import { DIALECTS, startStandIn } from '../support/registries.ts'
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

const test = suite('gateway/service-registries')

let cleanup = new Cleanup()

test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const named = (name: string): Promise<TestUpstream> =>
  startUpstream(cleanup, (_, outgoing) => outgoing.end(name))

const start = (yaml: string): Promise<TestGateway> =>
  startGateway(cleanup, yaml, {}, { watch: false })

for (const { kind } of DIALECTS) {
  test(`${kind}: instances come and go, and a registry that is silent takes none away`, async () => {
    const [first, second] = [await named('first'), await named('second')]
    const registry = await startStandIn(cleanup, kind)
    registry.services.set('ORDERS', [at(first, 'a')])
    const gateway = await start(proxyYaml(poolOf()) + registryYaml(registry))
    // Known before the first request.
    assert.is(await answersOf(gateway), 'first')
    assert.equal(statusOf(gateway), { health: 'ready', instancesNum: { ORDERS: 1 } })
    registry.services.set('ORDERS', [at(first, 'a'), at(second, 'b')])
    await becomes(gateway, 'first second')
    registry.services.set('ORDERS', [at(first, 'a', { isDown: true }), at(second, 'b')])
    await becomes(gateway, 'second')
    registry.answer = (response) => {
      response.statusCode = 500
      response.end('out of order')
    }
    await until(
      () => JSON.stringify(statusOf(gateway)).includes('it answered 500'),
      'the status says so',
    )
    assert.is(await answersOf(gateway), 'second')
    registry.answer = null
    registry.services.set('ORDERS', [at(first, 'a')])
    await becomes(gateway, 'first')
    const warnings = gateway.lines.filter((line) => line.includes('ORDERS cannot be looked up'))
    assert.is(warnings.length, 1)
    assert.ok(warnings[0]?.includes('the former instances are kept'))
    assert.ok(!gateway.lines.some((line) => line.includes('p&w') || line.includes('p%26w')))
  })

  test(`${kind}: an instance that is malformed is left out alone, and told once`, async () => {
    const good = await named('good')
    const registry = await startStandIn(cleanup, kind)
    registry.services.set('ORDERS', [
      at(good, 'a', { address: '127.0.0.1/../x' }),
      at(good, 'b'),
      at(good, 'c', { port: 70_000 }),
    ])
    const gateway = await start(proxyYaml(poolOf()) + registryYaml(registry))
    assert.is(await answersOf(gateway), 'good')
    const before = registry.requests.length
    await until(() => registry.requests.length > before + 3, 'it is looked again')
    const told = gateway.lines.filter((line) => line.includes('are left out'))
    assert.is(told.length, 1)
    assert.ok(told[0]?.includes('its address is no host name'))
    assert.ok(told[0]?.includes('its port is no number from 1 to 65535'))
    assert.equal(statusOf(gateway), { health: 'ready', instancesNum: { ORDERS: 1 } })
  })

  test(`${kind}: an answer that is no answer of its kind changes nothing`, async () => {
    const good = await named('good')
    const registry = await startStandIn(cleanup, kind)
    registry.services.set('ORDERS', [at(good, 'a')])
    const gateway = await start(proxyYaml(poolOf()) + registryYaml(registry))
    const answers = [
      '<html>',
      '{"hosts": 1, "kvs": 1, "application": 1}',
      'x'.repeat(9 * 1024 * 1024),
    ]
    for (const text of answers) {
      registry.answer = (response) => response.end(text)
      const before = registry.requests.length
      await until(() => registry.requests.length > before + 2, 'it has been asked')
      assert.is.not((statusOf(gateway) as { health: string }).health, 'ready')
      assert.is(await answersOf(gateway), 'good')
    }
    registry.answer = null
    await until(() => (statusOf(gateway) as { health: string }).health === 'ready', 'it is well')
  })

  test(`${kind}: listed servers are used while the registry has no instance`, async () => {
    const [listed, found] = [await named('listed'), await named('found')]
    const registry = await startStandIn(cleanup, kind)
    const pool = poolOf({ servers: [{ url: listed.url }] })
    const gateway = await start(proxyYaml(pool) + registryYaml(registry))
    assert.is(await answersOf(gateway), 'listed')
    registry.services.set('ORDERS', [at(found, 'a')])
    await becomes(gateway, 'found')
    registry.services.delete('ORDERS')
    await becomes(gateway, 'listed')
  })
}

const CONSUL = 'ConsulServiceRegistry'

test('tags of the pool choose instances, and none with such a tag means the listed servers', async () => {
  const [old, next, listed] = [await named('old'), await named('next'), await named('listed')]
  const registry = await startStandIn(cleanup, CONSUL)
  registry.services.set('ORDERS', [at(old, 'a', { tags: ['v1'] }), at(next, 'b', { tags: ['v2'] })])
  const pool = (tags: string[]): object =>
    poolOf({ serverTags: tags, servers: [{ url: listed.url }] })
  const gateway = await start(proxyYaml(pool(['v2', 'v3'])) + registryYaml(registry))
  assert.is(await answersOf(gateway), 'next')
  for (const [tags, expected] of [
    [['v1', 'v2'], 'next old'],
    [['v9'], 'listed'],
    [[], 'next old'],
  ] as const) {
    await gateway.write('gateway.yaml', proxyYaml(pool([...tags])) + registryYaml(registry))
    assert.equal(await gateway.gateway.reload(), [])
    assert.is(await answersOf(gateway), expected)
  }
})

test('weights of a registry share the traffic', async () => {
  const [heavy, light] = [await named('heavy'), await named('light')]
  const registry = await startStandIn(cleanup, 'NacosServiceRegistry')
  registry.services.set('ORDERS', [
    at(heavy, 'a', { weight: 9.5 }),
    at(light, 'b', { weight: 0.5 }),
    at(light, 'c', { weight: 0, address: '127.0.0.2' }),
  ])
  const pool = poolOf({ loadBalance: { policy: 'weightedRandom' } })
  const gateway = await start(proxyYaml(pool) + registryYaml(registry))
  assert.equal(statusOf(gateway), { health: 'ready', instancesNum: { ORDERS: 2 } })
  const bodies: string[] = []
  for (let i = 0; i < 200; i++) bodies.push((await gateway.get('/')).body)
  const share = bodies.filter((body) => body === 'heavy').length / bodies.length
  assert.ok(share > 0.85 && share < 1, `${share} to the heavy one`)
})

test('a registry that changes its place is followed without a failed request', async () => {
  const [first, second] = [await named('first'), await named('second')]
  const [former, next] = [await startStandIn(cleanup, CONSUL), await startStandIn(cleanup, CONSUL)]
  former.services.set('ORDERS', [at(first, 'a')])
  next.services.set('ORDERS', [at(second, 'b')])
  const gateway = await start(proxyYaml(poolOf()) + registryYaml(former))
  const load = startLoad(gateway.port, '/', 4, ({ status }) =>
    status === 200 ? null : `${status}`,
  )
  for (let i = 0; i < 3; i++) {
    for (const [registry, expected] of [
      [next, 'second'],
      [former, 'first'],
    ] as const) {
      await gateway.write('gateway.yaml', proxyYaml(poolOf()) + registryYaml(registry))
      assert.equal(await gateway.gateway.reload(), [])
      await becomes(gateway, expected)
    }
  }
  // One of another kind, in the place of the former, goes by another name.
  const eureka = await startStandIn(cleanup, 'EurekaServiceRegistry')
  eureka.services.set('ORDERS', [at(second, 'b')])
  const renamed = registryYaml(eureka, { name: 'eureka' })
  await gateway.write('gateway.yaml', proxyYaml(poolOf({ serviceRegistry: 'eureka' })) + renamed)
  assert.equal(await gateway.gateway.reload(), [])
  // Its servers were known before the pool took over.
  assert.is(await answersOf(gateway), 'second')
  const { requests, failures } = await load.stop()
  assert.equal(failures, [])
  assert.ok(requests > 20)
  const asked = former.requests.length
  await until(() => eureka.requests.length > 3, 'the new one is looked at')
  assert.ok(former.requests.length <= asked + 1, 'the former one is let go')
})

test('a registry that a pool uses is not taken away, and its servers go on', async () => {
  const upstream = await named('one')
  const registry = await startStandIn(cleanup, CONSUL)
  registry.services.set('ORDERS', [at(upstream, 'a')])
  const gateway = await start(proxyYaml(poolOf()) + registryYaml(registry))
  await gateway.write('gateway.yaml', proxyYaml(poolOf()))
  const [refused = ''] = await gateway.gateway.reload()
  assert.match(refused, /gateway\.yaml:\d+:\d+: error: there is no service registry "registry"/)
  assert.is(await answersOf(gateway), 'one')
  // With the pool it goes, and is asked no more.
  const other = JSON.stringify({ name: 'mock', kind: 'Mock', rules: [{ body: 'mocked' }] })
  await gateway.write('gateway.yaml', onePipeline(`  - ${other}`))
  assert.equal(await gateway.gateway.reload(), [])
  assert.is(await answersOf(gateway), 'mocked')
  assert.is(gateway.gateway.control.statusOf('registry'), undefined)
})

test('a gateway starts while its registry is silent, and finds the servers once it speaks', async () => {
  const upstream = await named('one')
  const registry = await startStandIn(cleanup, CONSUL)
  registry.services.set('ORDERS', [at(upstream, 'a')])
  registry.answer = () => undefined
  const gateway = await start(proxyYaml(poolOf()) + registryYaml(registry))
  assert.is((await gateway.get('/')).status, 503)
  registry.answer = null
  await becomes(gateway, 'one')
})

test('a mirror pool, a WebSocketProxy and a backendPool find their servers in a registry', async () => {
  const [main, copy] = [await named('main'), await named('copy')]
  const registry = await startStandIn(cleanup, CONSUL)
  registry.services.set('ORDERS', [at(main, 'a')])
  registry.services.set('COPIES', [at(copy, 'b')])
  const mirrorPool = {
    ...poolOf({ serviceName: 'COPIES' }),
    filter: { urls: [{ url: { prefix: '/' } }] },
  }
  const routes = `kind: HTTPServer
name: server
port: 0
address: 127.0.0.1
rules:
  - paths:
      - { path: /own, backendPool: ${JSON.stringify(poolOf())} }
      - { pathPrefix: /socket, backend: sockets }
      - { backend: main }
---
kind: Pipeline
name: main
filters:
  - ${JSON.stringify({ name: 'proxy', kind: 'Proxy', pools: [poolOf()], mirrorPool })}
---
kind: Pipeline
name: sockets
filters:
  - ${JSON.stringify({ name: 'proxy', kind: 'WebSocketProxy', pools: [poolOf()] })}
`
  const gateway = await start(routes + registryYaml(registry))
  assert.is((await gateway.get('/own')).body, 'main')
  assert.is((await gateway.get('/')).body, 'main')
  await until(() => copy.requests.length === 1, 'the copy')
  const text = JSON.stringify(gateway.gateway.control.statusOf('sockets')?.detail)
  assert.ok(text.includes(main.url), text)
  assert.equal(statusOf(gateway), { health: 'ready', instancesNum: { ORDERS: 1, COPIES: 1 } })
})
