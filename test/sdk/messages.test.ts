import { loadFilter, type TestFilter } from '../../host/testing.ts'
import { compiledFixture } from '../support/guest.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('sdk/messages', { timeoutMs: 120_000 })

const NOW_S = 1_800_000_000

let filter: TestFilter
test.before(async () => {
  const now = NOW_S * 1000
  filter = await loadFilter(await compiledFixture('sdk/assembly/messages'), { now })
})

async function session(...lines: string[]): Promise<string | null> {
  const { request, error } = await filter.request({ headers: { cookie: lines } })
  assert.is(error, null)
  return request.headers.get('x-session')
}

test('a cookie is found among others, whatever is around it', async () => {
  assert.is(await session('sid=1'), '1')
  assert.is(await session('a=b; sid=1; c=d'), '1')
  assert.is(await session('a=b;sid=1;c=d'), '1')
  assert.is(await session('sid=a=b=c'), 'a=b=c')
  assert.is(await session('sid="quoted"'), 'quoted')
  assert.is(await session('sid='), '')
  assert.is(await session('sid=1; sid=2'), '1')
  assert.is(await session('a=b', 'sid=3'), '3')
  assert.is(await session('xsid=1; sidx=2; a="sid=3"; b=sid'), null)
  assert.is(await session('sid'), null)
  assert.is(await session('SID=1'), null)
  assert.is(await session(';;; ='), null)
  assert.is((await filter.request()).request.headers.get('x-session'), null)
})

test('a cookie is taken out, and the others stay', async () => {
  const cookies = async (...lines: string[]): Promise<string[]> =>
    (await filter.request({ headers: { cookie: lines } })).request.headers.all('cookie')
  assert.equal(await cookies('a=1; debug=x; b=2'), ['a=1; b=2'])
  assert.equal(await cookies('debug=x'), [])
  assert.equal(await cookies('a=1;  b=2'), ['a=1;  b=2'])
  assert.equal(await cookies('a=1; debug=1', 'debug=2; b=2'), ['a=1; b=2'])
  assert.equal(await cookies('debugger=1'), ['debugger=1'])
})

test('cookies to set do not replace each other', async () => {
  const upstream = { headers: { 'set-cookie': 'first=0' } }
  const { response } = await filter.request({ upstream })
  assert.equal(response.headers.all('set-cookie'), [
    'first=0',
    'seen=1; Path=/; HttpOnly',
    'other=2',
  ])
})

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const token = (claims: unknown): string => `${encode({ alg: 'HS256' })}.${encode(claims)}.c2ln`

async function seen(authorization: string): Promise<Record<string, string>> {
  const { request, error } = await filter.request({ headers: { authorization } })
  assert.is(error, null)
  return request.headers.toObject()
}

test('the claims of a token are read', async () => {
  const text = token({ sub: 'größer', exp: NOW_S + 10 })
  const wide = await filter.request({ headers: { authorization: `Bearer ${text}` } })
  // A name past latin1 is the author's to encode; these letters have a byte each.
  assert.is(wide.request.headers.get('x-user'), 'größer')
  const found = await seen(`bearer ${token({ sub: 'ada', exp: NOW_S + 10 })}`)
  assert.is(found['x-token'], 'HS256')
  assert.is(found['x-user'], 'ada')
  const signed = token({ sub: 'ada', exp: NOW_S + 10 })
    .split('.')
    .slice(0, 2)
    .join('.')
  assert.is(found['x-parts'], `${signed} 3`)
})

test('a token is current between nbf and exp', async () => {
  const current = async (claims: unknown): Promise<string | undefined> =>
    (await seen(`Bearer ${token(claims)}`))['x-current']
  assert.is(await current({}), 'yes')
  assert.is(await current({ exp: NOW_S + 1 }), 'yes')
  assert.is(await current({ exp: NOW_S }), 'no')
  assert.is(await current({ exp: 'soon' }), 'no')
  assert.is(await current({ nbf: NOW_S }), 'yes')
  assert.is(await current({ nbf: NOW_S + 1 }), 'no')
  assert.is(await current({ nbf: null }), 'no')
})

test('what is no token is none', async () => {
  const wrong = ['a', 'a.b', 'a.b.c', '..', `${encode([])}.${encode({})}.`, `x.${encode({})}.c2ln`]
  for (const text of wrong) assert.is((await seen(`Bearer ${text}`))['x-token'], 'none', text)
  assert.is((await seen(`Bearer ${'a'.repeat(17_000)}`))['x-token'], 'none')
  assert.is((await seen('Basic dXNlcjpwYXNz'))['x-token'], undefined)
  assert.is((await seen('Bearer'))['x-token'], undefined)
})

test('memory does not grow with the number of requests', async () => {
  const leak = await filter.leakCheck((i) => ({
    headers: { cookie: `sid=${i}; debug=1`, authorization: `Bearer ${token({ sub: `${i}` })}` },
  }))
  assert.not.ok(leak.isLeaking, JSON.stringify(leak))
})
