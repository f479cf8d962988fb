import { startCollector } from '../support/collector.ts'
import { startGateway, startUpstream } from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'
import { each, otlp, proxyTo, rootOf, SPAN, TRACE, yamlOf } from '../support/traced-gateway.ts'

const test = suite('gateway/tracing-propagation')

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

/** Two filters that ask services of their own, at the same server. */
const askingFilters = (url: string): string => `filters:
  - name: login
    kind: Validator
    oauth2: { tokenIntrospect: { endPoint: "${url}/ask", clientId: a, clientSecret: b } }
  - { name: remote, kind: RemoteFilter, url: "${url}/decide" }`

const FORMATS = ['trace-context', 'b3']

for (const format of FORMATS) {
  test(`services that filters ask get the tracestate only of a trace that goes on (${format})`, () =>
    each(async (cleanup) => {
      const collector = await startCollector(cleanup)
      const service = await startUpstream(cleanup, (incoming, outgoing) => {
        incoming.resume()
        outgoing.statusCode = incoming.url === '/decide' ? 205 : 200
        outgoing.end(incoming.url === '/decide' ? '{"response":{}}' : '{"active":true}')
      })
      const tracing = otlp(collector, `  headerFormat: ${format}`)
      const { get } = await startGateway(cleanup, yamlOf(tracing, askingFilters(service.url)))
      const traceparents = [`00-${TRACE}-${SPAN}-01`, 'broken']
      for (const traceparent of traceparents) {
        const headers = { traceparent, tracestate: 'a=1,b=2', authorization: 'Bearer t' }
        await get('/', { headers })
      }
      const isW3c = format === 'trace-context'
      assert.equal(
        service.requests.map(({ url, headers }) => [url, headers['tracestate']]),
        [
          ['/ask', isW3c ? 'a=1,b=2' : undefined],
          ['/decide', isW3c ? 'a=1,b=2' : undefined],
          ['/ask', undefined],
          ['/decide', undefined],
        ],
      )
    }))
}
