import { isGatewayError } from '../../host/errors.ts'
import { type FilterRequest, loadFilter, type TestFilter } from '../../host/testing.ts'
import { Cleanup, startGateway } from '../../test/support/gateway.ts'
import { compiled } from '../../test/support/guest.ts'
import { assert, suite } from '../../test/support/suite.ts'

const test = suite('plugins/token-bucket', { timeoutMs: 120_000 })
const cleanup = new Cleanup()
test.after(() => cleanup.run())

type Parameters = Readonly<Record<string, string | number | boolean>>

const NOW = Date.UTC(2026, 10, 22, 12)

const open = (parameters: Parameters): Promise<TestFilter> =>
  loadFilter(new URL('.', import.meta.url), { parameters, now: NOW })

/** How many of this many requests pass. */
async function passed(
  filter: TestFilter,
  count: number,
  init: FilterRequest = {},
): Promise<number> {
  let through = 0
  for (let i = 0; i < count; i++) {
    const run = await filter.request(init)
    assert.is(run.error, null)
    if (run.result === 'next') through++
    else assert.is(run.reply?.status, 429)
  }
  return through
}

test('a burst passes, then as many as come back', async () => {
  const filter = await open({ rate: 2, burst: 5 })
  assert.is(await passed(filter, 20), 5)
  filter.clock.advance(499)
  assert.is(await passed(filter, 3), 0)
  filter.clock.advance(1)
  assert.is(await passed(filter, 3), 1)
  filter.clock.advance(2_000)
  assert.is(await passed(filter, 9), 4)
  filter.clock.advance(3_600_000)
  assert.is(await passed(filter, 9), 5)
})

test('over a long time no more pass than the rate allows', async () => {
  const filter = await open({ rate: 3, burst: 7 })
  let through = 0
  for (let i = 0; i < 1_000; i++) {
    through += await passed(filter, 1)
    filter.clock.advance(20)
  }
  // 20 s at 3 a second, and the burst; less what rounding to milliseconds costs.
  assert.ok(through <= 67 && through >= 65, String(through))
})

test('who is refused is told when to come again, and may then', async () => {
  const filter = await open({ rate: 0.5, burst: 2, name: 'orders' })
  assert.is(await passed(filter, 2), 2)
  const { reply, reachedUpstream } = await filter.request()
  assert.is(reachedUpstream, false)
  assert.equal(reply?.headers.toObject(), {
    'content-type': 'text/plain; charset=utf-8',
    'retry-after': '2',
    'ratelimit-policy': '"orders";q=2;w=4',
    ratelimit: '"orders";r=0;t=2',
    'cache-control': 'no-store',
  })
  filter.clock.advance(2_000)
  assert.is(await passed(filter, 2), 1)
})

test('clients are told apart by address or header, and leaving it out is no way around', async () => {
  const filter = await open({ burst: 2 })
  assert.is(await passed(filter, 3, { clientAddress: '203.0.113.7' }), 2)
  assert.is(await passed(filter, 3, { clientAddress: '203.0.113.8' }), 2)
  const users = await open({ burst: 2, by: 'x-user' })
  const long = 'x'.repeat(4_000)
  for (const name of ['ada', 'bob', long, `${long}y`, 'ö', 'a b']) {
    assert.is(await passed(users, 3, { headers: { 'x-user': name } }), 2, name.slice(0, 9))
  }
  assert.is(await passed(users, 3), 2)
  assert.is(await passed(users, 3, { headers: { 'x-user': '' } }), 0)
})

test('methods may cost more, or nothing', async () => {
  const filter = await open({ burst: 5, rate: 1, costs: 'POST: 3\nOPTIONS: 0' })
  assert.is(await passed(filter, 50, { method: 'OPTIONS' }), 50)
  assert.is(await passed(filter, 1, { method: 'POST' }), 1)
  const { reply } = await filter.request({ method: 'POST' })
  assert.is(reply?.headers.get('retry-after'), '1')
  assert.is(await passed(filter, 5), 2)
})

