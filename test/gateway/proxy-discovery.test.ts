import { createSocket } from 'node:dgram'
import { rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Cleanup, startUpstream, type TestUpstream, until } from '../support/gateway.ts'
import { startProxy } from '../support/proxy-gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/proxy-discovery')

let cleanup = new Cleanup()

test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const servers = (...urls: string[]) => urls.map((url) => ({ url }))

const named = (name: string): Promise<TestUpstream> =>
  startUpstream(cleanup, (_, outgoing) => outgoing.end(name))

test('servers come from a file that is watched; a wrong one changes nothing', async () => {
  const [a, b, fallback] = [await named('a'), await named('b'), await named('fallback')]
  const pool = {
    servers: servers(fallback.url),
    serverTags: ['blue'],
    discovery: { file: { path: 'servers.yaml' } },
  }
  const { get, write, change, dir, lines } = await startProxy(cleanup, { pools: [pool] })
  assert.is((await get('/')).body, 'fallback')
  const list = (...entries: object[]): string => JSON.stringify({ servers: entries })
  await write('servers.yaml', list({ url: a.url, tags: ['blue'] }, { url: b.url, tags: ['green'] }))
  await until(async () => (await get('/')).body === 'a', 'the file is read')
  for (let i = 0; i < 4; i++) assert.is((await get('/')).body, 'a')
  await write('servers.yaml', 'servers:\n  - ulr: x\n')
  await until(
    () =>
      lines.some((line) =>
        line.includes('unknown field `ulr` (did you mean \\"url\\"?); the former'),
      ),
    'the problem in the log',
  )
  assert.is((await get('/')).body, 'a')
  await rm(join(dir, 'servers.yaml'))
  await change({ pools: [{ ...pool, timeout: '9s' }] })
  assert.is((await get('/')).body, 'a')
  await write('servers.yaml', list({ url: b.url }))
  await until(async () => (await get('/')).body === 'b', 'the file is read again')
})

test('servers come from DNS, and what was found last stays when the name server fails', async () => {
  const upstream = await named('found')
  const dns = await startNameServer()
  const pool = {
    discovery: {
      dns: {
        host: 'service.example',
        port: upstream.port,
        interval: '40ms',
        nameServers: [`127.0.0.1:${dns.port}`],
      },
    },
  }
  const { get, status } = await startProxy(cleanup, { pools: [pool] })
  assert.is((await get('/')).body, 'found')
  assert.is(upstream.requests[0]?.headers.host, `service.example:${upstream.port}`)
  const urls = (): string[] => status().mainPool.servers.map((one: { url: string }) => one.url)
  assert.equal(urls(), [`http://127.0.0.1:${upstream.port}`])
  dns.addresses = ['127.0.0.1', '127.0.0.2']
  await until(() => urls().length === 2, 'the second address')
  dns.addresses = []
  const asked = dns.asked
  await until(() => dns.asked > asked + 3, 'the name server fails')
  assert.is(urls().length, 2)
  assert.is((await get('/')).status, 200)
})

/** Answers A questions with `addresses`, and everything else, or with none left, with NXDOMAIN. */
async function startNameServer() {
  const socket = createSocket('udp4')
  const server = { port: 0, addresses: ['127.0.0.1'], asked: 0 }
  socket.on('message', (query, { port }) => {
    server.asked += 1
    const end = query.indexOf(0, 12) + 5
    const isAddress = query.readUInt16BE(end - 4) === 1
    const addresses = isAddress ? server.addresses : []
    const head = Buffer.from(query.subarray(0, 12))
    const isUnknown = server.addresses.length === 0
    head.writeUInt16BE(isUnknown ? 0x8183 : 0x8180, 2)
    head.writeUInt16BE(addresses.length, 6)
    head.writeUInt16BE(0, 8)
    head.writeUInt16BE(0, 10)
    const answers = addresses.map((address) =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...address.split('.').map(Number)]),
    )
    socket.send(Buffer.concat([head, query.subarray(12, end), ...answers]), port, '127.0.0.1')
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  server.port = (socket.address() as AddressInfo).port
  cleanup.add(() => new Promise<void>((resolve) => socket.close(() => resolve())))
  return server
}
