import { isGatewayError } from '../../host/errors.ts'
import { type FilterResult, loadFilter, type TestFilter } from '../../host/testing.ts'
import { assert, suite } from '../../test/support/suite.ts'

const test = suite('plugins/ab-split', { timeoutMs: 120_000 })

const open = (parameters: Readonly<Record<string, string | number>> = {}): Promise<TestFilter> =>
  loadFilter(new URL('.', import.meta.url), { parameters })

const JUMPS = ['b', 'c', 'd']

const variantOf = ({ request }: FilterResult): string => request.headers.get('x-variant') ?? ''

/** How many of 2,000 new visitors got each variant. */
async function split(filter: TestFilter): Promise<Record<string, number>> {
  const counts: Record<string, number> = { a: 0, b: 0, c: 0, d: 0 }
  for (let i = 0; i < 2_000; i++) {
    const run = await filter.request({ jumps: JUMPS })
    assert.is(run.error, null)
    const variant = variantOf(run)
    assert.is(run.result, variant === 'a' ? 'next' : variant)
    counts[variant] = (counts[variant] ?? 0) + 1
  }
  return counts
}

test('new visitors are split by the shares', async () => {
  const counts = await split(await open({ b: 20, c: 10.5 }))
  const within = (count: number | undefined, share: number): boolean =>
    Math.abs((count ?? 0) - share * 20) < 5 * Math.sqrt(20 * share * (1 - share / 100))
  assert.ok(within(counts['b'], 20), JSON.stringify(counts))
  assert.ok(within(counts['c'], 10.5), JSON.stringify(counts))
  assert.is(counts['d'], 0)
})

test('without shares everybody gets a, with 100 percent nobody does', async () => {
  assert.equal(await split(await open()), { a: 2_000, b: 0, c: 0, d: 0 })
  assert.is((await split(await open({ b: 40, c: 40, d: 20 })))['a'], 0)
})

test('a new visitor gets a cookie, one who has it keeps the variant', async () => {
  const filter = await open({ b: 50, maxAge: 60 })
  const first = await filter.request({ jumps: JUMPS })
  const variant = variantOf(first)
  assert.equal(first.response.headers.all('set-cookie'), [
    `ab=${variant}; Path=/; Max-Age=60; SameSite=Lax; HttpOnly`,
  ])
  assert.is(first.response.headers.get('vary'), 'Cookie')
  for (const cookie of ['ab=a', 'theme=dark; ab=b']) {
    for (let i = 0; i < 20; i++) {
      const run = await filter.request({ headers: { cookie }, jumps: JUMPS })
      assert.is(variantOf(run), cookie.slice(-1))
      assert.equal(run.response.headers.all('set-cookie'), [])
      assert.is(run.response.headers.get('vary'), 'Cookie')
    }
  }
})

test('a variant that has ended, or never was, is given up', async () => {
  const filter = await open({ b: 100 })
  for (const cookie of ['ab=c', 'ab=x', 'ab=', 'ab=bb']) {
    const run = await filter.request({ headers: { cookie }, jumps: JUMPS })
    assert.is(variantOf(run), 'b', cookie)
    assert.match(run.response.headers.get('set-cookie') ?? '', /^ab=b;/)
  }
})

test('a header decides the same way every time, and otherwise in another experiment', async () => {
  const variants = async (experiment: string): Promise<string> => {
    const filter = await open({ b: 50, by: 'x-user', experiment })
    let all = ''
    for (let user = 0; user < 40; user++) {
      const headers = { 'x-user': `user ${user}` }
      const run = await filter.request({ headers, jumps: JUMPS })
      assert.is(variantOf(await filter.request({ headers, jumps: JUMPS })), variantOf(run))
      all += variantOf(run)
    }
    return all
  }
  const first = await variants('one')
  assert.is(await variants('one'), first)
  assert.not.equal(await variants('two'), first)
})

test('a query parameter chooses when that is allowed, and is remembered', async () => {
  const filter = await open({ b: 1, force: 'variant' })
  const path = '/?variant=b'
  const run = await filter.request({ path, headers: { cookie: 'ab=a' }, jumps: JUMPS })
  assert.is(variantOf(run), 'b')
  assert.match(run.response.headers.get('set-cookie') ?? '', /^ab=b;/)
  const unknown = await filter.request({ path: '/?variant=c', headers: { cookie: 'ab=a' } })
  assert.is(variantOf(unknown), 'a')
  const off = await (await open({ b: 1 })).request({ path, headers: { cookie: 'ab=a' } })
  assert.is(variantOf(off), 'a')
})

test('a client cannot bring a variant, and the cookie is secure over TLS', async () => {
  const filter = await open({ b: 100, cookie: 'shop' })
  const headers = { 'x-variant': ['a', 'z'] }
  const run = await filter.request({ headers, scheme: 'https', jumps: JUMPS })
  assert.equal(run.request.headers.all('x-variant'), ['b'])
  assert.is(
    run.response.headers.get('set-cookie'),
    'shop=b; Path=/; Max-Age=2592000; SameSite=Lax; HttpOnly; Secure',
  )
  assert.is(run.context['variant'], 'b')
  const bare = await (await open({ b: 100, header: '' })).request({ jumps: JUMPS })
  assert.equal(bare.requestChanges, [])
})

test('shares that cannot be are refused', async () => {
  const refused = async (
    parameters: Readonly<Record<string, string | number>>,
  ): Promise<string> => {
    try {
      await open(parameters)
      return ''
    } catch (error) {
      return isGatewayError(error) ? error.message : String(error)
    }
  }
  assert.match(await refused({ b: 60, c: 60 }), 'together they are 120.0 percent, more than 100')
  assert.match(await refused({ b: -1 }), 'a share is not negative')
  assert.match(await refused({ b: 'half' }), 'which is no number')
  assert.match(await refused({ cookie: '' }), 'cookie: it must have a name')
})

test('memory does not grow with the number of requests', async () => {
  const filter = await open({ b: 50, by: 'x-user' })
  const leak = await filter.leakCheck((i) => ({ headers: { 'x-user': `${i}` }, jumps: JUMPS }))
  assert.not.ok(leak.isLeaking, JSON.stringify(leak))
})
