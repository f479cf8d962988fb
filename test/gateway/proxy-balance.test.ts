import { createSocket } from 'node:dgram'
import { rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Cleanup, startUpstream, type TestUpstream, until } from '../support/gateway.ts'
import { startProxy } from '../support/proxy-gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/proxy-balance')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const servers = (...urls: string[]) => urls.map((url) => ({ url }))

const named = (name: string): Promise<TestUpstream> =>
  startUpstream(cleanup, (_, outgoing) => outgoing.end(name))

/** An upstream that is well or not, and answers checks at /health. */
async function patient(name: string) {
  const state = { isWell: true, checks: 0, served: 0 }
  const upstream = await startUpstream(cleanup, (incoming, outgoing) => {
    if (incoming.url === '/health') {
      state.checks += 1
      outgoing.setHeader('x-name', name)
      outgoing.statusCode = state.isWell ? 200 : 503
      outgoing.end(state.isWell ? 'status: fine' : 'status: ill')
      return
    }
    state.served += 1
    outgoing.statusCode = state.isWell ? 200 : 500
    outgoing.end(name)
  })
  return { url: upstream.url, requests: upstream.requests, state }
}

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

test('leastRequest passes a busy server over', async () => {
  // Neither answers before it is told to, so that nothing depends on who is faster.
  const held: { name: string; answer: () => void }[] = []
  const make = (name: string): Promise<TestUpstream> =>
    startUpstream(cleanup, (_, outgoing) => {
      held.push({ name, answer: () => outgoing.end(name) })
    })
  const names = ['first', 'second']
  const upstreams = [await make('first'), await make('second')]
  const { get, status } = await startProxy(cleanup, {
    pools: [
      {
        servers: servers(...upstreams.map(({ url }) => url)),
        loadBalance: { policy: 'leastRequest' },
        timeout: '0s',
      },
    ],
  })
  const activeAt = (name: string): number =>
    status().mainPool.servers[names.indexOf(name)].active as number
  const arrival = async (count: number): Promise<void> =>
    until(() => held.length === count, `request ${count} at a server`, 20_000)
  const busy = get('/')
  await arrival(1)
  const [at] = held
  const other = names.find((name) => name !== at?.name) ?? ''
  for (let count = 2; count < 12; count++) {
    const pending = get('/')
    await arrival(count)
    assert.is(held[count - 1]?.name, other)
    held[count - 1]?.answer()
    assert.is((await pending).body, other)
    // A client may have its answer a moment before the request counts as over.
    await until(() => activeAt(other) === 0, 'the other server is idle', 20_000)
  }
  assert.is(activeAt(at?.name ?? ''), 1)
  at?.answer()
  await busy
})

test('a consistent hash keeps a user on one server while another leaves', async () => {
  const upstreams = [await named('a'), await named('b'), await named('c')]
  const pool = { loadBalance: { policy: 'consistentHash', headerHashKey: 'X-User' } }
  const urls = upstreams.map(({ url }) => url)
  const { get, change } = await startProxy(cleanup, {
    pools: [{ ...pool, servers: servers(...urls) }],
  })
  const ask = (): Promise<string[]> =>
    Promise.all(
      Array.from(
        { length: 60 },
        async (_, i) => (await get('/', { headers: { 'x-user': `u${i}` } })).body,
      ),
    )
  const before = await ask()
  assert.equal(await ask(), before)
  await change({ pools: [{ ...pool, servers: servers(...urls.slice(0, 2)) }] })
  const after = await ask()
  for (const [i, name] of before.entries()) if (name !== 'c') assert.is(after[i], name)
})

/** The cookie of the gateway in an answer, as a client sends it back. */
function cookieOf(answer: { headers: { 'set-cookie'?: string[] | undefined } }): string {
  return (
    answer.headers['set-cookie']
      ?.find((text) => text.startsWith('EG_SESSION='))
      ?.split(';', 1)[0] ?? ''
  )
}

