import fc from 'fast-check'
import { Headers } from '../../../host/exchange/headers.ts'
import { Change, ChangeLog } from '../../../host/wasm/change-log.ts'
import { emptyInput, type GuestInput, Phase } from '../../../host/wasm/guest-input.ts'
import { NO_LINES } from '../../../host/wasm/lookup/field-lookup.ts'
import { AREA_BYTES, Block } from '../../../host/wasm/worker/block.ts'
import {
  ChangeReader,
  sizeOfChanges,
  writeChanges,
} from '../../../host/wasm/worker/change-codec.ts'
import { bodiesBeside, writeRequest } from '../../../host/wasm/worker/codec.ts'
import { ThreadItem } from '../../../host/wasm/worker/thread-item.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/worker/codec')

/** Any latin1 text: line feeds, colons and commas too. */
const latin1 = fc
  .array(fc.integer({ min: 0, max: 255 }), { maxLength: 20 })
  .map((codes) => String.fromCharCode(...codes))
const bytes = fc.uint8Array({ maxLength: 40 })
const listed = fc
  .array(fc.tuple(latin1, latin1), { maxLength: 5 })
  .map((fields) => new Headers(fields.flat()))
const lines = fc.constantFrom(
  Headers.fromLines(''),
  Headers.fromLines('A: 1\r\nb:\xff\r\n'),
  Headers.fromLines('A: 1\r\n', 'Host: a:80\r\nX-Real-IP: 9\r\n'),
)
const headers = fc.oneof(listed, lines)
const input: fc.Arbitrary<GuestInput> = fc
  .record({
    phase: fc.constantFrom(...Object.values(Phase)),
    method: latin1,
    path: latin1,
    query: latin1,
    scheme: latin1,
    host: latin1,
    clientAddress: latin1,
    route: latin1,
    requestId: latin1,
    protocol: latin1,
    requestHeaders: headers,
    requestBody: fc.option(bytes),
    status: fc.integer({ min: 0, max: 599 }),
    responseHeaders: fc.option(headers),
    responseBody: fc.option(bytes),
  })
  .chain((item) =>
    fc
      .option(fc.dictionary(fc.string(), bytes, { maxKeys: 3 }))
      .map((data) => ({ ...item, context: data === null ? null : new Map(Object.entries(data)) })),
  )

/** Everything a guest can see, as plain data. */
function seen(item: GuestInput): unknown {
  const { phase, method, path, query, scheme, host, clientAddress, route, requestId } = item
  const { protocol, requestHeaders, requestBody, status, responseHeaders, responseBody } = item
  return {
    texts: [method, path, query, scheme, host, clientAddress, route, requestId, protocol],
    numbers: [phase, status],
    headers: [
      [...requestHeaders.list],
      responseHeaders === null ? null : [...responseHeaders.list],
    ],
    bodies: [requestBody, responseBody].map((body) => (body === null ? null : [...body])),
    context: [...(item.context ?? [])].map(([key, value]) => [key, ...value]),
  }
}

test('items come out of a block as they went in, one after the other', () => {
  fc.assert(
    fc.property(fc.array(input, { minLength: 1, maxLength: 4 }), (items) => {
      const { requests } = new Block()
      for (const [i, item] of items.entries()) assert.ok(writeRequest(requests, i + 7, item))
      requests.at = 0
      const read = new ThreadItem(requests)
      for (const [i, item] of items.entries()) {
        read.read(null)
        assert.is(read.setupId, i + 7)
        assert.equal(linesOf(read), linesOf(item))
        assert.equal(seen(read), seen(item))
      }
    }),
    { numRuns: 300 },
  )
})

test('an item that is kept outlives its block', () => {
  fc.assert(
    fc.property(input, input, (first, second) => {
      const { requests } = new Block()
      writeRequest(requests, 1, first)
      requests.at = 0
      const kept = new ThreadItem(requests).read(null).keep()
      requests.at = 0
      writeRequest(requests, 2, second)
      assert.equal(seen(kept), seen(first))
      assert.equal(linesOf(kept), linesOf(first))
    }),
    { numRuns: 300 },
  )
})

/** The lines of both messages as bytes; NO_LINES for a message without. */
function linesOf(item: GuestInput): unknown {
  return [item.requestHeaders, item.responseHeaders].map((headers, message) => {
    const target = Buffer.alloc(64)
    const length =
      item.putLines?.(message, target, 1, 60) ?? headers?.putLines(target, 1, 60) ?? NO_LINES
    return [length, target.latin1Slice()]
  })
}

test('lines that do not stand apart are bytes for who has room for them', () => {
  const { requests } = new Block()
  const requestHeaders = Headers.fromLines('A: 1\r\n', 'Host: a\r\n')
  writeRequest(requests, 1, { ...emptyInput(Phase.request), requestHeaders })
  requests.at = 0
  const item = new ThreadItem(requests).read(null)
  assert.equal(linesOf(item), [
    [6, `\0A: 1\r\n${'\0'.repeat(57)}`],
    [-1, '\0'.repeat(64)],
  ])
  const small = Buffer.alloc(20)
  assert.is(item.putLines(0, small, 2, 5), NO_LINES)
  assert.equal(small, Buffer.alloc(20))
})

test('lines that need no look are lines again on the other side', () => {
  const { requests } = new Block()
  const requestHeaders = Headers.fromLines('A: 1\r\n', 'Host: a\r\n')
  writeRequest(requests, 1, { ...emptyInput(Phase.request), requestHeaders })
  requests.at = 0
  const { requestHeaders: read } = new ThreadItem(requests).read(null)
  assert.is(read.lines, 'A: 1\r\n')
  assert.is(read.apartLines, 'Host: a\r\n')
})

test('what has no room is not written, and a large body travels beside the block', () => {
  const { requests } = new Block()
  const tooLong = { ...emptyInput(Phase.request), path: 'p'.repeat(AREA_BYTES) }
  assert.not(writeRequest(requests, 1, tooLong))
  const many = { ...emptyInput(Phase.request), requestHeaders: new Headers(Array(70_000).fill('')) }
  assert.not(writeRequest(requests, 1, many), 'lengths take room too')
  assert.is(requests.at, 0)
  const large = { ...emptyInput(Phase.request), requestBody: new Uint8Array(40 * 1024) }
  assert.ok(writeRequest(requests, 1, large))
  const beside = bodiesBeside(0, large)
  requests.at = 0
  assert.is(new ThreadItem(requests).read(beside).requestBody, large.requestBody)
})

test('changes come back as they were made, and take no more room than was said', () => {
  const change = fc.oneof(
    fc.tuple(fc.constant(Change.requestHeaderSet), latin1, latin1),
    fc.tuple(fc.constant(Change.responseBody), fc.constant(''), bytes),
    fc.tuple(fc.constant(Change.contextPut), fc.string(), bytes),
  )
  // One for all, as in a lane: what it knows of the one before must not show.
  const reader = new ChangeReader()
  fc.assert(
    fc.property(fc.array(change, { maxLength: 6 }), (changes) => {
      const { results } = new Block()
      const log = new ChangeLog()
      for (const [kind, name, value] of changes) log.push(kind, name, value)
      writeChanges(results, log)
      assert.ok(results.at <= sizeOfChanges(log), `${results.at} bytes`)
      results.at = 0
      reader.read(results)
      assert.equal(
        reader.log.entries(),
        changes.map(([kind, name, value]) => [
          kind,
          name,
          typeof value === 'string' ? value : new Uint8Array(value),
        ]),
      )
    }),
  )
})
