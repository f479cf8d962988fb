import { createSocket } from 'node:dgram'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { gzipSync } from 'node:zlib'
import { WireClient } from '../http/wire.ts'
import { Cleanup, startGateway, startUpstream, until } from '../support/gateway.ts'
import { onePipeline } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'
import { wat } from '../support/wat.ts'

const test = suite('gateway/http-limits')

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

let cleanup = new Cleanup()

test.before.each(() => {
  cleanup = new Cleanup()
})

test.after.each(() => cleanup.run())

const yamlOf = (filters: string, server = ''): string => onePipeline(filters, '', server)

const MOCK = '  - { name: mock, kind: Mock, rules: [{ code: 200, body: ok }] }'

test('L10: the number of connections, and every other limit, changes while they are open', async () => {
  const gateway = await startGateway(cleanup, yamlOf(MOCK, 'maxConnections: 20'))
  const kept = await WireClient.open(gateway.port)
  cleanup.add(() => kept.close())
  assert.is((await kept.ask(GET)).status, 200)
  await gateway.write('gateway.yaml', yamlOf(MOCK, 'maxConnections: 1\nmaxHeaderCount: 8'))
  assert.equal(await gateway.gateway.reload(), [])
  assert.is((await gateway.get('/')).status, 503)
  assert.is(
    (await kept.ask(GET.replace('\r\n\r\n', `${'\r\nX: y'.repeat(8)}\r\n\r\n`))).status,
    431,
  )
  await kept.ended()
  await until(async () => (await gateway.get('/').catch(() => null))?.status === 200, 'room again')
})

/** Turns a loop that takes far longer than a turn of the event loop. */
const SPIN = wat(`(module
  (memory (export "memory") 1)
  (func (export "penstock_on_request") (result i32)
    (local $i i32)
    (loop $l
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $i) (i32.const 400000000))))
    (i32.const 0)))`)

test('L11: a plugin that takes a whole core leaves the event loop alone', async () => {
  const plugin =
    '  - { name: plugin, kind: WasmHost, code: spin.wasm, timeout: 20s, queueTimeout: 20s, fuel: 10000000000 }\n'
  const gateway = await startGateway(cleanup, yamlOf(plugin + MOCK), { 'spin.wasm': SPIN })
  // In the event loop each call would be one delay of its whole length. The machine may be busy with other
  // things for a while: what is asked for has to be seen, not every time.
  let seen = ''
  await until(
    async () => {
      const delay = monitorEventLoopDelay({ resolution: 5 })
      delay.enable()
      const startedAtMs = performance.now()
      assert.is((await gateway.get('/')).status, 200)
      const tookMs = performance.now() - startedAtMs
      delay.disable()
      const [p99, max] = [delay.percentile(99) / 1e6, delay.max / 1e6]
      seen = `p99 ${p99.toFixed(1)} ms, longest ${max.toFixed(1)} ms of ${tookMs.toFixed(0)} ms`
      return tookMs > 100 && p99 < 20 && max < tookMs / 2
    },
    'the event loop is late by less than 20 ms',
    60_000,
  )
  process.stdout.write(`     L11: ${seen}\n`)
})

test('U47: an answer of 1 MB that unpacks to 1 GB is stopped at the limit for bytes', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    outgoing.setHeader('content-encoding', 'gzip')
    outgoing.end(bomb)
  })
  const filters = `  - { name: proxy, kind: Proxy, pools: [{ servers: [{ url: "${upstream.url}" }] }] }
  - { name: unpack, kind: ResponseAdaptor, decompress: gzip }
  - { name: refuse, kind: Mock, rules: [{ code: 502, body: too much }] }
flow:
  - { filter: proxy }
  - { filter: unpack, jumpIf: { decompressFailed: refuse } }
  - { filter: END }
  - { filter: refuse }`
  const gateway = await startGateway(cleanup, yamlOf(filters))
  const before = process.memoryUsage().rss
  assert.is((await gateway.get('/')).status, 502)
  assert.ok(process.memoryUsage().rss - before < 48 * 1024 * 1024)
})

test('U50: a name that stops resolving keeps the addresses it had, and 503 before it had any', async () => {
  let answers: 'address' | 'none' | 'nxdomain' = 'none'
  const upstream = await startUpstream(cleanup, (_, outgoing) => outgoing.end('here'))
  const dns = createSocket('udp4', (query, peer) => dns.send(reply(query, answers), peer.port))
  await new Promise<void>((resolve) => dns.bind(0, '127.0.0.1', resolve))
  cleanup.add(() => new Promise<void>((resolve) => dns.close(resolve)))
  const { port } = dns.address() as AddressInfo
  const filters = `  - name: proxy
    kind: Proxy
    pools:
      - discovery: { dns: { host: up.test, port: ${upstream.port}, interval: 100ms, nameServers: ["127.0.0.1:${port}"] } }`
  const gateway = await startGateway(cleanup, yamlOf(filters))
  const startedAtMs = performance.now()
  assert.is((await gateway.get('/')).status, 503)
  assert.ok(performance.now() - startedAtMs < 5_000, 'nobody waits')
  answers = 'address'
  await until(async () => (await gateway.get('/')).status === 200, 'it is found', 10_000)
  for (const next of ['none', 'nxdomain', 'address', 'nxdomain'] as const) {
    answers = next
    for (let i = 0; i < 10; i++) {
      assert.is((await gateway.get('/')).status, 200, next)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
})

test('U52: with every server ejected requests go to all of them, or get 503 at once; none hangs', async () => {
  let isWell = false
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    outgoing.statusCode = isWell ? 200 : 500
    outgoing.end()
  })
  const ejection =
    'outlierDetection: { consecutive5xx: 2, baseEjectionTime: 60s, maxEjectionPercent: 100 }'
  for (const [threshold, wanted] of [
    [50, 200],
    [0, 503],
  ] as const) {
    isWell = false
    const filters = `  - name: proxy
    kind: Proxy
    pools:
      - servers: [{ url: "${upstream.url}" }]
        ${ejection}
        healthyPanicThreshold: ${threshold}`
    const gateway = await startGateway(cleanup, yamlOf(filters))
    for (let i = 0; i < 3; i++) await gateway.get('/')
    isWell = true
    assert.is((await gateway.get('/')).status, wanted, `${threshold} %`)
  }
})

/** An answer of a name server to a query for one name. */
function reply(query: Buffer, kind: 'address' | 'none' | 'nxdomain'): Buffer {
  const end = query.indexOf(0, 12) + 5
  const question = query.subarray(12, end)
  const isA = question.readUInt16BE(question.length - 4) === 1
  const head = Buffer.alloc(12)
  query.copy(head, 0, 0, 2)
  head.writeUInt16BE(kind === 'nxdomain' ? 0x8183 : 0x8180, 2)
  head.writeUInt16BE(1, 4)
  if (kind !== 'address' || !isA) return Buffer.concat([head, question])
  head.writeUInt16BE(1, 6)
  const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1])
  return Buffer.concat([head, question, answer])
}
