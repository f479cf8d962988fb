import { loadFilter, loadFunctions, type TestFilter } from '../../host/testing.ts'
import { assert, suite } from '../../test/support/suite.ts'

const test = suite('plugins/request-id', { timeoutMs: 120_000 })

const open = (parameters: Readonly<Record<string, string | boolean>> = {}): Promise<TestFilter> =>
  loadFilter(new URL('.', import.meta.url), { parameters })

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const BROUGHT = `00-${TRACE}-b7ad6b7169203331-01`
const MADE = /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/

test('every request gets an id and a trace, and the client is told the id', async () => {
  const filter = await open()
  const seen = new Set<string>()
  for (let i = 0; i < 100; i++) {
    const { request, response, context, error } = await filter.request()
    assert.is(error, null)
    const id = request.headers.get('x-request-id') ?? ''
    assert.match(id, /^[0-9a-z]{8}-[0-9a-f]{6}$/)
    const trace = request.headers.get('traceparent') ?? ''
    assert.match(trace, MADE)
    assert.is(response.headers.get('x-request-id'), id)
    assert.equal(context, { requestId: id, traceId: trace.slice(3, 35) })
    seen.add(id).add(trace.slice(3, 35)).add(trace.slice(36, 52))
  }
  assert.is(seen.size, 300)
})

test('a stranger brings neither id nor trace', async () => {
  const headers = {
    'x-request-id': ['mine', 'mine too'],
    traceparent: BROUGHT,
    tracestate: 'vendor=1',
  }
  const { request } = await (await open()).request({ headers })
  assert.is(request.headers.all('x-request-id').length, 1)
  assert.not.match(request.headers.get('x-request-id') ?? '', 'mine')
  assert.not.match(request.headers.get('traceparent') ?? '', TRACE)
  assert.not.ok(request.headers.has('tracestate'))
})

test('who is trusted keeps both, with a place of its own in the trace', async () => {
  const filter = await open({ trust: true })
  const headers = { 'x-request-id': 'order-17_b.2', traceparent: BROUGHT, tracestate: 'vendor=1' }
  const { request, response, context } = await filter.request({ headers })
  assert.is(request.headers.get('x-request-id'), 'order-17_b.2')
  assert.is(response.headers.get('x-request-id'), 'order-17_b.2')
  const parts = (request.headers.get('traceparent') ?? '').split('-')
  assert.equal([parts[0], parts[1], parts[3]], ['00', TRACE, '01'])
  assert.not.equal(parts[2], 'b7ad6b7169203331')
  assert.is(request.headers.get('tracestate'), 'vendor=1')
  assert.equal(context, { requestId: 'order-17_b.2', traceId: TRACE })
})

test('an id that could forge a log line, and a trace that is none, are replaced', async () => {
  const filter = await open({ trust: true })
  for (const id of ['', 'a b', 'a"b', 'a;b', 'ü', 'x'.repeat(129)]) {
    const { request } = await filter.request({ headers: { 'x-request-id': id } })
    assert.match(request.headers.get('x-request-id') ?? '', /^[0-9a-z]{8}-[0-9a-f]{6}$/, id)
  }
  const both = { traceparent: [BROUGHT, BROUGHT], tracestate: 'vendor=1' }
  const { request } = await filter.request({ headers: both })
  assert.match(request.headers.get('traceparent') ?? '', MADE)
  assert.not.match(request.headers.get('traceparent') ?? '', TRACE)
  assert.not.ok(request.headers.has('tracestate'))
})

test('names and parts can be chosen', async () => {
  const filter = await open({ header: 'x-correlation-id', answer: false, sampled: false })
  const { request, response } = await filter.request()
  assert.ok(request.headers.has('x-correlation-id'))
  assert.not.ok(request.headers.has('x-request-id'))
  assert.not.ok(response.headers.has('x-correlation-id'))
  assert.match(request.headers.get('traceparent') ?? '', /-00$/)
  const plain = await (await open({ trace: false })).request({ headers: { traceparent: BROUGHT } })
  assert.is(plain.request.headers.get('traceparent'), BROUGHT)
})

test('a traceparent is read as the W3C has it', async () => {
  interface Parser {
    takenOver(text: string): string
  }
  const file = new URL('./traceparent.ts', import.meta.url)
  const { takenOver: traceOf } = await loadFunctions<Parser>(file)
  assert.is(traceOf(BROUGHT), `${TRACE} 01`)
  assert.is(traceOf(BROUGHT.replace(/01$/, 'ff')), `${TRACE} 03`)
  assert.is(traceOf(BROUGHT.replace(/01$/, '00')), `${TRACE} 00`)
  assert.is(traceOf(`cc${BROUGHT.slice(2)}`), `${TRACE} 01`)
  assert.is(traceOf(`cc${BROUGHT.slice(2)}-what-comes`), `${TRACE} 01`)
  const wrong = [
    '',
    BROUGHT.slice(0, -1),
    `${BROUGHT}-x`,
    `${BROUGHT}x`,
    `cc${BROUGHT.slice(2)}x`,
    `ff${BROUGHT.slice(2)}`,
    BROUGHT.toUpperCase(),
    BROUGHT.replaceAll('-', '_'),
    BROUGHT.replace(TRACE, '0'.repeat(32)),
    BROUGHT.replace('b7ad6b7169203331', '0'.repeat(16)),
    BROUGHT.replace('b7', 'g7'),
  ]
  for (const text of wrong) assert.is(traceOf(text), '', text)
})

test('memory does not grow with the number of requests', async () => {
  const filter = await open({ trust: true })
  const leak = await filter.leakCheck((i) => ({ headers: { 'x-request-id': `id-${i}` } }))
  assert.not.ok(leak.isLeaking, JSON.stringify(leak))
})
