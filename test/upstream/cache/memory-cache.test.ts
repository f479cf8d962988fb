import { Body } from '../../../host/exchange/body.ts'
import { Headers } from '../../../host/exchange/headers.ts'
import { makeRequest } from '../../../host/exchange/request.ts'
import { Response } from '../../../host/exchange/response.ts'
import type { CacheSpec } from '../../../host/upstream/cache/cache-rules.ts'
import { MAX_VARIANTS, MemoryCache } from '../../../host/upstream/cache/memory-cache.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('upstream/cache/memory-cache')

const spec: CacheSpec = {
  expiration: 10_000,
  maxEntryBytes: 1_000,
  codes: [200, 404],
  methods: ['GET', 'HEAD'],
  maxTotalBytes: 100_000,
}

function setUp(changes: Partial<CacheSpec> = {}) {
  const clock = new FakeClock()
  const cache = new MemoryCache({ ...spec, ...changes }, clock)
  const ask = (target: string, headers: string[] = [], method = 'GET', host = 'h') =>
    cache.find(makeRequest({ target, headers, method, host }))
  const keep = (
    target: string,
    text: string,
    headers: string[] = [],
    requestHeaders: string[] = [],
    status = 200,
    method = 'GET',
  ): void => {
    const response = new Response(status, new Headers(headers), Body.text(text))
    cache.record(makeRequest({ target, headers: requestHeaders, method, host: 'h' }), response)
  }
  const textOf = (response: Response | null): string | null =>
    response === null ? null : response.body.whole().toString()
  return { clock, cache, ask, keep, textOf }
}

test('an answer is given again until it expires, with its age', () => {
  const { clock, ask, keep, textOf } = setUp()
  assert.is(ask('/a'), null)
  keep('/a', 'text', ['X-A', 'b'])
  clock.advance(9_999)
  const answer = ask('/a')
  assert.is(textOf(answer), 'text')
  assert.is(answer?.headers.get('x-a'), 'b')
  assert.is(answer?.headers.get('age'), '9')
  clock.advance(1)
  assert.is(ask('/a'), null)
})

test('the query, the host and the path belong to the key; HEAD is answered from GET', () => {
  const { ask, keep, textOf } = setUp()
  keep('/a?user=1', 'one')
  assert.is(textOf(ask('/a?user=1')), 'one')
  assert.is(ask('/a?user=2'), null)
  assert.is(ask('/a'), null)
  assert.is(ask('/a?user=1', [], 'GET', 'other'), null)
  assert.is(textOf(ask('/a?user=1', [], 'HEAD')), 'one')
  assert.is(ask('/a?user=1', [], 'POST'), null)
})

test('what Vary names belongs to the key too', () => {
  const { ask, keep, textOf } = setUp()
  keep('/', 'english', ['Vary', 'Accept-Language'], ['Accept-Language', 'en'])
  keep('/', 'deutsch', ['Vary', 'accept-language'], ['Accept-Language', 'de'])
  assert.is(textOf(ask('/', ['accept-language', 'en'])), 'english')
  assert.is(textOf(ask('/', ['Accept-Language', 'de'])), 'deutsch')
  assert.is(ask('/', ['Accept-Language', 'fr']), null)
  assert.is(ask('/'), null)
  keep('/star', 'x', ['Vary', '*'])
  assert.is(ask('/star'), null)
})

test('requests that ask for a fresh answer get one, and those with credentials never a kept one', () => {
  const { ask, keep, textOf } = setUp()
  keep('/', 'kept')
  for (const headers of [
    ['Cache-Control', 'no-cache'],
    ['Cache-Control', 'max-age=0'],
    ['Cache-Control', 'no-store'],
    ['Pragma', 'no-cache'],
    ['Authorization', 'Basic x'],
    ['Range', 'bytes=0-1'],
  ]) {
    assert.is(ask('/', headers), null, headers.join(': '))
  }
  assert.is(textOf(ask('/', ['Cache-Control', 'max-age=60'])), 'kept')
  keep('/', 'refreshed', [], ['Cache-Control', 'no-cache'])
  assert.is(textOf(ask('/')), 'refreshed')
  keep('/secret', 'mine', [], ['Authorization', 'Basic x'])
  assert.is(ask('/secret'), null)
})

