import { Cleanup, until } from '../support/gateway.ts'
import { startPatient } from '../support/patient.ts'
import { startProxy } from '../support/proxy-gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/proxy-health-checks')

let cleanup = new Cleanup()

test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const servers = (...urls: string[]) => urls.map((url) => ({ url }))

const patient = (name: string) => startPatient(cleanup, name)

test('a server that fails its checks gets no requests until it passes them again', async () => {
  const [first, second] = [await patient('first'), await patient('second')]
  const healthCheck = { interval: '30ms', uri: '/health', fails: 2, passes: 2 }
  const { get, status, lines } = await startProxy(cleanup, {
    pools: [{ servers: servers(first.url, second.url), healthCheck }],
  })
  const healths = (): string[] =>
    status().mainPool.servers.map((one: { health: string }) => one.health)
  first.state.isWell = false
  await until(() => healths()[0] === 'unhealthy', 'the first is unhealthy')
  const before = first.state.served
  for (let i = 0; i < 4; i++) assert.is((await get('/')).body, 'second')
  assert.is(first.state.served, before)
  first.state.isWell = true
  await until(() => healths()[0] === 'healthy', 'the first is healthy')
  const bodies = new Set([(await get('/')).body, (await get('/')).body])
  assert.equal([...bodies].sort(), ['first', 'second'])
  assert.ok(lines.some((line) => line.includes('is unhealthy: it answered 503')))
})

test('with all servers unhealthy a request is answered 503 at once, and served again when one is back', async () => {
  const only = await patient('only')
  const healthCheck = { interval: '25ms', timeout: '1s', uri: '/health' }
  const { get, status } = await startProxy(cleanup, {
    pools: [{ servers: servers(only.url), healthCheck }],
  })
  only.state.isWell = false
  await until(() => status().mainPool.servers[0].health === 'unhealthy', 'it is unhealthy')
  const served = only.state.served
  const startedAt = performance.now()
  assert.is((await get('/')).status, 503)
  // Nobody was asked: it did not wait for an answer (15 s).
  assert.ok(performance.now() - startedAt < 10_000)
  assert.is(only.state.served, served)
  only.state.isWell = true
  await until(async () => (await get('/')).status === 200, 'it serves again')
})

test('what checks have found outlives a change, and they end with the pool', async () => {
  const only = await patient('only')
  const healthCheck = { interval: '20ms', uri: '/health' }
  const pool = { servers: servers(only.url), healthCheck }
  const { get, status, change } = await startProxy(cleanup, { pools: [pool] })
  only.state.isWell = false
  await until(() => status().mainPool.servers[0].health === 'unhealthy', 'it is unhealthy')
  await change({ pools: [{ ...pool, timeout: '9s' }] })
  assert.is(status().mainPool.servers[0].health, 'unhealthy')
  assert.is((await get('/')).status, 503)
  await change({ pools: [{ servers: servers(only.url) }] })
  assert.is((await get('/')).status, 500)
  const { checks } = only.state
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.ok(only.state.checks <= checks + 1)
})

test('a check sends what its fields say, and looks at status, headers and body', async () => {
  const one = await patient('one')
  const check = { interval: '20ms', uri: '/health' }
  const healthOf = async (changes: object): Promise<string> => {
    const before = one.state.checks
    const { status, gateway } = await startProxy(cleanup, {
      pools: [{ servers: servers(one.url), healthCheck: { ...check, ...changes } }],
    })
    await until(() => one.state.checks >= before + 2, 'two checks')
    const { health } = status().mainPool.servers[0]
    await gateway.close()
    return health
  }
  assert.is(await healthOf({}), 'healthy')
  assert.is(await healthOf({ match: { statusCodes: [[201, 299]] } }), 'unhealthy')
  assert.is(
    await healthOf({
      match: {
        statusCodes: [
          [100, 100],
          [200, 200],
        ],
      },
    }),
    'healthy',
  )
  assert.is(await healthOf({ match: { body: { value: 'fine' } } }), 'healthy')
  assert.is(await healthOf({ match: { body: { value: '^fine', type: 'regexp' } } }), 'unhealthy')
  const header = (value: string, type: string) => ({ headers: [{ name: 'X-Name', value, type }] })
  assert.is(await healthOf({ match: header('^o', 'regexp') }), 'healthy')
  assert.is(await healthOf({ match: header('o', 'exact') }), 'unhealthy')
  one.requests.length = 0
  await healthOf({
    method: 'POST',
    headers: { 'X-Check': '1' },
    body: 'ping',
    username: 'me',
    password: 'secret',
    pass: 1,
  })
  assert.is(one.requests[0]?.method, 'POST')
  assert.is(one.requests[0]?.headers['x-check'], '1')
  assert.is(one.requests[0]?.headers['content-length'], '4')
  assert.is(one.requests[0]?.headers.authorization, 'Basic bWU6c2VjcmV0')
})

test('checks may go to another port than the requests', async () => {
  const one = await patient('one')
  const side = await patient('side')
  side.state.isWell = false
  const healthCheck = { interval: '20ms', uri: '/health', port: Number(new URL(side.url).port) }
  const { status } = await startProxy(cleanup, {
    pools: [{ servers: servers(one.url), healthCheck }],
  })
  await until(() => status().mainPool.servers[0].health === 'unhealthy', 'it is unhealthy')
  assert.is(one.state.checks, 0)
})

test('a server that keeps failing is ejected for a while, also over a change', async () => {
  const [bad, good] = [await patient('bad'), await patient('good')]
  bad.state.isWell = false
  const pool = {
    servers: servers(bad.url, good.url),
    outlierDetection: { consecutive5xx: 3, baseEjectionTime: '3s' },
  }
  const { get, status, change } = await startProxy(cleanup, { pools: [pool] })
  for (let i = 0; i < 6; i++) await get('/')
  assert.ok(status().mainPool.servers[0].isEjected)
  assert.is(bad.state.served, 3)
  await change({ pools: [{ ...pool, timeout: '9s' }] })
  for (let i = 0; i < 6; i++) assert.is((await get('/')).status, 200)
  assert.is(bad.state.served, 3)
  bad.state.isWell = true
  await until(async () => (await get('/')).body === 'bad', 'it is back')
})
