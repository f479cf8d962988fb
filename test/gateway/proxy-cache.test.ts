import { Cleanup, startUpstream, until } from '../support/gateway.ts'
import { startProxy } from '../support/proxy-gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/proxy-cache')

let cleanup = new Cleanup()

test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const servers = (...urls: string[]) => urls.map((url) => ({ url }))

test('the cache answers by the whole address, per Vary, compressed for whom it may, also after a change', async () => {
  let count = 0
  const upstream = await startUpstream(cleanup, (incoming, outgoing) => {
    count += 1
    outgoing.setHeader('vary', 'Accept-Language')
    if (incoming.url === '/mine') outgoing.setHeader('set-cookie', 'a=b')
    // In two pieces, so that the answer streams.
    outgoing.write(`${count} `)
    setTimeout(() => outgoing.end(`${incoming.url} ${incoming.headers['accept-language']}`), 5)
  })
  const memoryCache = {
    expiration: '1m',
    maxEntryBytes: 4096,
    codes: [200],
    methods: ['GET', 'HEAD'],
  }
  const fields = {
    compression: {},
    pools: [{ servers: servers(upstream.url), memoryCache }],
  }
  const { get, change, status, lines } = await startProxy(cleanup, fields)
  const read = async (path: string, language = 'en', more: Record<string, string> = {}) =>
    (await get(path, { headers: { 'accept-language': language, ...more } })).body
  assert.is(await read('/a?user=1'), '1 /a?user=1 en')
  assert.is(await read('/a?user=1'), '1 /a?user=1 en')
  assert.is(await read('/a?user=2'), '2 /a?user=2 en')
  assert.is(await read('/a?user=1', 'de'), '3 /a?user=1 de')
  assert.is(await read('/a?user=1'), '1 /a?user=1 en')
  assert.is(await read('/mine'), '4 /mine en')
  assert.is(await read('/mine'), '5 /mine en')
  assert.is(await read('/a?user=1', 'en', { authorization: 'Basic x' }), '6 /a?user=1 en')
  const zipped = await get('/a?user=1', {
    headers: { 'accept-language': 'en', 'accept-encoding': 'gzip' },
  })
  assert.is(zipped.headers['content-encoding'], 'gzip')
  await change({ ...fields, maxRedirection: 1 })
  assert.is(await read('/a?user=1'), '1 /a?user=1 en')
  assert.is(status().mainPool.memoryCache.addresses, 2)
  await until(() => lines.some((line) => line.includes('from the cache')), 'the access log')
  const head = await get('/a?user=1', { method: 'HEAD', headers: { 'accept-language': 'en' } })
  assert.equal([head.status, head.headers['content-length']], [200, '14'])
  assert.is(count, 6)
  await get('/a?user=1', { method: 'DELETE' })
  assert.is(await read('/a?user=1'), '8 /a?user=1 en')
})

test('a configuration may name POST for the cache, and a POST is sent every time', async () => {
  const upstream = await startUpstream(cleanup)
  const memoryCache = {
    expiration: '1m',
    maxEntryBytes: 4096,
    codes: [200],
    methods: ['POST', 'GET'],
  }
  const { get } = await startProxy(cleanup, {
    pools: [{ servers: servers(upstream.url), memoryCache }],
  })
  for (const method of ['GET', 'GET', 'POST', 'POST']) {
    assert.is((await get('/a', { method })).status, 200)
  }
  assert.equal(
    upstream.requests.map(({ method }) => method),
    ['GET', 'POST', 'POST'],
  )
})
