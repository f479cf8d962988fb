import { request } from 'node:http'
import { Cleanup, startGateway, startUpstream, until } from '../support/gateway.ts'
import { onePipeline } from '../support/one-pipeline.ts'
import { startProxy } from '../support/proxy-gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/proxy-pools')

let cleanup = new Cleanup()

test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const servers = (...urls: string[]) => urls.map((url) => ({ url }))

/** An upstream that answers with its name. */
const named = (name: string) => startUpstream(cleanup, (_, outgoing) => outgoing.end(name))

test('candidate pools are asked in order; the pool without a filter takes the rest', async () => {
  const [main, beta, admin] = [await named('main'), await named('beta'), await named('admin')]
  const { get, status } = await startProxy(cleanup, {
    pools: [
      { servers: servers(main.url) },
      {
        servers: servers(beta.url),
        filter: { headers: { 'X-Beta': { exact: 'yes' }, 'X-Team': { prefix: 'core' } } },
      },
      {
        servers: servers(admin.url),
        filter: {
          matchAllHeaders: true,
          headers: { 'X-Role': { exact: 'admin' } },
          urls: [{ methods: ['GET'], url: { prefix: '/admin' } }],
        },
      },
    ],
  })
  assert.is((await get('/')).body, 'main')
  assert.is((await get('/', { headers: { 'x-beta': 'yes' } })).body, 'beta')
  assert.is((await get('/', { headers: { 'x-team': 'core-1' } })).body, 'beta')
  const role = { 'x-role': 'admin' }
  assert.is((await get('/admin/a', { headers: role })).body, 'admin')
  assert.is((await get('/other', { headers: role })).body, 'main')
  assert.is((await get('/admin', { headers: role, method: 'POST' })).body, 'main')
  assert.is((await get('/admin', { headers: { ...role, 'x-beta': 'yes' } })).body, 'beta')
  assert.is(status().candidatePools.length, 2)
})

test('a share of the traffic goes to a candidate pool by hash or by chance', async () => {
  const [main, canary] = [await named('main'), await named('canary')]
  const pools = (filter: object) => ({
    pools: [{ servers: servers(main.url) }, { servers: servers(canary.url), filter }],
  })
  const { get, change } = await startProxy(
    cleanup,
    pools({ policy: 'headerHash', headerHashKey: 'X-User', permil: 300 }),
  )
  const shareOf = async (headers: (i: number) => Record<string, string>): Promise<number> => {
    const answers = await Promise.all(
      Array.from({ length: 400 }, (_, i) => get('/', { headers: headers(i) })),
    )
    return answers.filter(({ body }) => body === 'canary').length / 400
  }
  const byUser = await shareOf((i) => ({ 'x-user': `user-${i}` }))
  assert.ok(byUser > 0.2 && byUser < 0.4, `${byUser} of the users`)
  assert.ok([0, 1].includes(await shareOf(() => ({ 'x-user': 'one' }))))
  await change(pools({ policy: 'random', permil: 500 }))
  const byChance = await shareOf(() => ({}))
  assert.ok(byChance > 0.35 && byChance < 0.65, `${byChance} by chance`)
  for (const [permil, expected] of [
    [0, 'main'],
    [1000, 'canary'],
  ]) {
    await change(pools({ policy: 'ipHash', permil }))
    assert.is((await get('/')).body, expected)
  }
})

test('a mirror pool gets copies, and neither its answers nor its failures are seen', async () => {
  const bodies: string[] = []
  const main = await startUpstream(cleanup)
  const mirror = await startUpstream(cleanup, (incoming, outgoing) => {
    let body = ''
    incoming.on('data', (chunk) => {
      body += chunk
    })
    incoming.on('end', () => {
      bodies.push(body)
      outgoing.statusCode = 500
      outgoing.end('x'.repeat(300_000))
    })
  })
  const { get, change, status } = await startProxy(cleanup, {
    pools: [{ servers: servers(main.url) }],
    mirrorPool: {
      servers: servers(mirror.url),
      filter: { headers: { 'x-mirror': { exact: '1' } } },
    },
  })
  const headers = { 'x-mirror': '1' }
  assert.is((await get('/plain')).status, 200)
  const answer = await get('/a?b=c', { method: 'POST', body: 'copied', headers })
  assert.is(answer.status, 200)
  assert.is(JSON.parse(answer.body).body, 'copied')
  await until(() => bodies.length === 1, 'the copy')
  assert.equal(bodies, ['copied'])
  assert.is(mirror.requests[0]?.url, '/a?b=c')
  const large = 'x'.repeat(2 * 1024 * 1024)
  assert.is((await get('/', { method: 'POST', body: large, headers })).status, 200)
  assert.is(status().mirrorPool.skipped, 1)
  assert.is(mirror.requests.length, 1)
  await change({
    pools: [{ servers: servers(main.url) }],
    mirrorPool: {
      servers: servers('http://127.0.0.1:1'),
      filter: { headers: { 'x-mirror': { exact: '1' } } },
    },
  })
  assert.is((await get('/', { headers })).status, 200)
  await until(() => status().mirrorPool.failed === 1, 'the failed copy')
})

