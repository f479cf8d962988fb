import { createServer, type Socket } from 'node:net'
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

const test = suite('gateway/service-registry-kinds')

let cleanup = new Cleanup()

test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const named = (name: string): Promise<TestUpstream> =>
  startUpstream(cleanup, (_, outgoing) => outgoing.end(name))

const start = (yaml: string): Promise<TestGateway> =>
  startGateway(cleanup, yaml, {}, { watch: false })

const CONSUL = 'ConsulServiceRegistry'

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
