import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { attributeOf, type Collector, type OtlpSpan, startCollector } from '../support/collector.ts'
import {
  Cleanup,
  startGateway,
  startUpstream,
  type TestGateway,
  until,
} from '../support/gateway.ts'
import { versionGuest } from '../support/guests.ts'
import { assert, suite } from '../support/suite.ts'
import { wat } from '../support/wat.ts'
import { startWebSocketServer } from '../support/websocket-server.ts'

const test = suite('gateway/tracing')

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'

/** A server that traces to `exporter` at once, in front of a pipeline. */
function yamlOf(tracing: string, pipeline: string): string {
  return `
kind: HTTPServer
name: server
port: 0
tracing:
  serviceName: shop
  batchLimits: { batchTimeout: 10 }
${tracing}
rules: [{ paths: [{ pathPrefix: /, backend: main }] }]
---
kind: Pipeline
name: main
${pipeline}
`
}

function otlp({ port }: Collector, more = ''): string {
  return `  exporter: { otlp: { protocol: http, endpoint: "127.0.0.1:${port}", insecure: true } }\n${more}`
}

function proxyTo(url: string, more = ''): string {
  return `filters: [{ name: proxy, kind: Proxy, pools: [{ servers: [{ url: "${url}" }]${more} }] }]`
}

/** Waits for the span of the request, which ends last. */
async function rootOf(collector: Collector): Promise<OtlpSpan> {
  await until(() => collector.spans.some(({ kind }) => kind === 2), 'a span of a request', 15_000)
  return collector.spans.find(({ kind }) => kind === 2) as OtlpSpan
}

async function each(run: (cleanup: Cleanup) => Promise<void>): Promise<void> {
  const cleanup = new Cleanup()
  try {
    await run(cleanup)
  } finally {
    await cleanup.run()
  }
}

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

test('a trace goes on from the client to the upstream', () =>
  each(async (cleanup) => {
    const collector = await startCollector(cleanup)
    const upstream = await startUpstream(cleanup)
    const { get } = await startGateway(cleanup, yamlOf(otlp(collector), proxyTo(upstream.url)))
    const headers = { traceparent: `00-${TRACE}-${SPAN}-00`, tracestate: 'a=1', 'x-other': '1' }
    await get('/', { headers })
    const root = await rootOf(collector)
    assert.is(root.traceId, TRACE)
    assert.is(root.parentSpanId, SPAN)
    const call = collector.spans.find(({ kind }) => kind === 3)
    const seen = upstream.requests[0]?.headers
    assert.is(seen?.['traceparent'], `00-${TRACE}-${call?.spanId}-01`)
    assert.is(seen?.['tracestate'], 'a=1')
    assert.is(seen?.['x-other'], '1')
  }))

test('what is no trace begins another', () =>
  each(async (cleanup) => {
    const collector = await startCollector(cleanup)
    const upstream = await startUpstream(cleanup)
    const { get } = await startGateway(cleanup, yamlOf(otlp(collector), proxyTo(upstream.url)))
    const headers = { traceparent: `00-${'0'.repeat(32)}-${SPAN}-01`, tracestate: 'a=1' }
    await get('/', { headers })
    const root = await rootOf(collector)
    assert.not.equal(root.traceId, '0'.repeat(32))
    assert.is(root.parentSpanId, undefined)
    const seen = upstream.requests[0]?.headers
    assert.match(String(seen?.['traceparent']), new RegExp(`^00-${root.traceId}-[0-9a-f]{16}-01$`))
    assert.is(seen?.['tracestate'], undefined)
  }))

test('a trace travels in b3 when that is asked for', () =>
  each(async (cleanup) => {
    const collector = await startCollector(cleanup)
    const upstream = await startUpstream(cleanup)
    const tracing = otlp(collector, '  headerFormat: b3')
    const { get } = await startGateway(cleanup, yamlOf(tracing, proxyTo(upstream.url)))
    const short = '48eb211c80319cab'
    const headers = { 'X-B3-TraceId': short, 'X-B3-SpanId': SPAN, 'X-B3-Sampled': '1' }
    await get('/', { headers })
    const root = await rootOf(collector)
    assert.is(root.traceId, `0000000000000000${short}`)
    assert.is(root.parentSpanId, SPAN)
    const seen = upstream.requests[0]?.headers ?? {}
    const call = collector.spans.find(({ kind }) => kind === 3)
    assert.is(seen['b3'], `${root.traceId}-${call?.spanId}-1`)
    assert.equal(
      Object.keys(seen).filter((name) => /^x-b3|traceparent/.test(name)),
      [],
    )
  }))