test('a full bucket is not kept, and what is no bucket starts anew', async () => {
  const filter = await open({ rate: 10, burst: 2 })
  await filter.request({ clientAddress: '203.0.113.7' })
  assert.equal(Object.keys(filter.data.toObject()), ['default:203.0.113.7'])
  filter.clock.advance(100)
  assert.equal(filter.data.toObject(), {})
  filter.data.set('default:127.0.0.1', 'many')
  assert.is(await passed(filter, 3), 2)
  filter.data.set('default:127.0.0.1', '9'.repeat(40))
  assert.is(await passed(filter, 3), 2)
})

test('with no room for more clients the others are refused, or let in', async () => {
  const many = Array.from({ length: 10_000 }, (_, i) => `other ${i}`)
  for (const [whenUnavailable, status] of [
    ['refuse', 503],
    ['allow', 200],
  ] as const) {
    const filter = await open({ rate: 1, burst: 2, whenUnavailable })
    await filter.request({ clientAddress: '203.0.113.7' })
    for (const key of many.slice(1)) filter.data.set(key, '1')
    const run = await filter.request()
    assert.is(run.response.status, status)
    assert.equal(run.tags, ['token-bucket: full'])
    // Who has a bucket already is served as before.
    assert.is(await passed(filter, 2, { clientAddress: '203.0.113.7' }), 1)
  }
})

test('a result takes the place of the answer, for a flow of its own', async () => {
  const filter = await open({ burst: 1, result: true })
  assert.is((await filter.request()).result, 'next')
  assert.is((await filter.request()).result, 'limited')
})

test('limits that cannot be are refused', async () => {
  const refused = async (parameters: Parameters): Promise<string> => {
    try {
      await open(parameters)
      return ''
    } catch (error) {
      return isGatewayError(error) ? error.message : String(error)
    }
  }
  assert.match(await refused({ rate: 0 }), 'rate: more than 0')
  assert.match(await refused({ burst: 0 }), 'burst: 1 to')
  assert.match(await refused({ name: '' }), 'name: 1 to 64')
  assert.match(await refused({ burst: 2, costs: 'POST: 3' }), '"POST: 3" is not')
  assert.match(await refused({ costs: 'POST' }), '"POST" is not')
  assert.match(await refused({ whenUnavailable: 'panic' }), 'neither refuse nor allow')
})

for (const isolation of ['inline', 'worker'] as const) {
  test(`of many requests at once exactly the burst passes: ${isolation}`, async () => {
    const wasm = await compiled(new URL('.', import.meta.url).pathname)
    const yaml = `kind: HTTPServer
name: server
port: 0
rules: [{ paths: [{ pathPrefix: /, backend: main }] }]
---
kind: Pipeline
name: main
filters:
  - name: limit
    kind: WasmHost
    code: limit.wasm
    isolation: ${isolation}
    timeout: 20s
    parameters: { rate: 0.001, burst: 40 }
  - { name: upstream, kind: Mock, rules: [{ body: served }] }
`
    // A busy machine may take longer for one operation than a request may wait in production.
    const { get } = await startGateway(
      cleanup,
      yaml,
      { 'limit.wasm': wasm },
      { dataWaitMs: 20_000 },
    )
    const answers = await Promise.all(Array.from({ length: 200 }, () => get('/')))
    const counts = new Map<number, number>()
    for (const { status } of answers) counts.set(status, (counts.get(status) ?? 0) + 1)
    assert.equal(Object.fromEntries(counts), { 200: 40, 429: 160 })
  })
}

test('memory does not grow with the number of requests', async () => {
  const filter = await open({ by: 'x-user', rate: 1000 })
  const leak = await filter.leakCheck((i) => ({ headers: { 'x-user': `user ${i % 50}` } }))
  assert.not.ok(leak.isLeaking, JSON.stringify(leak))
})
