import { createServer, type Socket } from 'node:net'
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
import { DIALECTS, type StandIn, startStandIn, type TestInstance } from '../support/registries.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/service-registries')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const named = (name: string): Promise<TestUpstream> =>
  startUpstream(cleanup, (_, outgoing) => outgoing.end(name))

const at = (
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

const registryYaml = (registry: StandIn, fields: object = {}): string =>
  `---\n${JSON.stringify({ kind: registry.kind, name: 'registry', ...registry.fields, ...intervalOf(registry.kind), ...fields })}\n`

/** A pool of `ORDERS` in the registry. */
const poolOf = (fields: object = {}): object => ({
  serviceRegistry: 'registry',
  serviceName: 'ORDERS',
  ...fields,
})

const proxyYaml = (pool: object, fields: object = {}): string =>
  onePipeline(`  - ${JSON.stringify({ name: 'proxy', kind: 'Proxy', pools: [pool], ...fields })}`)

const start = (yaml: string): Promise<TestGateway> =>
  startGateway(cleanup, yaml, {}, { watch: false })

/** Who answers, over a few requests. */
async function answersOf({ get }: TestGateway): Promise<string> {
  const answers = new Set<string>()
  for (let i = 0; i < 4; i++) {
    const { status, body } = await get('/')
    answers.add(status === 200 ? body : String(status))
  }
  return [...answers].sort().join(' ')
}

const becomes = (gateway: TestGateway, expected: string): Promise<void> =>
  until(async () => (await answersOf(gateway)) === expected, `the servers are ${expected}`)

/** What the object says of itself. */
const statusOf = ({ gateway }: TestGateway): unknown => gateway.control.statusOf('registry')?.detail

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

test('an instance of Eureka with a secure port is asked by https', async () => {
  const registry = await startStandIn(cleanup, 'EurekaServiceRegistry')
  registry.services.set('ORDERS', [
    { id: 'a', address: '127.0.0.1', port: 1, scheme: 'https' },
    { id: 'b', address: '127.0.0.1', port: 2 },
  ])
  const { gateway } = await start(proxyYaml(poolOf()) + registryYaml(registry))
  const text = JSON.stringify(gateway.control.statusOf('main')?.detail)
  assert.ok(text.includes('"https://127.0.0.1:1"') && text.includes('"http://127.0.0.1:2"'), text)
})

test('Consul gets the token, the datacenter, the namespace and the tags', async () => {
  const upstream = await named('one')
  const registry = await startStandIn(cleanup, CONSUL)
  registry.services.set('ORDERS', [at(upstream, 'a-on-node', { tags: ['blue', 'x'] })])
  const fields = {
    token: 'secret-token',
    datacenter: 'dc2',
    namespace: 'shop',
    serviceTags: ['blue'],
  }
  const gateway = await start(proxyYaml(poolOf()) + registryYaml(registry, fields))
  assert.is(await answersOf(gateway), 'one')
  const [asked] = registry.requests
  assert.is(asked?.url, '/v1/health/service/ORDERS?dc=dc2&ns=shop&tag=blue')
  assert.is(asked?.headers['x-consul-token'], 'secret-token')
  assert.ok(!gateway.lines.some((line) => line.includes('secret-token')))
})

test('Eureka gets the user of its address, and the log does not', async () => {
  const upstream = await named('one')
  const registry = await startStandIn(cleanup, 'EurekaServiceRegistry')
  registry.services.set('ORDERS', [at(upstream, 'a')])
  const endpoints = [
    // Nobody listens there: the next one is asked.
    'http://127.0.0.1:1/eureka',
    `http://me:pass%40word@127.0.0.1:${registry.port}/eureka`,
  ]
  const gateway = await start(proxyYaml(poolOf()) + registryYaml(registry, { endpoints }))
  assert.is(await answersOf(gateway), 'one')
  const basic = `Basic ${Buffer.from('me:pass@word').toString('base64')}`
  assert.is(registry.requests[0]?.headers.authorization, basic)
  registry.answer = (response) => response.writeHead(401).end()
  await until(() => JSON.stringify(statusOf(gateway)).includes('it answered 401'), 'it is refused')
  const seen = [...gateway.lines, JSON.stringify(statusOf(gateway))].join('\n')
  assert.ok(!seen.includes('pass'), 'no password')
})

test('a registry whose certificate nobody vouches for is not asked', async () => {
  const [listed, found] = [await named('listed'), await named('found')]
  const registry = await startStandIn(cleanup, CONSUL, true)
  registry.services.set('ORDERS', [at(found, 'a')])
  const pool = poolOf({ servers: [{ url: listed.url }] })
  const fields = { scheme: 'https', token: 'secret-token' }
  const gateway = await start(proxyYaml(pool) + registryYaml(registry, fields))
  await until(() => JSON.stringify(statusOf(gateway)).includes('certificate'), 'it says why')
  assert.is(await answersOf(gateway), 'listed')
  assert.equal(registry.requests, [])
})

test('a token of Nacos that is refused is asked for anew', async () => {
  const [first, second] = [await named('first'), await named('second')]
  const registry = await startStandIn(cleanup, 'NacosServiceRegistry')
  registry.services.set('ORDERS', [at(first, 'a')])
  const gateway = await start(proxyYaml(poolOf()) + registryYaml(registry))
  assert.is(await answersOf(gateway), 'first')
  const logins = (): number => registry.requests.filter(({ url }) => url.includes('login')).length
  assert.is(logins(), 1)
  registry.answer = (response) => response.writeHead(403).end()
  await until(() => JSON.stringify(statusOf(gateway)).includes('403'), 'it is refused')
  registry.answer = null
  registry.services.set('ORDERS', [at(second, 'b')])
  await becomes(gateway, 'second')
  assert.ok(logins() >= 2)
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

/** A message of ZooKeeper: its length, then these bytes. */
function message(...bytes: readonly number[]): Buffer {
  const head = Buffer.alloc(4)
  head.writeInt32BE(bytes.length)
  return Buffer.concat([head, Buffer.from(bytes)])
}

/** Version 0, a session of 2 s, an id of 8 bytes and a password of 16. */
const SESSION = message(
  ...[0, 0, 0, 0, 0, 0, 7, 208, 0, 0, 0, 0, 0, 0, 0, 1],
  ...[0, 0, 0, 16, ...Array.from({ length: 16 }, () => 1)],
)

/** What a server of ZooKeeper may do wrong; each gets the socket and how many packets came before. */
const ZOOKEEPERS: Readonly<Record<string, (socket: Socket, packets: number) => void>> = {
  'says nothing': () => undefined,
  'answers with something else': (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
  'sends a message that is too short': (socket) => socket.write(message(0, 0)),
  'sends a length below zero': (socket) => socket.write(Buffer.from([255, 0, 0, 0, 1])),
  'sends a length that is too large': (socket) => socket.write(Buffer.from([127, 0, 0, 0, 1])),
  'cuts every connection': (socket) => socket.destroy(),
  'takes a session and answers nonsense': (socket, packets) =>
    socket.write(packets === 0 ? SESSION : message(...Array.from({ length: 40 }, (_, i) => i * 6))),
  'takes a session and knows another code of failure': (socket, packets) =>
    // Answer 0, transaction 0, error 1000.
    socket.write(packets === 0 ? SESSION : message(...Array(14).fill(0), 3, 232)),
  'takes a session and is silent then': (socket, packets) =>
    void (packets === 0 ? socket.write(SESSION) : undefined),
}

for (const [fault, answer] of Object.entries(ZOOKEEPERS)) {
  test(`a ZooKeeper that ${fault} harms nobody`, async () => {
    const listed = await named('listed')
    const sockets = new Set<Socket>()
    let packets = 0
    const server = createServer((socket) => {
      sockets.add(socket)
      let own = 0
      socket.on('error', () => undefined)
      socket.on('data', () => {
        packets += 1
        answer(socket, own++)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanup.add(() => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(resolve))
    })
    const { port } = server.address() as { port: number }
    const object = {
      kind: 'ZookeeperServiceRegistry',
      name: 'registry',
      zkservices: [`127.0.0.1:${port}`],
      conntimeout: '300ms',
      syncInterval: '100ms',
    }
    const pool = poolOf({ servers: [{ url: listed.url }] })
    const gateway = await start(`${proxyYaml(pool)}---\n${JSON.stringify(object)}\n`)
    const health = (): unknown => (statusOf(gateway) as { health: string }).health
    await until(() => packets > 2 && health() !== 'ready', 'it has failed more than once')
    assert.is(await answersOf(gateway), 'listed')
    assert.equal(statusOf(gateway), { health: health(), serviceInstancesNum: { ORDERS: 0 } })
    await gateway.gateway.close()
  })
}