test('the results of a Proxy jump: internalError, serverError, failureCode, timeout', async () => {
  const broken = await startUpstream(cleanup, (_, outgoing) => {
    outgoing.statusCode = 404
    outgoing.end()
  })
  const silent = await startUpstream(cleanup, () => undefined)
  const nonsense = await startUpstream(cleanup, (incoming) => {
    incoming.socket.end('HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n')
  })
  const resultOf = async (pool: object): Promise<number> => {
    const codes = ['internalError', 'serverError', 'failureCode', 'timeout', 'shortCircuited']
    const mocks = codes.map(
      (_, i) => `  - { name: m${i}, kind: Mock, rules: [{ code: ${290 + i} }] }`,
    )
    const jumps = codes.map((code, i) => `${code}: m${i}`).join(', ')
    const nodes = codes.map((_, i) => `  - filter: m${i}\n    jumpIf: { mocked: END }`).join('\n')
    const flow = `flow:\n  - filter: proxy\n    jumpIf: { ${jumps}, "": END }\n${nodes}`
    const filter = JSON.stringify({ name: 'proxy', kind: 'Proxy', pools: [pool] })
    const yaml = onePipeline(`  - ${filter}\n${mocks.join('\n')}`, flow)
    const { get } = await startGateway(cleanup, yaml, {}, { watch: false })
    return (await get('/')).status
  }
  const file = { file: { path: 'missing.yaml' } }
  assert.is(await resultOf({ discovery: file }), 290)
  assert.is(await resultOf({ servers: servers('http://127.0.0.1:1') }), 291)
  assert.is(await resultOf({ servers: servers(nonsense.url) }), 291)
  assert.is(await resultOf({ servers: servers(broken.url), failureCodes: [404, 500] }), 292)
  assert.is(await resultOf({ servers: servers(broken.url) }), 404)
  assert.is(await resultOf({ servers: servers(silent.url), timeout: '100ms' }), 293)
})

test('a client that leaves is no failure of the upstream', async () => {
  const silent = await startUpstream(cleanup, () => undefined)
  const { port, status } = await startProxy(cleanup, {
    pools: [{ servers: servers(silent.url), outlierDetection: { consecutive5xx: 1 } }],
  })
  const call = request({ host: '127.0.0.1', port, path: '/', agent: false })
  call.on('error', () => undefined)
  call.end()
  await until(() => silent.requests.length === 1, 'the request')
  call.destroy()
  await until(() => status().mainPool.failures === 1, 'its end')
  assert.not(status().mainPool.servers[0].isEjected)
})

test('the Host field follows the rules of Easegress', async () => {
  const upstream = await startUpstream(cleanup)
  const local = `localhost:${upstream.port}`
  const address = `127.0.0.1:${upstream.port}`
  const hostOf = async (server: object, pool = {}): Promise<string> => {
    const { get } = await startProxy(cleanup, { pools: [{ servers: [server], ...pool }] })
    return JSON.parse((await get('/', { headers: { host: 'client.example' } })).body).headers.host
  }
  assert.is(await hostOf({ url: `http://${address}` }), 'client.example')
  assert.is(await hostOf({ url: `http://${local}` }), local)
  assert.is(await hostOf({ url: `http://${local}`, keepHost: true }), 'client.example')
  const upstreamHost = { setUpstreamHost: true }
  assert.is(await hostOf({ url: `http://${address}` }, upstreamHost), address)
  assert.is(
    await hostOf({ url: `http://${address}`, keepHost: true }, upstreamHost),
    'client.example',
  )
})

