import { BALANCE_POLICIES } from '../../host/upstream/policies/builtin.ts'
import { Cleanup, type GetOptions, startUpstream, until } from '../support/gateway.ts'
import { type ProxyGateway, startProxy } from '../support/proxy-gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/balance-policies', { timeoutMs: 60_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const NAMES = ['a', 'b', 'c']

/** Servers that answer with their name, and fail the check at /health while they are unwell. */
async function startServers(names: readonly string[]) {
  const unwell = new Set<string>()
  const urls: string[] = []
  for (const name of names) {
    const { url } = await startUpstream(cleanup, (incoming, outgoing) => {
      if (incoming.url === '/health' && unwell.has(name)) outgoing.statusCode = 503
      outgoing.end(name)
    })
    urls.push(url)
  }
  return { unwell, urls }
}

/** How often each server answers `count` requests. */
async function answers(
  { get }: Pick<ProxyGateway, 'get'>,
  count: number,
  request: (turn: number) => GetOptions = () => ({}),
): Promise<Record<string, number>> {
  const seen: Record<string, number> = {}
  for (let turn = 0; turn < count; turn++) {
    const { status, body } = await get('/', request(turn))
    assert.is(status, 200)
    seen[body] = (seen[body] ?? 0) + 1
  }
  return seen
}

/** The same server for each key, and not one for all keys. */
async function assertKeyed(
  gateway: ProxyGateway,
  request: (key: number) => GetOptions,
): Promise<void> {
  const used = new Set<string>()
  for (let key = 0; key < 20; key++) {
    const seen = Object.keys(await answers(gateway, 3, () => request(key)))
    assert.is(seen.length, 1, `key ${key} went to ${seen.join(', ')}`)
    used.add(seen[0] ?? '')
  }
  assert.ok(used.size > 1)
}

const byHeader = (key: number): GetOptions => ({ headers: { 'x-key': `key-${key}` } })

/** What a client sees of each policy. */
const CASES: Readonly<Record<string, (gateway: ProxyGateway) => Promise<void>>> = {
  roundRobin: async (gateway) => assert.equal(await answers(gateway, 9), { a: 3, b: 3, c: 3 }),
  random: async (gateway) => {
    // Each of three misses 60 requests once in 10^10 times.
    assert.is(Object.keys(await answers(gateway, 60)).length, 3)
  },
  weightedRandom: async (gateway) => {
    const seen = await answers(gateway, 60)
    assert.is(seen['a'], undefined)
    assert.ok((seen['c'] ?? 0) > (seen['b'] ?? 0), JSON.stringify(seen))
  },
  ipHash: async (gateway) => {
    // One client, whatever it says about itself.
    const claims = (turn: number) => ({ headers: { 'x-forwarded-for': `10.0.0.${turn}` } })
    assert.is(Object.keys(await answers(gateway, 12, claims)).length, 1)
  },
  headerHash: (gateway) => assertKeyed(gateway, byHeader),
  cookieHash: (gateway) =>
    assertKeyed(gateway, (key) => ({ headers: { cookie: `session=${key}` } })),
  // One request at a time: no server is busier than another, but the weight counts.
  leastRequest: async (gateway) => assert.is((await answers(gateway, 12))['a'], undefined),
  forward: async (gateway) => {
    const { servers } = gateway.status().mainPool as { servers: { url: string }[] }
    for (const [i, { url }] of servers.entries()) {
      const named = { headers: { 'x-key': new URL(url).host } }
      assert.equal(await answers(gateway, 2, () => named), { [NAMES[i] ?? '']: 2 })
    }
  },
  consistentHash: (gateway) => assertKeyed(gateway, byHeader),
}

const WEIGHTED: ReadonlySet<string> = new Set(['weightedRandom', 'leastRequest'])

test('every policy has a case', () => {
  assert.equal(Object.keys(CASES).sort(), BALANCE_POLICIES.map(({ policy }) => policy).sort())
})

for (const [policy, see] of Object.entries(CASES)) {
  test(`${policy} chooses as it says, also after a change of other parts`, async () => {
    const { urls } = await startServers(NAMES)
    const weights = [0, 10, 90]
    const pool = {
      servers: urls.map((url, i) =>
        WEIGHTED.has(policy) ? { url, weight: weights[i] as number } : { url },
      ),
      loadBalance: { policy, [policy === 'forward' ? 'forwardKey' : 'headerHashKey']: 'X-Key' },
    }
    const gateway = await startProxy(cleanup, { pools: [pool] })
    await see(gateway)
    await gateway.change({ pools: [{ ...pool, timeout: '9s' }] })
    await see(gateway)
  })
}

test('below the panic threshold all servers are used, above it those that are well', async () => {
  const { unwell, urls } = await startServers(NAMES)
  const pool = {
    servers: urls.map((url) => ({ url })),
    healthCheck: { interval: '20ms', timeout: '10s', uri: '/health' },
  }
  const gateway = await startProxy(cleanup, {
    pools: [{ ...pool, healthyPanicThreshold: 50 }],
  })
  const unhealthy = (): number =>
    gateway
      .status()
      .mainPool.servers.filter(({ health }: { health: string }) => health === 'unhealthy').length
  unwell.add('a')
  await until(() => unhealthy() === 1, 'one is unhealthy', 20_000)
  assert.equal(await answers(gateway, 6), { b: 3, c: 3 })
  assert.not(gateway.status().mainPool.isPanicking)
  unwell.add('b')
  await until(() => unhealthy() === 2, 'two are unhealthy', 20_000)
  assert.equal(await answers(gateway, 9), { a: 3, b: 3, c: 3 })
  assert.ok(gateway.status().mainPool.isPanicking)
  // What the checks know is kept; a threshold of 0 never panics.
  await gateway.change({ pools: [{ ...pool, healthyPanicThreshold: 0 }] })
  assert.equal(await answers(gateway, 6), { c: 6 })
})

test('a server that is well again starts with a small share, and with a full one without slowStart', async () => {
  const { unwell, urls } = await startServers(['a', 'b'])
  const pool = {
    servers: urls.map((url) => ({ url })),
    healthCheck: { interval: '20ms', timeout: '10s', uri: '/health' },
  }
  // After a minute of an hour the share is a sixtieth.
  const slowStart = { slowStartWindow: '1h', minWeightPercent: 0 }
  const gateway = await startProxy(cleanup, { pools: [{ ...pool, slowStart }] })
  const health = (): string => gateway.status().mainPool.servers[0].health
  assert.equal(await answers(gateway, 6), { a: 3, b: 3 })
  unwell.add('a')
  await until(() => health() === 'unhealthy', 'it is unhealthy', 20_000)
  unwell.delete('a')
  await until(() => health() === 'healthy', 'it is healthy', 20_000)
  const seen = await answers(gateway, 40)
  assert.ok((seen['a'] ?? 0) <= 4, `${seen['a']} of 40 requests`)
  await gateway.change({ pools: [{ ...pool, slowStart, timeout: '9s' }] })
  const after = await answers(gateway, 40)
  assert.ok((after['a'] ?? 0) <= 4, `${after['a']} of 40 requests after a change`)
  await gateway.change({ pools: [pool] })
  assert.equal(await answers(gateway, 6), { a: 3, b: 3 })
})