test('what belongs to the other way a trace travels passes as it came', () =>
  each(async (cleanup) => {
    const collector = await startCollector(cleanup)
    const upstream = await startUpstream(cleanup)
    const tracing = otlp(collector, '  headerFormat: b3')
    const { get } = await startGateway(cleanup, yamlOf(tracing, proxyTo(upstream.url)))
    const headers = { traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: 'a=1' }
    await get('/', { headers })
    const seen = upstream.requests[0]?.headers
    assert.equal([seen?.['traceparent'], seen?.['tracestate']], Object.values(headers))
    assert.match(String(seen?.['b3']), /^[0-9a-f]{32}-[0-9a-f]{16}-1$/)
  }))

test('Zipkin gets its own format, also by the old fields of Easegress', () =>
  each(async (cleanup) => {
    const collector = await startCollector(cleanup)
    const upstream = await startUpstream(cleanup)
    const endpoint = `${collector.url}/api/v2/spans`
    for (const [tracing, field] of [
      [
        `  exporter: { zipkin: { endpoint: "${endpoint}" } }\n  attributes: { zone: north }`,
        'traceparent',
      ],
      [`  zipkin: { serverURL: "${endpoint}", sampleRate: 1 }\n  tags: { zone: north }`, 'b3'],
    ] as const) {
      collector.batches.length = 0
      upstream.requests.length = 0
      const { get } = await startGateway(cleanup, yamlOf(tracing, proxyTo(upstream.url)))
      await get('/a')
      const root = (): boolean => collector.zipkinSpans.some(({ kind }) => kind === 'SERVER')
      await until(root, 'a span of the request', 15_000)
      assert.is(collector.batches[0]?.path, '/api/v2/spans')
      const [server, client] = ['SERVER', 'CLIENT'].map((kind) =>
        collector.zipkinSpans.find((span) => span.kind === kind),
      )
      assert.is(server?.localEndpoint.serviceName, 'shop')
      assert.is(server?.tags['zone'], 'north')
      assert.is(server?.tags['http.response.status_code'], '200')
      assert.is(client?.traceId, server?.traceId)
      assert.ok((server?.duration ?? 0) >= (client?.duration ?? 1))
      assert.ok(Math.abs(Date.now() - (server?.timestamp ?? 0) / 1_000) < 60_000)
      assert.ok(upstream.requests[0]?.headers[field]?.includes(client?.id ?? '?'), field)
    }
  }))

