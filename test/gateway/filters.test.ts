import { Cleanup, startGateway, startUpstream, type TestGateway } from '../support/gateway.ts'
import { onePipeline, proxyTo } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/filters')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

/** A gateway with one pipeline of the given filters (YAML, indented by two). */
function gatewayOf(filters: string, flow = ''): Promise<TestGateway> {
  return startGateway(cleanup, onePipeline(filters, flow), {}, { watch: false })
}

test('Proxy takes its servers in turn and passes method, target, headers and body on', async () => {
  const first = await startUpstream(cleanup)
  const second = await startUpstream(cleanup)
  const { get } = await gatewayOf(proxyTo(first.url, second.url))
  for (let i = 0; i < 4; i++) await get('/')
  assert.is(first.requests.length, 2)
  assert.is(second.requests.length, 2)
  const answer = await get('/a%2Fb?c=%20d', {
    method: 'POST',
    body: 'hello',
    headers: { 'x-a': 'b' },
  })
  const seen = JSON.parse(answer.body)
  assert.is(seen.method, 'POST')
  assert.is(seen.url, '/a%2Fb?c=%20d')
  assert.is(seen.body, 'hello')
  assert.is(seen.headers['x-a'], 'b')
  assert.is(seen.headers['x-forwarded-for'], '127.0.0.1')
})

test('Proxy does not believe forwarded headers of a client', async () => {
  const upstream = await startUpstream(cleanup)
  const { get } = await gatewayOf(proxyTo(upstream.url))
  await get('/', { headers: { 'x-forwarded-for': '6.6.6.6', forwarded: 'for=6.6.6.6' } })
  assert.is(upstream.requests[0]?.headers['x-forwarded-for'], '127.0.0.1')
  assert.is(upstream.requests[0]?.headers['forwarded'], undefined)
})

test('Proxy puts the path of a server before that of the request', async () => {
  const upstream = await startUpstream(cleanup)
  const { get } = await gatewayOf(proxyTo(`${upstream.url}/base/`))
  assert.is(JSON.parse((await get('/x?y')).body).url, '/base/x?y')
})

test('Proxy answers 504 past its timeout, 503 when nobody listens, and each can jump', async () => {
  const silent = await startUpstream(cleanup, () => undefined)
  const slow = proxyTo(silent.url).replace('{ servers:', '{ timeout: 100ms, servers:')
  assert.is((await (await gatewayOf(slow)).get('/')).status, 504)
  const dead = proxyTo('http://127.0.0.1:1')
  assert.is((await (await gatewayOf(dead)).get('/')).status, 503)
  const mock = '  - name: mock\n    kind: Mock\n    rules: [{ code: 299 }]\n'
  const flow = (result: string): string =>
    `flow:\n  - filter: proxy\n    jumpIf: { ${result}: mock }\n  - filter: END\n  - filter: mock\n`
  assert.is((await (await gatewayOf(slow + mock, flow('timeout'))).get('/')).status, 299)
  assert.is((await (await gatewayOf(dead + mock, flow('serverError'))).get('/')).status, 299)
})

test('a 5xx of the upstream is passed on, and is the result failureCode', async () => {
  const broken = await startUpstream(cleanup, (_, outgoing) => {
    outgoing.statusCode = 502
    outgoing.end('from upstream')
  })
  const plain = await (await gatewayOf(proxyTo(broken.url))).get('/')
  assert.is(plain.status, 502)
  assert.is(plain.body, 'from upstream')
  const mock = '  - name: mock\n    kind: Mock\n    rules: [{ code: 298 }]\n'
  const flow = 'flow:\n  - filter: proxy\n    jumpIf: { failureCode: mock }\n  - filter: mock\n'
  assert.is((await (await gatewayOf(proxyTo(broken.url) + mock, flow)).get('/')).status, 298)
})

test('Mock answers by the first rule that matches, with headers, body and delay', async () => {
  const { get } = await gatewayOf(`  - name: mock
    kind: Mock
    rules:
      - match: { path: /exact }
        code: 201
        headers: { x-rule: exact }
        body: one
      - match: { pathPrefix: /pre, headers: { X-Who: { prefix: a } } }
        body: two
        delay: 20ms
      - match: { headers: { x-all: { exact: "1" }, x-both: { regex: "^b+$" } }, matchAllHeaders: true }
        body: three
      - match: { pathPrefix: /pre }
        code: 404`)
  const exact = await get('/exact')
  assert.is(exact.status, 201)
  assert.is(exact.headers['x-rule'], 'exact')
  assert.is(exact.body, 'one')
  const startedAt = performance.now()
  assert.is((await get('/prefix', { headers: { 'x-who': 'abc' } })).body, 'two')
  assert.ok(performance.now() - startedAt >= 19)
  assert.is((await get('/x', { headers: { 'x-all': '1', 'x-both': 'bb' } })).body, 'three')
  assert.is((await get('/prefix')).status, 404)
  assert.is((await get('/nothing', { headers: { 'x-all': '1' } })).status, 503)
})

