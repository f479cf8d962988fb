import { attributeOf, type Collector, type OtlpSpan, startCollector } from '../support/collector.ts'
import { startGateway, startUpstream, until } from '../support/gateway.ts'
import { versionGuest } from '../support/guests.ts'
import { assert, suite } from '../support/suite.ts'
import { each, otlp, proxyTo, rootOf, SPAN, TRACE, yamlOf } from '../support/traced-gateway.ts'
import { wat } from '../support/wat.ts'
import { startWebSocketServer } from '../support/websocket-server.ts'

const test = suite('gateway/tracing-spans')

test('a request is a span, with its pipeline, its filters and its calls inside', () =>
  each(async (cleanup) => {
    const collector = await startCollector(cleanup)
    const upstream = await startUpstream(cleanup)
    const pipeline = `flow:
  - { filter: adapt, alias: first }
  - { filter: proxy }
filters:
  - { name: adapt, kind: RequestAdaptor, header: { set: { X-A: "1" } } }
  - { name: proxy, kind: Proxy, pools: [{ spanName: stock, servers: [{ url: "${upstream.url}" }] }] }`
    const tracing = otlp(collector, '  attributes: { zone: north }')
    const { get } = await startGateway(cleanup, yamlOf(tracing, pipeline))
    assert.is((await get('/a/b?secret=1')).status, 200)
    const root = await rootOf(collector)
    const { spans } = collector
    assert.equal(spans.map(({ name }) => name).sort(), [
      'first',
      'main',
      'proxy',
      'server',
      'stock',
    ])
    const byName = new Map(spans.map((span) => [span.name, span]))
    const parentOf = (name: string): string | undefined => byName.get(name)?.parentSpanId
    assert.is(root.name, 'server')
    assert.is(root.parentSpanId, undefined)
    assert.is(parentOf('main'), root.spanId)
    assert.is(parentOf('first'), byName.get('main')?.spanId)
    assert.is(parentOf('proxy'), byName.get('main')?.spanId)
    assert.is(parentOf('stock'), byName.get('proxy')?.spanId)
    assert.equal(new Set(spans.map(({ traceId }) => traceId)), new Set([root.traceId]))
    assert.is(attributeOf(root, 'http.request.method'), 'GET')
    assert.is(attributeOf(root, 'url.path'), '/a/b')
    assert.is(attributeOf(root, 'http.response.status_code'), '200')
    assert.is(attributeOf(root, 'penstock.pipeline'), 'main')
    assert.is(attributeOf(byName.get('stock'), 'url.full'), `${upstream.url}/a/b`)
    assert.not.match(JSON.stringify(collector.batches.map(({ json }) => json)), 'secret')
    for (const { startTimeUnixNano, endTimeUnixNano } of spans) {
      const ageMs = Date.now() - Number(startTimeUnixNano) / 1e6
      assert.ok(Math.abs(ageMs) < 60_000, `began ${ageMs} ms ago`)
      assert.ok(BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano))
    }
    const { path, headers, json } = collector.batches[0] as Collector['batches'][0]
    assert.is(path, '/v1/traces')
    assert.is(headers['content-type'], 'application/json')
    const [{ resource }] = (json as { resourceSpans: [{ resource: OtlpSpan }] }).resourceSpans
    assert.is(attributeOf(resource, 'service.name'), 'shop')
    assert.is(attributeOf(resource, 'zone'), 'north')
  }))

test('a call that fails and one that is made again are spans of their own', () =>
  each(async (cleanup) => {
    const collector = await startCollector(cleanup)
    let count = 0
    const upstream = await startUpstream(cleanup, (_, response) => {
      count += 1
      response.writeHead(count === 1 ? 503 : 200).end()
    })
    const policies = 'resilience: [{ name: again, kind: Retry, maxAttempts: 2, waitDuration: 1ms }]'
    const proxy = proxyTo(upstream.url, ', retryPolicy: again')
    const { get } = await startGateway(cleanup, yamlOf(otlp(collector), `${policies}\n${proxy}`))
    assert.is((await get('/')).status, 200)
    await rootOf(collector)
    const calls = collector.spans.filter(({ kind }) => kind === 3)
    assert.equal(
      calls.map((call) => [call.status.code, attributeOf(call, 'http.response.status_code')]),
      [
        [2, '503'],
        [undefined, '200'],
      ],
    )
    const sent = upstream.requests.map(
      ({ headers }) => String(headers['traceparent']).split('-')[2],
    )
    assert.equal(
      sent,
      calls.map(({ spanId }) => spanId),
    )
  }))