test('a trace that is not sampled has no spans, and the upstream is told', () =>
  each(async (cleanup) => {
    const collector = await startCollector(cleanup)
    const upstream = await startUpstream(cleanup)
    const tracing = otlp(collector, '  sampleRate: 0.5')
    const { get } = await startGateway(cleanup, yamlOf(tracing, proxyTo(upstream.url)))
    // The digits that decide: those after the first sixteen.
    const out = `${'1'.repeat(16)}ff${'1'.repeat(14)}`
    const within = `${'1'.repeat(16)}01${'1'.repeat(14)}`
    await get('/', { headers: { traceparent: `00-${out}-${SPAN}-01` } })
    await get('/', { headers: { traceparent: `00-${within}-${SPAN}-00` } })
    assert.is((await rootOf(collector)).traceId, within)
    assert.equal(new Set(collector.spans.map(({ traceId }) => traceId)), new Set([within]))
    const [first, second] = upstream.requests.map(({ headers }) => String(headers['traceparent']))
    assert.match(String(first), new RegExp(`^00-${out}-[0-9a-f]{16}-00$`))
    assert.not.match(String(first), SPAN)
    assert.match(String(second), new RegExp(`^00-${within}-[0-9a-f]{16}-01$`))
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

test('spans are cut to their limits, and sent compressed', () =>
  each(async (cleanup) => {
    const collector = await startCollector(cleanup)
    const upstream = await startUpstream(cleanup)
    const tracing = `  exporter: { otlp: { protocol: http, endpoint: "${collector.url}/v1/traces", compression: gzip } }
  spanLimits: { attributeValueLengthLimit: 4, attributeCountLimit: 3 }`
    const { get } = await startGateway(cleanup, yamlOf(tracing, proxyTo(upstream.url)))
    await get('/longer')
    const root = await rootOf(collector)
    assert.is(root.attributes.length, 3)
    assert.is(attributeOf(root, 'url.path'), '/lon')
    assert.ok((root.droppedAttributesCount ?? 0) > 3)
    assert.is(collector.batches[0]?.headers['content-encoding'], 'gzip')
  }))

test('a collector that fails or is not there harms no request, and is counted', () =>
  each(async (cleanup) => {
    const collector = await startCollector(cleanup)
    const upstream = await startUpstream(cleanup)
    const tracing = otlp(collector)
    const started = await startGateway(
      cleanup,
      yamlOf(tracing, proxyTo(upstream.url)),
      {},
      { admin: { address: '127.0.0.1', port: 0 } },
    )
    const { get, lines } = started
    const counts = (): Promise<Record<string, number>> => countsOf(started)
    collector.status = 500
    for (let i = 0; i < 3; i++) assert.is((await get('/')).status, 200)
    await until(async () => (await counts())['failed'] === 12, 'failed spans', 15_000)
    const complaints = (): string[] => lines.filter((line) => line.includes('does not take spans'))
    assert.is(complaints().length, 1)
    assert.match(complaints()[0] ?? '', '500')
    collector.status = 202
    assert.is((await get('/')).status, 200)
    await until(async () => (await counts())['exported'] === 4, 'exported spans', 15_000)
    assert.ok(lines.some((line) => line.includes('takes spans again')))
    collector.server.closeAllConnections()
    await new Promise((resolve) => collector.server.close(resolve))
    assert.is((await get('/')).status, 200)
    await until(async () => (await counts())['failed'] === 16, 'more failed spans', 15_000)
    assert.is((await counts())['dropped'], 0)
  }))

test('the queue is bounded: what a slow collector leaves is dropped and counted', () =>
  each(async (cleanup) => {
    const collector = await startCollector(cleanup)
    collector.status = null
    const upstream = await startUpstream(cleanup)
    const yaml = yamlOf(otlp(collector), proxyTo(upstream.url)).replace(
      'batchTimeout: 10',
      'batchTimeout: 10, maxQueueSize: 4, maxExportBatchSize: 2, exportTimeout: 60000',
    )
    const started = await startGateway(
      cleanup,
      yaml,
      {},
      { admin: { address: '127.0.0.1', port: 0 } },
    )
    for (let i = 0; i < 3; i++) assert.is((await started.get('/')).status, 200)
    // 12 spans: two are under way, four wait.
    await until(async () => (await countsOf(started))['dropped'] === 6, 'dropped spans', 15_000)
    assert.is(collector.batches.length, 1)
    const startedAtMs = performance.now()
    await started.gateway.close()
    assert.ok(performance.now() - startedAtMs < 30_000, 'closing does not wait for the collector')
  }))

test('a change of the server keeps the tracer, and one of the tracing replaces it', () =>
  each(async (cleanup) => {
    const first = await startCollector(cleanup)
    const second = await startCollector(cleanup)
    const upstream = await startUpstream(cleanup)
    const slow = (yaml: string): string => yaml.replace('batchTimeout: 10', 'batchTimeout: 60000')
    const yaml = slow(yamlOf(otlp(first), proxyTo(upstream.url)))
    const started: TestGateway = await startGateway(cleanup, yaml)
    const { get, gateway, write } = started
    await get('/1')
    await write('gateway.yaml', yaml.replace('port: 0', 'port: 0\nxForwardedFor: true'))
    assert.equal(await gateway.reload(), [])
    await get('/2')
    assert.is(first.batches.length, 0)
    await write('gateway.yaml', slow(yamlOf(otlp(second), proxyTo(upstream.url))))
    assert.equal(await gateway.reload(), [])
    await get('/3')
    await until(() => first.spans.length === 8, 'what was left for the first', 15_000)
    assert.is(first.batches.length, 1)
    await gateway.close()
    const paths = second.spans.flatMap((span) => attributeOf(span, 'url.path') ?? [])
    assert.equal(paths, ['/3'])
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

async function countsOf({ gateway, dir }: TestGateway): Promise<Record<string, number>> {
  const token = await readFile(join(dir, '.penstock', 'admin.token'), 'utf8')
  const headers = { authorization: `Bearer ${token.trim()}` }
  const answer = await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`, { headers })
  const text = await answer.text()
  const counts: Record<string, number> = {}
  for (const match of text.matchAll(/^penstock_trace_spans_total\{(.*)\} (\d+)$/gm)) {
    const outcome = /outcome="(\w+)"/.exec(match[1] ?? '')?.[1] ?? ''
    counts[outcome] = (counts[outcome] ?? 0) + Number(match[2])
  }
  return counts
}
