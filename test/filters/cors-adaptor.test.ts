import { Cleanup, startUpstream } from '../support/gateway.ts'
import { refusal, startPipeline } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/cors-adaptor')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

async function start(fields: string) {
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    outgoing.setHeader('vary', 'Accept')
    outgoing.end('from upstream')
  })
  return startPipeline(
    cleanup,
    `- { name: cors, kind: CORSAdaptor, ${fields} }
- { name: proxy, kind: Proxy, pools: [{ servers: [{ url: ${upstream.url} }] }] }`,
  )
}

const NAMED =
  'allowedOrigins: ["https://app.example", "https://*.trusted.example"], allowedMethods: [GET, PUT], allowedHeaders: [X-Token], allowCredentials: true, exposedHeaders: [X-Page], maxAge: 60'

test('answers a preflight request itself', async () => {
  const { get } = await start(NAMED)
  const answer = await get('/', {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example',
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'x-token, content-type',
    },
  })
  assert.is(answer.status, 204)
  assert.is(answer.headers['access-control-allow-origin'], 'https://app.example')
  assert.is(answer.headers['access-control-allow-methods'], 'PUT')
  assert.is(answer.headers['access-control-allow-headers'], 'x-token, content-type')
  assert.is(answer.headers['access-control-allow-credentials'], 'true')
  assert.is(answer.headers['access-control-max-age'], '60')
  assert.match(answer.headers.vary ?? '', 'Origin')
})

test('a preflight request that asks for too much is answered without a permission', async () => {
  const { get } = await start(NAMED)
  for (const headers of [
    { origin: 'https://evil.example', 'access-control-request-method': 'GET' },
    { origin: 'https://app.example', 'access-control-request-method': 'DELETE' },
    {
      origin: 'https://app.example',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'x-other',
    },
    { origin: 'https://trusted.example.evil', 'access-control-request-method': 'GET' },
  ]) {
    const answer = await get('/', { method: 'OPTIONS', headers })
    assert.is(answer.status, 204)
    assert.is(answer.headers['access-control-allow-origin'], undefined)
  }
})

test('adds the fields to what the upstream answers', async () => {
  const { get } = await start(NAMED)
  const answer = await get('/', { headers: { origin: 'https://a.trusted.example' } })
  assert.is(answer.body, 'from upstream')
  assert.is(answer.headers['access-control-allow-origin'], 'https://a.trusted.example')
  assert.is(answer.headers['access-control-expose-headers'], 'X-Page')
  assert.is(answer.headers.vary, 'Accept, Origin')
})

test('refuses other origins and marks what a cache may not mix up', async () => {
  const { get } = await start(NAMED)
  const refused = await get('/', { headers: { origin: 'https://evil.example' } })
  assert.is(refused.status, 403)
  assert.is(refused.headers.vary, 'Origin')
  const plain = await get('/')
  assert.is(plain.status, 200)
  assert.is(plain.headers.vary, 'Accept, Origin')
  assert.is(plain.headers['access-control-allow-origin'], undefined)
})

test('an open policy says * and never allows credentials', async () => {
  const { get } = await start('allowCredentials: true')
  const answer = await get('/', { headers: { origin: 'https://any.example' } })
  assert.is(answer.headers['access-control-allow-origin'], '*')
  assert.is(answer.headers['access-control-allow-credentials'], undefined)
  assert.is((await get('/')).headers.vary, 'Accept')
})

test('its results can jump', async () => {
  const { get } = await startPipeline(
    cleanup,
    `- { name: cors, kind: CORSAdaptor, allowedOrigins: ["https://a.example"] }
- { name: one, kind: Mock, rules: [{ code: 291 }] }
- { name: two, kind: Mock, rules: [{ code: 292 }] }`,
    `
- { filter: cors, jumpIf: { preflighted: one, rejected: two } }
- filter: END
- { filter: one, jumpIf: { mocked: END } }
- filter: two`,
  )
  const preflight = { origin: 'https://a.example', 'access-control-request-method': 'GET' }
  assert.is((await get('/', { method: 'OPTIONS', headers: preflight })).status, 291)
  assert.is((await get('/', { headers: { origin: 'https://b.example' } })).status, 292)
})

test('reports methods and origins that are none', async () => {
  const messages = await refusal(
    cleanup,
    '- { name: c, kind: CORSAdaptor, allowedMethods: [FETCH], allowedOrigins: ["*.a.*"] }',
  )
  assert.match(messages.join('\n'), '`allowedOrigins[0]` has more than one *')
  assert.match(messages.join('\n'), '`allowedMethods[0]` takes one of "GET"')
})