for (const isolation of ['worker', 'inline']) {
  test(`the response phase of a plugin is a span beside that of the pipeline (${isolation})`, () =>
    each(async (cleanup) => {
      const collector = await startCollector(cleanup)
      const upstream = await startUpstream(cleanup)
      const pipeline = `filters:
  - { name: good, kind: WasmHost, code: good.wasm, timeout: 5s, isolation: ${isolation} }
  - { name: bad, kind: WasmHost, code: bad.wasm, timeout: 5s, failPolicy: open, isolation: ${isolation} }
  - { name: proxy, kind: Proxy, pools: [{ servers: [{ url: "${upstream.url}" }] }] }`
      const bad = wat(`(module (memory (export "memory") 1)
        (func (export "penstock_on_response") (result i32) unreachable))`)
      const files = { 'good.wasm': versionGuest('1'), 'bad.wasm': bad }
      const { get } = await startGateway(cleanup, yamlOf(otlp(collector), pipeline), files)
      assert.is((await get('/')).headers['x-version'], '1')
      const root = await rootOf(collector)
      const owed = collector.spans.filter(({ parentSpanId }) => parentSpanId === root.spanId)
      assert.equal(
        owed.map((span) => [span.name, attributeOf(span, 'penstock.result')]),
        [
          ['main', undefined],
          ['bad response', 'wasmError'],
          ['good response', undefined],
        ],
      )
    }))
}

test('a service that a filter asks by itself gets the trace, and is a span of it', () =>
  each(async (cleanup) => {
    const collector = await startCollector(cleanup)
    const service = await startUpstream(cleanup, (incoming, outgoing) => {
      incoming.resume()
      outgoing.setHeader('content-type', 'application/json')
      const isRemote = incoming.url?.startsWith('/decide') === true
      outgoing.statusCode = isRemote ? 205 : 200
      outgoing.end(isRemote ? '{"response":{"statusCode":299}}' : '{"active":true}')
    })
    const pipeline = `filters:
  - name: login
    kind: Validator
    oauth2: { tokenIntrospect: { endPoint: "${service.url}/ask", clientId: a, clientSecret: b } }
  - { name: remote, kind: RemoteFilter, url: "${service.url}/decide?secret=1" }`
    const { get } = await startGateway(cleanup, yamlOf(otlp(collector), pipeline))
    const headers = { traceparent: `00-${TRACE}-${SPAN}-01`, authorization: 'Bearer t' }
    await get('/', { headers })
    await rootOf(collector)
    const { host } = new URL(service.url)
    const calls = collector.spans.filter(({ name }) => name === host)
    assert.is(calls.length, 2)
    const nameOf = (id: string | undefined): string | undefined =>
      collector.spans.find(({ spanId }) => spanId === id)?.name
    assert.equal(
      calls.map((span) => [nameOf(span.parentSpanId), attributeOf(span, 'url.full')]),
      [
        ['login', `${service.url}/ask`],
        ['remote', `${service.url}/decide`],
      ],
    )
    assert.equal(
      service.requests.map(({ headers: sent }) => sent['traceparent']),
      calls.map(({ spanId }) => `00-${TRACE}-${spanId}-01`),
    )
  }))

test('a server that is not there and a filter that ends the flow are seen', () =>
  each(async (cleanup) => {
    const collector = await startCollector(cleanup)
    const { get } = await startGateway(
      cleanup,
      yamlOf(otlp(collector), proxyTo('http://127.0.0.1:1')),
    )
    assert.is((await get('/')).status, 503)
    const root = await rootOf(collector)
    assert.is(root.status.code, 2)
    const named = (name: string, kind: number): OtlpSpan | undefined =>
      collector.spans.find((span) => span.name === name && span.kind === kind)
    assert.is(named('proxy', 3)?.status.code, 2)
    assert.match(named('proxy', 3)?.status.message ?? '', '127.0.0.1:1')
    assert.is(attributeOf(named('proxy', 1), 'penstock.result'), 'serverError')
  }))

