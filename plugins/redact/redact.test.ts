import { createHmac } from 'node:crypto'
import { isGatewayError } from '../../host/errors.ts'
import { loadFilter, loadFunctions, type TestFilter } from '../../host/testing.ts'
import { assert, suite } from '../../test/support/suite.ts'

const test = suite('plugins/redact', { timeoutMs: 120_000 })

type Parameters = Readonly<Record<string, string>>

const open = (parameters: Parameters, fuel = 200_000_000): Promise<TestFilter> =>
  loadFilter(new URL('.', import.meta.url), { parameters, fuel })

const headers = { 'content-type': 'application/json' }

/** What the client gets of a value the upstream sent. */
async function seen(filter: TestFilter, value: unknown): Promise<unknown> {
  const run = await filter.request({ upstream: { headers, body: JSON.stringify(value) } })
  assert.is(run.error, null)
  return run.response.json()
}

test('paths name members, through lists, with * for one and ** for any number of them', async () => {
  const filter = await open({ paths: 'user.name\ncards.number\n*.a.b\n**.password\nx.**.y' })
  const value = {
    name: 'kept',
    user: { name: 'Ada', password: 'p', more: { name: 'kept' } },
    cards: [{ number: 1, note: 'kept' }, { number: [2, 3] }, [{ number: '4' }]],
    one: { a: { b: true, c: { b: 1 } } },
    a: { b: 1 },
    deep: [{ list: [{ password: null }, { password: '' }] }],
    x: { y: 1, z: { y: 2, w: { y: { y: 3 } } } },
  }
  const mask = '[path]'
  assert.equal(await seen(filter, value), {
    name: 'kept',
    user: { name: mask, password: mask, more: { name: 'kept' } },
    cards: [{ number: mask, note: 'kept' }, { number: mask }, [{ number: mask }]],
    one: { a: { b: mask, c: { b: 1 } } },
    a: { b: 1 },
    deep: [{ list: [{ password: null }, { password: mask }] }],
    x: { y: mask, z: { y: mask, w: { y: mask } } },
  })
})

test('values are masked, removed, hashed, or keep their last four', async () => {
  const key = '00112233445566778899aabbccddeeff'
  const hashed = (text: string): string =>
    createHmac('sha256', Buffer.from(key, 'hex')).update(text).digest('hex').slice(0, 16)
  const paths = 'a => remove\nb => last4\nc => hash\nd=>mask\n# nothing'
  const filter = await open({ paths, key, mask: '***' })
  const value = { a: 1, b: '4111111111111111', c: 'ada', d: { e: 1 } }
  assert.equal(await seen(filter, value), { b: '***1111', c: hashed('ada'), d: '***' })
  assert.equal(await seen(filter, { a: {}, b: 'short', c: 'ada', e: 1 }), {
    b: '***',
    c: hashed('ada'),
    e: 1,
  })
  assert.equal(await seen(filter, { b: 123456789, c: [1, 'ö'] }), {
    b: '***6789',
    c: hashed('[1,"ö"]'),
  })
})

test('a name that stands twice, or is written with escapes, is no way around', async () => {
  const filter = await open({ paths: 'secret' })
  const body = '{"secret":1,"secret":2,"\\u0073ecret":3,"Secret":4}'
  const { response } = await filter.request({ upstream: { headers, body } })
  assert.is(response.text(), '{"secret":"[path]","secret":"[path]","secret":"[path]","Secret":4}')
  const gone = await open({ paths: 'secret => remove' })
  const other = await gone.request({ upstream: { headers, body } })
  assert.is(other.response.text(), '{"Secret":4}')
})

