import { attributeOf, type Collector, type OtlpSpan, startCollector } from '../support/collector.ts'
import { type Cleanup, startGateway, startUpstream, type TestUpstream } from '../support/gateway.ts'
import { compiledFixture } from '../support/guest.ts'
import { assert, suite } from '../support/suite.ts'
import { each, otlp, rootOf, SPAN, TRACE, yamlOf } from '../support/traced-gateway.ts'

const test = suite('gateway/tracing-plugin-calls', { timeoutMs: 120_000 })

const GUEST_TRACEPARENT = '00-11111111111111111111111111111111-2222222222222222-01'

interface Rig {
  readonly collector: Collector
  /** What the plugin asks. */
  readonly service: TestUpstream
  /** One request through the plugin; the fields that the service got with each call, by path. */
  ask(headers?: Readonly<Record<string, string>>): Promise<Map<string, CallFields>>
}

type CallFields = TestUpstream['requests'][number]['headers']

/** A plugin that asks a service twice before the upstream answers and once after it. Null: nothing is traced. */
async function start(
  cleanup: Cleanup,
  isolation: string,
  tracing: ((collector: Collector) => string) | null,
): Promise<Rig> {
  const collector = await startCollector(cleanup)
  const service = await startUpstream(cleanup, (incoming, outgoing) => {
    incoming.resume()
    outgoing.statusCode = incoming.url === '/second' ? 404 : 200
    outgoing.end()
  })
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    outgoing.setHeader('service', service.url)
    outgoing.end()
  })
  const grant = `{ outbound: ["127.0.0.1:${service.port}"], allowPrivate: true }`
  const yaml = yamlOf(
    tracing === null ? '' : tracing(collector),
    `filters:
  - { name: asking, kind: WasmHost, code: asking.wasm, timeout: 5s, isolation: ${isolation}, grant: ${grant} }
  - { name: proxy, kind: Proxy, pools: [{ servers: [{ url: "${upstream.url}" }] }] }`,
  )
  const { get } = await startGateway(
    cleanup,
    tracing === null ? yaml.replace(/^tracing:.*\n(?: .*\n|\n)*/m, '') : yaml,
    { 'asking.wasm': await compiledFixture('sdk/assembly/asking-service') },
  )
  return {
    collector,
    service,
    ask: async (headers = {}) => {
      service.requests.length = 0
      const answer = await get('/', { headers: { ...headers, service: service.url } })
      assert.is(answer.status, 200)
      return new Map(service.requests.map(({ url, headers: sent }) => [url, sent]))
    },
  }
}

const PATHS = ['/first?secret=1', '/second', '/third']

/** The spans of the plugin's calls, in the order they were made. */
function callsOf({ collector, service }: Rig): OtlpSpan[] {
  return collector.spans.filter(({ name }) => name === `127.0.0.1:${service.port}`)
}

for (const isolation of ['worker', 'inline']) {
  test(`each call of a plugin is a span of its step and carries the trace on (${isolation})`, () =>
    each(async (cleanup) => {
      const rig = await start(cleanup, isolation, otlp)
      const traceparent = `00-${TRACE}-${SPAN}-00`
      const sent = await rig.ask({ traceparent, tracestate: 'a=1' })
      await rootOf(rig.collector)
      const calls = callsOf(rig)
      const nameOf = (id: string | undefined): string | undefined =>
        rig.collector.spans.find(({ spanId }) => spanId === id)?.name
      assert.equal(
        calls.map((span) => [
          nameOf(span.parentSpanId),
          attributeOf(span, 'http.request.method'),
          attributeOf(span, 'url.full'),
          attributeOf(span, 'http.response.status_code'),
        ]),
        [
          ['asking', 'POST', `${rig.service.url}/first`, '200'],
          ['asking', 'GET', `${rig.service.url}/second`, '404'],
          ['asking response', 'GET', `${rig.service.url}/third`, '200'],
        ],
      )
      assert.equal(
        PATHS.map((path) => [sent.get(path)?.['traceparent'], sent.get(path)?.['tracestate']]),
        calls.map(({ spanId }) => [`00-${TRACE}-${spanId}-01`, 'a=1']),
      )
      assert.is(sent.get('/first?secret=1')?.['x-own'], 'kept')
      const texts = JSON.stringify(rig.collector.batches.map(({ json }) => json))
      assert.not.match(texts, 'secret')
    }))

  test(`a trace that is not sampled has no spans of calls, and the service is told (${isolation})`, () =>
    each(async (cleanup) => {
      const tracing = (collector: Collector): string => otlp(collector, '  sampleRate: 0.5')
      const rig = await start(cleanup, isolation, tracing)
      // The digits that decide: those after the first sixteen.
      const out = `${'1'.repeat(16)}ff${'1'.repeat(14)}`
      const within = `${'1'.repeat(16)}01${'1'.repeat(14)}`
      const sent = await rig.ask({ traceparent: `00-${out}-${SPAN}-01` })
      for (const path of PATHS) {
        const value = String(sent.get(path)?.['traceparent'])
        assert.match(value, new RegExp(`^00-${out}-[0-9a-f]{16}-00$`))
      }
      await rig.ask({ traceparent: `00-${within}-${SPAN}-01` })
      await rootOf(rig.collector)
      assert.equal(new Set(rig.collector.spans.map(({ traceId }) => traceId)), new Set([within]))
      assert.is(callsOf(rig).length, 3)
    }))
}

test('what a plugin says about a trace by itself is replaced, with b3 too', () =>
  each(async (cleanup) => {
    const rig = await start(cleanup, 'inline', (collector) => otlp(collector, '  headerFormat: b3'))
    const sent = await rig.ask()
    const root = await rootOf(rig.collector)
    const [first] = callsOf(rig)
    const fields = sent.get('/first?secret=1')
    assert.is(fields?.['b3'], `${root.traceId}-${first?.spanId}-1`)
    // They belong to the other way a trace travels, and pass as they came.
    assert.equal([fields?.['traceparent'], fields?.['tracestate']], [GUEST_TRACEPARENT, 'guest=1'])
  }))

test('a trace that the gateway has begun takes no tracestate of a plugin along', () =>
  each(async (cleanup) => {
    const rig = await start(cleanup, 'inline', otlp)
    const sent = await rig.ask({ tracestate: 'a=1' })
    const root = await rootOf(rig.collector)
    for (const path of PATHS) {
      assert.match(String(sent.get(path)?.['traceparent']), root.traceId)
      assert.is(sent.get(path)?.['tracestate'], undefined)
    }
  }))

test('without tracing a call has what the plugin wrote', () =>
  each(async (cleanup) => {
    const rig = await start(cleanup, 'inline', null)
    const sent = await rig.ask()
    assert.is(sent.get('/first?secret=1')?.['traceparent'], GUEST_TRACEPARENT)
    assert.is(sent.get('/second')?.['traceparent'], undefined)
  }))

test('a call that gets no answer is a span that has failed', () =>
  each(async (cleanup) => {
    const rig = await start(cleanup, 'inline', otlp)
    rig.service.server.removeAllListeners('request')
    rig.service.server.on('request', (incoming) => void incoming.socket.destroy())
    await rig.ask()
    await rootOf(rig.collector)
    const calls = callsOf(rig)
    assert.is(calls.length, 3)
    for (const { status } of calls) {
      assert.is(status.code, 2)
      assert.ok((status.message ?? '') !== '')
    }
  }))