test('branches that run at the same time stand under their node', () =>
  each(async (cleanup) => {
    const collector = await startCollector(cleanup)
    const upstream = await startUpstream(cleanup)
    const pool = `pools: [{ servers: [{ url: "${upstream.url}" }] }]`
    const pipeline = `flow:
  - parallel:
      - [{ filter: buildA, namespace: a }, { filter: callA, namespace: a }]
      - [{ filter: buildB, namespace: b }, { filter: callB, namespace: b }]
    alias: both
  - { filter: answer }
filters:
  - { name: buildA, kind: RequestBuilder, template: "url: /a" }
  - { name: buildB, kind: RequestBuilder, template: "url: /b" }
  - { name: callA, kind: Proxy, ${pool} }
  - { name: callB, kind: Proxy, ${pool} }
  - { name: answer, kind: ResponseBuilder, template: "body: done" }`
    const { get } = await startGateway(cleanup, yamlOf(otlp(collector), pipeline))
    assert.is((await get('/')).body, 'done')
    await rootOf(collector)
    const byId = new Map(collector.spans.map((span) => [span.spanId, span]))
    const chain = (span: OtlpSpan | undefined): string[] =>
      span === undefined ? [] : [span.name, ...chain(byId.get(span.parentSpanId ?? ''))]
    const calls = collector.spans.filter(({ kind }) => kind === 3)
    assert.equal(calls.map(chain).sort(), [
      ['callA', 'callA', 'both[0]', 'both', 'main', 'server'],
      ['callB', 'callB', 'both[1]', 'both', 'main', 'server'],
    ])
    for (const { url, headers } of upstream.requests) {
      const call = byId.get(String(headers['traceparent']).split('-')[2] ?? '')
      assert.is(call?.name, url === '/a' ? 'callA' : 'callB')
    }
  }))

test('the call that opens a WebSocket is a span with the name of its pool', () =>
  each(async (cleanup) => {
    const collector = await startCollector(cleanup)
    const upstream = await startWebSocketServer(cleanup)
    const pipeline = `filters:
  - name: ws
    kind: WebSocketProxy
    pools: [{ spanName: chat, servers: [{ url: "ws://127.0.0.1:${upstream.port}" }] }]`
    const { port } = await startGateway(cleanup, yamlOf(otlp(collector), pipeline))
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`)
    cleanup.add(() => socket.close())
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve)
      socket.addEventListener('error', () => reject(new Error('it did not open')))
    })
    await until(() => collector.spans.some(({ name }) => name === 'chat'), 'the call', 15_000)
    const call = collector.spans.find(({ name }) => name === 'chat')
    assert.is(attributeOf(call, 'http.response.status_code'), '101')
    assert.is(call?.status.code, undefined)
  }))

test('a request that came through Cloudflare has the way from there', () =>
  each(async (cleanup) => {
    const collector = await startCollector(cleanup)
    const upstream = await startUpstream(cleanup)
    const { get } = await startGateway(cleanup, yamlOf(otlp(collector), proxyTo(upstream.url)))
    const sentAtMs = Date.now() - 500
    const headers = {
      'CF-Ray': '7d-LHR',
      'X-TS-Sec': String(Math.floor(sentAtMs / 1_000)),
      'X-TS-Msec': String(sentAtMs % 1_000),
    }
    await get('/', { headers })
    await until(() => collector.spans.some(({ name }) => name === 'cloudflare'), 'the span', 15_000)
    const edge = collector.spans.find(({ name }) => name === 'cloudflare')
    assert.is((await rootOf(collector)).parentSpanId, edge?.spanId)
    assert.is(attributeOf(edge, 'cf.ray'), '7d-LHR')
    assert.is(edge?.startTimeUnixNano.slice(0, -6), String(sentAtMs))
  }))

test('the access log names the trace', () =>
  each(async (cleanup) => {
    const collector = await startCollector(cleanup)
    const upstream = await startUpstream(cleanup)
    const { get, lines } = await startGateway(
      cleanup,
      yamlOf(otlp(collector), proxyTo(upstream.url)),
    )
    await get('/', { headers: { traceparent: `00-${TRACE}-${SPAN}-01` } })
    const line = (): string => lines.find((one) => one.includes('"msg":"request"')) ?? ''
    await until(() => line() !== '', 'the line of the request')
    assert.is(JSON.parse(line()).traceId, TRACE)
    assert.match(JSON.parse(line()).tags, /^pipeline\(main\): proxy\(/)
  }))