test('redirects are followed to servers of the pool only, and so many at most', async () => {
  const foreign = await named('foreign')
  const other = await startUpstream(cleanup)
  const first = await startUpstream(cleanup, (incoming, outgoing) => {
    const [, status, location] = /^\/(\d{3})=(.*)$/.exec(incoming.url ?? '') ?? []
    if (location === undefined) {
      outgoing.end(`${incoming.method} ${incoming.url} ${incoming.headers['content-type'] ?? ''}`)
      return
    }
    outgoing.writeHead(Number(status), { location: decodeURIComponent(location) })
    outgoing.end()
  })
  const { get, change } = await startProxy(cleanup, {
    maxRedirection: 2,
    pools: [
      {
        servers: [
          { url: first.url, weight: 1 },
          { url: other.url, weight: 0 },
        ],
        loadBalance: { policy: 'weightedRandom' },
      },
    ],
  })
  const to = (status: number, location: string): string =>
    `/${status}=${encodeURIComponent(location)}`
  assert.is((await get(to(302, '/there?x=1'))).body, 'GET /there?x=1 ')
  assert.is((await get(to(301, to(308, '/end')))).body, 'GET /end ')
  assert.is((await get(to(301, to(308, to(302, '/end'))))).status, 302)
  const body = { body: 'hello', headers: { 'content-type': 'text/plain' } }
  assert.is((await get(to(303, '/end'), { method: 'POST', ...body })).body, 'GET /end ')
  const kept = await get(to(307, '/end'), { method: 'PUT', ...body })
  assert.is(kept.body, 'PUT /end text/plain')
  const moved = JSON.parse((await get(to(307, `${other.url}/x`), { method: 'PUT', ...body })).body)
  assert.is(moved.body, 'hello')
  const away = await get(to(302, `${foreign.url}/secret`))
  assert.is(away.status, 302)
  assert.is(away.headers.location, `${foreign.url}/secret`)
  assert.is(foreign.requests.length, 0)
  await change({ pools: [{ servers: servers(first.url) }] })
  assert.is((await get(to(302, '/there'))).status, 302)
})

test('an answer larger than serverMaxBodySize is 500, or breaks off where its length is not announced', async () => {
  const upstream = await startUpstream(cleanup, (incoming, outgoing) => {
    const text = 'x'.repeat(Number(incoming.url?.slice(2)))
    if (incoming.url?.startsWith('/c') === true) {
      outgoing.write(text.slice(0, 10))
      setTimeout(() => outgoing.end(text.slice(10)), 20)
    } else outgoing.end(text)
  })
  const { get } = await startProxy(cleanup, {
    serverMaxBodySize: 1_000,
    pools: [{ servers: servers(upstream.url) }],
  })
  assert.is((await get('/k1000')).body.length, 1_000)
  assert.is((await get('/k1001')).status, 500)
  assert.is((await get('/c1000')).body.length, 1_000)
  await get('/c200000').then(
    () => assert.unreachable('the answer is whole'),
    (error: Error) => assert.match(error.message, /aborted|hang up|reset/),
  )
})

test('fields that filters before the Proxy have set go to the client too', async () => {
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    outgoing.setHeader('access-control-allow-origin', 'https://upstream.example')
    outgoing.setHeader('vary', 'Accept')
    outgoing.end('body')
  })
  const headers = JSON.stringify({
    'Access-Control-Allow-Origin': '*',
    'X-Before': 'kept',
    Vary: 'Origin',
    'Content-Type': 'text/html',
  })
  const yaml = onePipeline(
    `  - { name: before, kind: Mock, rules: [{ code: 200, headers: ${headers}, body: former }] }
  - { name: proxy, kind: Proxy, pools: [{ servers: [{ url: "${upstream.url}" }] }] }`,
    'flow: [{ filter: before, jumpIf: { mocked: proxy } }, { filter: proxy }]',
  )
  const { get } = await startGateway(cleanup, yaml, {}, { watch: false })
  const answer = await get('/')
  assert.is(answer.body, 'body')
  assert.is(answer.headers['access-control-allow-origin'], 'https://upstream.example')
  assert.is(answer.headers['x-before'], 'kept')
  assert.is(answer.headers.vary, 'Accept, Origin')
  assert.is(answer.headers['content-type'], undefined)
})
