import { Cleanup, startUpstream, type TestUpstream, until } from '../support/gateway.ts'
import { startPatient } from '../support/patient.ts'
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

const patient = (name: string) => startPatient(cleanup, name)

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
  for (let user = 0; user < 60; user++) {
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