test('answers that are for one client, or not for long, are not kept', () => {
  const { ask, keep } = setUp()
  for (const headers of [
    ['Cache-Control', 'no-store'],
    ['Cache-Control', 'private'],
    ['Cache-Control', 'public, No-Cache'],
    ['Cache-Control', 'max-age=60, must-revalidate'],
    ['Cache-Control', 'max-age=0'],
    ['Cache-Control', 'max-age=30', 'Age', '30'],
    ['Cache-Control', 'max-age=x'],
    ['Set-Cookie', 'a=b'],
    ['Access-Control-Allow-Origin', 'https://a.example'],
    ['Expires', '0'],
    ['Expires', 'Thu, 01 Jan 1970 00:00:00 GMT'],
  ]) {
    keep('/', 'x', headers)
    assert.is(ask('/'), null, headers.join(' '))
  }
  keep('/', 'x', [], [], 201)
  assert.is(ask('/'), null)
  keep('/', 'x'.repeat(1_001))
  assert.is(ask('/'), null)
  keep('/', 'x', ['Access-Control-Allow-Origin', 'https://a.example', 'Vary', 'Origin'])
  assert.ok(ask('/') !== null)
})

test('an answer lives as long as its origin says, if that is shorter', () => {
  const { clock, ask, keep } = setUp()
  const lives = (headers: string[], ms: number): void => {
    keep('/', 'x', headers)
    clock.advance(ms - 1)
    assert.ok(ask('/') !== null, headers.join(' '))
    clock.advance(1)
    assert.is(ask('/'), null, headers.join(' '))
  }
  lives(['Cache-Control', 'max-age=3'], 3_000)
  lives(['Cache-Control', 'max-age=3, s-maxage=5'], 5_000)
  lives(['Cache-Control', 'max-age=8', 'Age', '2'], 6_000)
  lives(['Cache-Control', 'max-age=999'], 10_000)
  const date = 'Sun, 06 Nov 1994 08:49:37 GMT'
  lives(['Date', date, 'Expires', 'Sun, 06 Nov 1994 08:49:41 GMT'], 4_000)
})

test('an answer to an entity tag that still holds is 304', () => {
  const { ask, keep } = setUp()
  keep('/', 'text', ['ETag', '"1"'])
  assert.is(ask('/', ['If-None-Match', 'W/"1", "2"'])?.status, 304)
  assert.is(ask('/', ['If-None-Match', '"2"'])?.status, 200)
})

test('a request that changes something drops what is kept of the address', () => {
  const { ask, keep } = setUp()
  keep('/', 'old')
  keep('/', 'refused', [], [], 403, 'POST')
  assert.ok(ask('/') !== null)
  keep('/', 'done', [], [], 200, 'POST')
  assert.is(ask('/'), null)
})

test('past the total size the address used longest ago goes', () => {
  const { cache, ask, keep } = setUp({ maxTotalBytes: 5_000 })
  const text = 'x'.repeat(900)
  for (const path of ['/1', '/2', '/3']) keep(path, text)
  ask('/1')
  keep('/4', text)
  assert.is(ask('/2'), null)
  for (const path of ['/1', '/3', '/4']) assert.ok(ask(path) !== null, path)
  for (let i = 0; i < 500; i++) keep(`/more/${i}`, text)
  const { bytes, addresses } = cache.status() as { bytes: number; addresses: number }
  assert.ok(bytes <= 5_000 && addresses === 3)
})

test('an address keeps so many variants', () => {
  const { cache, keep, ask } = setUp()
  for (let i = 0; i <= MAX_VARIANTS; i++) keep('/', 'x', ['Vary', 'X-N'], ['X-N', String(i)])
  assert.is(ask('/', ['X-N', '0']), null)
  assert.ok(ask('/', ['X-N', String(MAX_VARIANTS)]) !== null)
  const { bytes } = cache.status() as { bytes: number }
  assert.ok(bytes < MAX_VARIANTS * 600)
})

test('a streamed answer is kept when it ends, not when it breaks off or is too long', async () => {
  const { cache, ask, textOf } = setUp()
  const stream = (target: string) => {
    const body = Body.stream({
      resume: () => undefined,
      pause: () => undefined,
      cancel: () => undefined,
    })
    const response = new Response(200, new Headers(), body)
    cache.record(makeRequest({ target, host: 'h' }), response)
    return { body, read: response.body }
  }
  const whole = stream('/whole')
  whole.body.push(Buffer.from('in '))
  assert.is(ask('/whole'), null)
  whole.body.push(Buffer.from('parts'))
  whole.body.end()
  assert.is((await whole.read.collect()).toString(), 'in parts')
  assert.is(textOf(ask('/whole')), 'in parts')
  const broken = stream('/broken')
  broken.body.push(Buffer.from('in '))
  broken.body.fail(new Error('broken'))
  assert.is(ask('/broken'), null)
  const long = stream('/long')
  long.body.push(Buffer.alloc(1_001))
  long.body.end()
  assert.is((await long.read.collect()).length, 1_001)
  assert.is(ask('/long'), null)
})