test('kinds are found wherever they stand, and what only looks like them is left', async () => {
  const filter = await open({ kinds: 'email, card, iban, phone, ipv4, jwt' })
  const found: readonly (readonly [string, string])[] = [
    ['ada@shop.example', '[email]'],
    ['write to ada.l+x@mail.shop.example.', 'write to [email].'],
    ['<ada@shop.example>,bob@shop.example', '<[email]>,[email]'],
    ['löwe@münchen.example', '[email]'],
    ['4111111111111111', '[card]'],
    ['card 4111 1111 1111 1111, 12/29', 'card [card], 12/29'],
    ['378282246310005 3782-822463-10005', '[card] [card]'],
    ['DE89 3704 0044 0532 0130 00', '[iban]'],
    ['pay GB82WEST12345698765432 now', 'pay [iban] now'],
    ['+49 30 901820 or +1 (555) 123-4567', '[phone] or [phone]'],
    ['from 203.0.113.7.', 'from [ipv4].'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl', '[jwt]'],
  ]
  for (const [text, wanted] of found) assert.equal(await seen(filter, [text]), [wanted])
  const left = [
    '',
    'ada@',
    '@shop.example',
    'ada@localhost',
    'ada@shop.e',
    '4111111111111112',
    '0000000000000000',
    'order-4111111111111111x',
    '1700000000009',
    'DE89 3704 0044 0532 0130 02',
    'DE89',
    '+1234567',
    '+1234567890123456',
    '1.2.3.4.5',
    '256.1.1.1',
    'v1.2.3',
    'eyJhbGciOi.x',
  ]
  for (const text of left) assert.equal(await seen(filter, [text]), [text], text)
  assert.equal(await seen(filter, { n: 4111111111111111, at: 1700000000009, t: true, z: null }), {
    n: '[card]',
    at: 1700000000009,
    t: true,
    z: null,
  })
})

test('patterns stand for whole values', async () => {
  const filter = await open({ values: 'acct-*\n[0-9][0-9][0-9]-??', mask: 'X' })
  assert.equal(await seen(filter, ['acct-1/2', 'my acct-1', '123-ab', '1234-ab']), [
    'X',
    'my acct-1',
    'X',
    '1234-ab',
  ])
})

test('a changed answer loses what spoke of its old bytes, another is not touched', async () => {
  const filter = await open({ paths: 'a' })
  const all = { ...headers, etag: '"1"', 'content-digest': 'x', 'accept-ranges': 'bytes', x: '1' }
  const one = await filter.request({ upstream: { headers: all, body: '{"a" : 1}' } })
  assert.equal(one.responseChanges, [
    '- etag: "1"',
    '- content-digest: x',
    '- accept-ranges: bytes',
    'body: 9 -> 14 bytes',
  ])
  assert.equal(one.tags, ['redacted 1'])
  const other = await filter.request({ upstream: { headers: all, body: '{"b" : 1}' } })
  assert.equal(other.responseChanges, [])
})

test('JSON that cannot be read never reaches the client, unless that is wanted', async () => {
  const filter = await open({ paths: 'a' })
  const passing = await open({ paths: 'a', unreadable: 'pass' })
  const unreadable = [
    { headers, body: '{"a": 1' },
    { headers, body: '{"a": NaN}' },
    { headers: { ...headers, 'content-encoding': 'gzip' }, body: 'x' },
    { headers, status: 206, body: '{"a":1}' },
    { headers: { 'content-type': 'application/json; charset=utf-16' }, body: '{"a":1}' },
    { headers: { 'content-type': 'application/problem+json' }, body: '[' },
  ]
  for (const upstream of unreadable) {
    const { response, error } = await filter.request({ upstream })
    assert.is(error, null)
    assert.is(response.status, 502)
    assert.equal(response.json(), { error: 'the answer is not JSON that can be read' })
    assert.is(response.headers.get('content-encoding'), null)
    assert.equal((await passing.request({ upstream })).responseChanges, [])
  }
  const others = [
    { headers, body: '' },
    { headers: { 'content-type': 'text/html' }, body: '{"a":1}' },
    { headers: {}, body: '{"a":1}' },
  ]
  for (const upstream of others) {
    assert.equal((await filter.request({ upstream })).responseChanges, [])
  }
})

test('requests are redacted when that is wanted, and refused when they cannot be', async () => {
  const filter = await open({ paths: 'a', in: 'request' })
  const run = await filter.request({ method: 'POST', headers, body: '{"a":1,"b":2}' })
  assert.is(run.request.text(), '{"a":"[path]","b":2}')
  assert.equal(run.requestChanges, ['body: 13 -> 20 bytes'])
  const refused = await filter.request({ method: 'POST', headers, body: '{"a":1,' })
  assert.is(refused.reply?.status, 400)
  const answered = await filter.request({ upstream: { headers, body: '{"a":1}' } })
  assert.equal(answered.responseChanges, [])
  const both = await open({ paths: 'a', in: 'both' })
  const two = await both.request({
    method: 'POST',
    headers,
    body: '{"a":1}',
    upstream: { headers, body: '{"a":1}' },
  })
  assert.is(two.request.text(), '{"a":"[path]"}')
  assert.is(two.response.text(), '{"a":"[path]"}')
  assert.is(two.request.headers.get('accept-encoding'), 'identity')
})

test('20 KB of the worst text take half the fuel of a call: time grows with the length alone', async () => {
  const filter = await open({ kinds: 'email, card, iban, phone, ipv4, jwt' }, 100_000_000)
  for (const piece of [
    'a',
    '@',
    'a@',
    '1',
    '1 ',
    '4 ',
    '4444 ',
    '1.',
    '+1',
    'eyJ',
    'eyJ.',
    'DE89 ',
    'a.',
  ]) {
    const run = await filter.request({
      upstream: { headers, body: JSON.stringify([piece.repeat(Math.ceil(20_000 / piece.length))]) },
    })
    assert.is(run.error, null, piece)
  }
})

test('what cannot be used is refused with its reason', async () => {
  const refused = async (parameters: Parameters): Promise<string> => {
    try {
      await open(parameters)
      return ''
    } catch (error) {
      return isGatewayError(error) ? error.message : String(error)
    }
  }
  assert.match(await refused({}), 'one of them must say what is taken out')
  assert.match(await refused({ paths: 'a..b' }), '"a..b" is not a path')
  assert.match(await refused({ paths: 'a.**' }), 'ends in "**"')
  assert.match(await refused({ paths: 'a => drop' }), '"drop" is none of mask')
  assert.match(await refused({ paths: 'a => hash' }), 'needs one of at least 16 bytes')
  assert.match(await refused({ paths: 'a', key: 'xyz' }), 'not written in hex')
  assert.match(await refused({ kinds: 'emails' }), '"emails" is none of jwt, email')
  assert.match(await refused({ paths: 'a', in: 'body' }), '"body" is none of')
  assert.match(await refused({ paths: 'a', unreadable: 'drop' }), 'neither refuse nor pass')
  assert.match(await refused({ paths: 'a', types: ',' }), 'types: there is none')
})

test('the functions of a kind answer where a piece ends', async () => {
  const { cardEnd, ibanEnd } = await loadFunctions<{
    cardEnd(text: string, at: number): number
    ibanEnd(text: string, at: number): number
  }>(new URL('kinds.ts', import.meta.url))
  assert.is(cardEnd('4111 1111 1111 1111 1', 0), 19)
  assert.is(cardEnd('4111', 0), -1)
  assert.is(ibanEnd('NL91ABNA0417164300', 0), 18)
})

test('memory does not grow with the number of requests', async () => {
  const filter = await open({ paths: '**.a', kinds: 'email' })
  const leak = await filter.leakCheck((i) => ({
    upstream: { headers, body: JSON.stringify({ a: i, b: `user${i}@shop.example` }) },
  }))
  assert.not.ok(leak.isLeaking, JSON.stringify(leak))
})
