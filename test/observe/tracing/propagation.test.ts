import { Headers } from '../../../host/exchange/headers.ts'
import { b3, parseB3 } from '../../../host/observe/tracing/b3.ts'
import { newSpanId, newTraceId } from '../../../host/observe/tracing/ids.ts'
import { isSampled } from '../../../host/observe/tracing/sampler.ts'
import { parseTraceparent, traceContext } from '../../../host/observe/tracing/trace-context.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('observe/tracing/propagation')

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'

test('reads traceparent as W3C has it', () => {
  const known = { traceId, spanId }
  assert.equal(parseTraceparent(`00-${traceId}-${spanId}-01`), known)
  assert.equal(parseTraceparent(`00-${traceId}-${spanId}-ff`), known)
  assert.equal(parseTraceparent(`cc-${traceId}-${spanId}-01`), known)
  assert.equal(parseTraceparent(`cc-${traceId}-${spanId}-01-more`), known)
  for (const wrong of [
    '',
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${traceId}-${spanId}-1`,
    `00-${traceId}-${spanId}`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `cc-${traceId}-${spanId}-01.more`,
    ` 00-${traceId}-${spanId}-01`,
  ]) {
    assert.is(parseTraceparent(wrong), null, wrong)
  }
})

test('two traceparent fields are none', () => {
  const value = `00-${traceId}-${spanId}-01`
  assert.equal(traceContext.read(new Headers(['Traceparent', value])), { traceId, spanId })
  assert.is(traceContext.read(new Headers(['traceparent', value, 'traceparent', value])), null)
  assert.is(traceContext.read(new Headers([])), null)
})

test('reads b3 in one field and in several', () => {
  const known = { traceId, spanId }
  for (const value of ['', '-1', '-0', '-d', `-1-${spanId}`]) {
    assert.equal(parseB3(`${traceId}-${spanId}${value}`), known, value)
  }
  const short = traceId.slice(16)
  const padded = { traceId: `${'0'.repeat(16)}${short}`, spanId }
  assert.equal(parseB3(`${short.toUpperCase()}-${spanId}`), padded)
  const fields = new Headers(['X-B3-TraceId', traceId, 'X-B3-SpanId', spanId, 'X-B3-Sampled', '0'])
  assert.equal(b3.read(fields), known)
  for (const wrong of ['0', '1', traceId, `${traceId}-${spanId}-2`, `${traceId}-${spanId}-1-x`]) {
    assert.is(parseB3(wrong), null, wrong)
  }
  assert.is(parseB3(`${'0'.repeat(32)}-${spanId}`), null)
  assert.is(b3.read(new Headers(['X-B3-TraceId', traceId])), null)
})

test('finds exactly the fields it replaces', () => {
  const lines = 'a: 1\r\nTraceParent: x\r\nx-traceparent: 2\r\nb3: y\r\nX-B3-Flags: 1\r\nb33: 3\r\n'
  assert.is(lines.replace(traceContext.replaced, ''), lines.replace('TraceParent: x\r\n', ''))
  assert.is(lines.replace(b3.replaced, ''), lines.replace('b3: y\r\nX-B3-Flags: 1\r\n', ''))
  assert.ok(traceContext.isReplaced('TraceParent') && !traceContext.isReplaced('tracestate'))
  assert.ok(b3.isReplaced('X-B3-ParentSpanId') && !b3.isReplaced('b33'))
})

test('a rate is the share of traces that are kept, and a trace is kept at every higher rate', () => {
  const ids = Array.from({ length: 20_000 }, newTraceId)
  assert.is(new Set(ids).size, ids.length)
  let kept = new Set<string>()
  for (const rate of [0, 0.1, 0.25, 0.5, 0.9, 1]) {
    const now = new Set(ids.filter((id) => isSampled(id, rate)))
    assert.ok(Math.abs(now.size / ids.length - rate) < 0.02, `${now.size} at ${rate}`)
    for (const id of kept) assert.ok(now.has(id))
    kept = now
  }
  assert.ok(/^[0-9a-f]{32}$/.test(newTraceId()) && /^[0-9a-f]{16}$/.test(newSpanId()))
})