test('RequestAdaptor changes method, path, host, headers and body', async () => {
  const upstream = await startUpstream(cleanup)
  const adapt = async (spec: string, target = '/a/b'): Promise<ReturnType<typeof JSON.parse>> => {
    const { get } = await gatewayOf(
      `  - name: adapt\n    kind: RequestAdaptor\n${spec}\n${proxyTo(upstream.url)}`,
    )
    const answer = await get(target, {
      method: 'POST',
      body: 'old',
      headers: { 'x-del': '1', 'x-set': '1' },
    })
    return JSON.parse(answer.body)
  }
  const all = await adapt(`    method: PUT
    host: other.example
    body: new
    header:
      del: [X-Del]
      set: { x-set: "2" }
      add: { x-add: "3" }`)
  assert.is(all.method, 'PUT')
  assert.is(all.headers.host, 'other.example')
  assert.is(all.body, 'new')
  assert.is(all.headers['x-del'], undefined)
  assert.is(all.headers['x-set'], '2')
  assert.is(all.headers['x-add'], '3')
  assert.is((await adapt('    path: { replace: /new }', '/a?q')).url, '/new?q')
  assert.is((await adapt('    path: { addPrefix: /v1 }', '/a%2Fb')).url, '/v1/a%2Fb')
  assert.is((await adapt('    path: { trimPrefix: /a }')).url, '/b')
  assert.is(
    (
      await adapt(
        '    path: { regexpReplace: { regexp: "^/(\\\\w)/(\\\\w)$", replace: "/$2/$1" } }',
      )
    ).url,
    '/b/a',
  )
})

test('ResponseAdaptor changes the response, and says so when there is none', async () => {
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    outgoing.setHeader('x-del', '1')
    outgoing.end('old')
  })
  const adapt = `  - name: adapt
    kind: ResponseAdaptor
    body: new body
    header: { del: [x-del], set: { x-set: "2" } }
`
  const after = await (await gatewayOf(proxyTo(upstream.url) + adapt)).get('/')
  assert.is(after.body, 'new body')
  assert.is(after.headers['x-del'], undefined)
  assert.is(after.headers['x-set'], '2')
  const mock = '  - name: mock\n    kind: Mock\n    rules: [{ code: 297 }]\n'
  const flow =
    'flow:\n  - filter: adapt\n    jumpIf: { responseNotFound: mock }\n  - filter: mock\n'
  assert.is((await (await gatewayOf(adapt + mock, flow)).get('/')).status, 297)
})

test('a route is chosen as Easegress decides, with 404, 405 and 503 when there is none', async () => {
  const { get } = await startGateway(
    cleanup,
    `kind: HTTPServer
name: server
port: 0
address: 127.0.0.1
rules:
  - paths:
      - { path: /get, methods: [GET], backend: main }
      - { pathPrefix: /old/, rewriteTarget: /new/, backend: main }
---
kind: Pipeline
name: main
filters:
  - name: mock
    kind: Mock
    rules:
      - { match: { path: /new/x }, body: rewritten }
      - { match: { path: /get }, body: got }
`,
  )
  assert.is((await get('/get')).body, 'got')
  assert.is((await get('/get', { method: 'POST' })).status, 405)
  assert.is((await get('/other')).status, 404)
  assert.is((await get('/old/x')).body, 'rewritten')
  assert.is((await get('/old/y')).status, 503)
})

test('a body streams through in both directions without being held', async () => {
  const size = 8 * 1024 * 1024
  const upstream = await startUpstream(cleanup, (incoming, outgoing) => incoming.pipe(outgoing))
  const { get } = await gatewayOf(proxyTo(upstream.url))
  const answer = await get('/', { method: 'POST', body: Buffer.alloc(size, 'x') })
  assert.is(answer.body.length, size)
})

test('every request has a line in the access log', async () => {
  const upstream = await startUpstream(cleanup)
  const { get, lines } = await gatewayOf(proxyTo(upstream.url))
  await get('/path?secret=1')
  const line = lines.map((text) => JSON.parse(text)).find((one) => one.msg === 'request')
  assert.is(line.method, 'GET')
  assert.is(line.path, '/path')
  assert.is(line.status, 200)
  assert.is(line.pipeline, 'main')
  assert.is(line.server, 'server')
})
