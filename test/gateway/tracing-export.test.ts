import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { attributeOf, startCollector } from '../support/collector.ts'
import { startGateway, startUpstream, type TestGateway, until } from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'
import { each, otlp, proxyTo, rootOf, yamlOf } from '../support/traced-gateway.ts'

const test = suite('gateway/tracing-export')

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