test('DurationBased binds a session to a server by a cookie that tells nothing of it', async () => {
  const upstreams = [await named('a'), await named('b'), await named('c')]
  const urls = upstreams.map(({ url }) => url)
  const fields = (extra = {}) => ({
    ...extra,
    pools: [
      {
        servers: servers(...urls),
        loadBalance: { stickySession: { mode: 'DurationBased', lbCookieExpire: '1h' } },
      },
    ],
  })
  const { get, change } = await startProxy(cleanup, fields())
  const first = await get('/')
  const cookie = cookieOf(first)
  assert.match(
    first.headers['set-cookie']?.[0] ?? '',
    /^EG_SESSION=[\w-]{24}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/,
  )
  for (const url of urls) assert.not(cookie.includes(Buffer.from(url).toString('hex')))
  for (let i = 0; i < 6; i++) {
    assert.is((await get('/', { headers: { cookie: `x=1; ${cookie}` } })).body, first.body)
  }
  await change(fields({ maxRedirection: 1 }))
  for (let i = 0; i < 3; i++) assert.is((await get('/', { headers: { cookie } })).body, first.body)
  // A cookie that nobody has signed leads to no server.
  const forged = await get('/', { headers: { cookie: `EG_SESSION=${'A'.repeat(24)}` } })
  assert.is(forged.status, 200)
  assert.not(cookieOf(forged) === `EG_SESSION=${'A'.repeat(24)}`)
})

test('a session moves when its server is ejected', async () => {
  const [a, b] = [await patient('a'), await patient('b')]
  const { get } = await startProxy(cleanup, {
    pools: [
      {
        servers: servers(a.url, b.url),
        outlierDetection: { consecutive5xx: 1 },
        loadBalance: { stickySession: { mode: 'DurationBased' } },
      },
    ],
  })
  const first = await get('/')
  const own = first.body === 'a' ? a : b
  const cookie = cookieOf(first)
  own.state.isWell = false
  assert.is((await get('/', { headers: { cookie } })).status, 500)
  const moved = await get('/', { headers: { cookie } })
  assert.is(moved.status, 200)
  assert.not(cookieOf(moved) === cookie)
})

test('ApplicationBased sets its cookie only along with that of the application', async () => {
  const make = (name: string) =>
    startUpstream(cleanup, (incoming, outgoing) => {
      if (incoming.url === '/login') outgoing.setHeader('set-cookie', ['app=1', 'other=2'])
      outgoing.end(name)
    })
  const [a, b] = [await make('a'), await make('b')]
  const { get } = await startProxy(cleanup, {
    pools: [
      {
        servers: servers(a.url, b.url),
        loadBalance: { stickySession: { mode: 'ApplicationBased', appCookieName: 'app' } },
      },
    ],
  })
  assert.is(cookieOf(await get('/')), '')
  const login = await get('/login')
  assert.is(login.headers['set-cookie']?.length, 3)
  const cookie = cookieOf(login)
  for (let i = 0; i < 4; i++) assert.is((await get('/', { headers: { cookie } })).body, login.body)
})

test('CookieConsistentHash binds by the cookie of the application', async () => {
  const upstreams = [await named('a'), await named('b'), await named('c')]
  const urls = upstreams.map(({ url }) => url)
  const { get } = await startProxy(cleanup, {
    pools: [
      {
        servers: servers(...urls),
        loadBalance: { stickySession: { mode: 'CookieConsistentHash', appCookieName: 'app' } },
      },
    ],
  })
  const seen = new Set<string>()
  for (let user = 0; user < 12; user++) {
    const ask = async () => (await get('/', { headers: { cookie: `app=user${user}` } })).body
    const first = await ask()
    for (let i = 0; i < 3; i++) assert.is(await ask(), first)
    seen.add(first)
  }
  assert.is(seen.size, 3)
  // Without the cookie the policy of the pool decides.
  assert.equal([(await get('/')).body, (await get('/')).body, (await get('/')).body].sort(), [
    'a',
    'b',
    'c',
  ])
})

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
