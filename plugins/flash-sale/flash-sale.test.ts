import { isGatewayError } from '../../host/errors.ts'
import {
  type FilterResult,
  loadFilter,
  loadFunctions,
  type TestFilter,
} from '../../host/testing.ts'
import { Cleanup, startGateway } from '../../test/support/gateway.ts'
import { compiled } from '../../test/support/guest.ts'
import { assert, suite } from '../../test/support/suite.ts'

const test = suite('plugins/flash-sale', { timeoutMs: 120_000 })
const cleanup = new Cleanup()
test.after(() => cleanup.run())

type Parameters = Readonly<Record<string, string | number | boolean>>

const START = Date.UTC(2026, 10, 27, 8)
const SECRET = '00112233445566778899aabbccddeeff'

const open = (parameters: Parameters, now = START): Promise<TestFilter> =>
  loadFilter(new URL('.', import.meta.url), {
    parameters: { start: '2026-11-27T08:00:00Z', title: 'Lamps <3', ...parameters },
    now,
  })

const byCookie = (parameters: Parameters = {}): Promise<TestFilter> =>
  open({ stock: 3, secret: SECRET, ...parameters })
const byName = (parameters: Parameters = {}): Promise<TestFilter> =>
  open({ stock: 3, by: 'x-user', ...parameters })

const permitOf = ({ request }: FilterResult): string | null => request.headers.get('x-sale-permit')
const user = (name: string) => ({ headers: { 'x-user': name } })
const json = { accept: 'application/json' }

/** The cookie of an answer, as the next request brings it. */
const cookieOf = ({ response }: FilterResult): { headers: { cookie: string } } => ({
  headers: { cookie: (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '' },
})

test('before the start everybody gets the same page, which comes back by itself', async () => {
  const filter = await open({ stock: 3, secret: SECRET }, START - 90_500)
  const run = await filter.request()
  assert.is(run.reply?.status, 503)
  assert.is(run.reply?.headers.get('retry-after'), '60')
  assert.is(run.reply?.headers.get('cache-control'), 'no-store')
  const page = run.reply?.text() ?? ''
  assert.match(page, '<meta http-equiv="refresh" content="60"><title>Lamps &lt;3</title>')
  assert.match(page, 'It begins on Fri, 27 Nov 2026 08:00:00 GMT. There are 3;')
  filter.clock.advance(85_200)
  const api = await filter.request({ headers: json })
  assert.equal(api.reply?.json(), {
    state: 'early',
    message:
      'It begins on Fri, 27 Nov 2026 08:00:00 GMT. There are 3; who comes first is served first.',
    retryAfter: 6,
  })
  assert.equal(filter.data.toObject(), {})
})

test('first come, first served, and who has a permit keeps it', async () => {
  const filter = await byCookie()
  const first = await filter.request()
  assert.is(permitOf(first), '1')
  assert.match(
    first.response.headers.get('set-cookie') ?? '',
    /^sale=1\.[\w-]{43}; Path=\/; SameSite=Lax; HttpOnly$/,
  )
  assert.is(first.response.headers.get('cache-control'), 'private, no-store')
  assert.is(permitOf(await filter.request()), '2')
  assert.is(permitOf(await filter.request()), '3')
  const late = await filter.request({ headers: json })
  assert.is(late.reply?.status, 410)
  assert.match(late.reply?.text() ?? '', /^\{"state":"soldOut",/)
  assert.is(late.reply?.headers.get('retry-after'), null)
  for (let i = 0; i < 3; i++) {
    const again = await filter.request(cookieOf(first))
    assert.is(permitOf(again), '1')
    assert.is(again.response.headers.get('set-cookie'), null)
  }
  assert.equal(filter.data.toObject(), { 'sale:sold': '3' })
})

test('a permit that was not signed here, or for another sale, is none', async () => {
  const filter = await byCookie({ stock: 1 })
  const mine = cookieOf(await filter.request()).headers.cookie
  const other = cookieOf(await (await byCookie({ sale: 'other' })).request()).headers.cookie
  const wrong = [
    other,
    mine.replace('=1.', '=2.'),
    `${mine}x`,
    mine.slice(0, -1),
    'sale=1',
    'sale=1.',
  ]
  for (const cookie of [...wrong, 'sale=0.', 'sale=', 'sale=-1.x']) {
    const run = await filter.request({ headers: { cookie } })
    assert.is(run.reply?.status, 410, cookie)
    assert.is(run.error, null)
  }
  const brought = await filter.request({ headers: { cookie: mine, 'x-sale-permit': '99' } })
  assert.equal(brought.request.headers.all('x-sale-permit'), ['1'])
})

test('a buyer with a name has one permit, however often it asks', async () => {
  const filter = await byName()
  for (let i = 0; i < 3; i++) assert.is(permitOf(await filter.request(user('ada'))), '1')
  assert.is(permitOf(await filter.request(user('bob'))), '2')
  assert.is(permitOf(await filter.request(user('eve'))), '3')
  assert.is((await filter.request(user('dan'))).reply?.status, 410)
  assert.is(permitOf(await filter.request(user('bob'))), '2')
  assert.is((await filter.request()).reply?.status, 403)
  assert.is((await filter.request(user(''))).reply?.status, 403)
  assert.is(Object.keys(filter.data.toObject()).length, 4)
})

test('a claim that was never decided is let go, and nobody passes on it', async () => {
  const filter = await byName({ stock: 1 })
  const ada = '49ca7ff4fdb6af0e47ea5ff4a4e9ffa8'
  assert.is(permitOf(await filter.request(user('ada'))), '1')
  const [key = ''] = Object.keys(filter.data.toObject()).filter((one) => one.includes('buyer'))
  assert.is(key.length, 'sale:buyer:'.length + ada.length)
  filter.data.set(key, 'claimed')
  const run = await filter.request(user('ada'))
  assert.is(run.reply?.status, 503)
  assert.is(run.reply?.headers.get('retry-after'), '1')
})

test('more stock lets more buyers in, another sale begins anew', async () => {
  const filter = await byCookie({ stock: 1 })
  await filter.request()
  assert.is((await filter.request()).reply?.status, 410)
  const more = await byCookie({ stock: 2 })
  more.data.set('sale:sold', filter.data.get('sale:sold') ?? '')
  assert.is(permitOf(await more.request()), '2')
  const other = await byCookie({ sale: 'next' })
  other.data.set('sale:sold', 3)
  assert.is(permitOf(await other.request()), '1')
})

test('after the end nobody gets a permit, and who has one still passes', async () => {
  for (const filter of [
    await byCookie({ end: '2026-11-27T10:00+01:00' }),
    await byName({ end: '2026-11-27T10:00+01:00' }),
  ]) {
    const first = await filter.request(user('ada'))
    const headers = { ...user('ada').headers, ...cookieOf(first).headers }
    filter.clock.advance(3_600_000)
    const over = await filter.request(user('bob'))
    assert.is(over.reply?.status, 410)
    assert.match(over.reply?.text() ?? '', 'It ended on Fri, 27 Nov 2026 09:00:00 GMT.')
    assert.is(permitOf(await filter.request({ headers })), '1')
  }
})

test('results take the place of pages, for pages of your own', async () => {
  const filter = await open(
    { stock: 1, by: 'x-user', results: true, end: '2026-11-27T09:00Z' },
    START - 1,
  )
  const resultOf = async (name: string) => (await filter.request(user(name))).result
  assert.is(await resultOf('ada'), 'early')
  filter.clock.advance(1)
  assert.is(await resultOf('ada'), 'next')
  assert.is(await resultOf('bob'), 'soldOut')
  assert.is(await resultOf(''), 'unknown')
  filter.clock.advance(3_600_000)
  assert.is(await resultOf('bob'), 'over')
})

test('moments have a zone', async () => {
  const { parseMoment } = await loadFunctions<{ parseMoment(text: string): bigint }>(
    new URL('moment.ts', import.meta.url),
  )
  const at = Number(parseMoment('2026-11-27T08:00:00Z'))
  assert.is(at, START)
  for (const text of [
    '2026-11-27T08:00Z',
    ' 2026-11-27T09:30:00+01:30 ',
    '2026-11-27T00:00:00-08:00',
    'Fri, 27 Nov 2026 08:00:00 GMT',
  ]) {
    assert.is(Number(parseMoment(text)), START, text)
  }
  for (const day of ['2024-02-29', '1970-01-01', '2000-02-29', '2099-12-31']) {
    assert.is(Number(parseMoment(`${day}T00:00Z`)), Date.parse(`${day}T00:00Z`), day)
  }
  const none = ['', 'tomorrow', '2026-11-27', '2026-11-27T08:00:00', '2026-13-01T00:00Z']
  for (const text of [...none, '2026-02-30T00:00Z', '2026-11-27T24:00Z', '2026-11-27T08:00+1:00']) {
    assert.is(parseMoment(text), -(2n ** 63n), text)
  }
})

test('a sale that cannot be is refused', async () => {
  const refused = async (parameters: Parameters): Promise<string> => {
    try {
      await open(parameters)
      return ''
    } catch (error) {
      return isGatewayError(error) ? error.message : String(error)
    }
  }
  assert.match(await refused({ by: 'x-user' }), 'stock: at least 1')
  assert.match(await refused({ stock: 1 }), 'secret: at least 16 bytes in hex')
  assert.match(await refused({ stock: 1, secret: 'xyz' }), 'secret: at least 16')
  assert.match(await refused({ stock: 9_001, by: 'x-user' }), 'at most 9000 with "by"')
  assert.match(await refused({ stock: 1, by: 'a', start: 'soon' }), 'start: write a moment')
  assert.match(await refused({ stock: 1, by: 'a', end: 'late' }), 'end: write a moment')
  assert.match(await refused({ stock: 1, by: 'a', end: '2026-11-27T08:00Z' }), 'after the start')
})

for (const isolation of ['inline', 'worker'] as const) {
  test(`of many at once exactly the stock is sold, each number once: ${isolation}`, async () => {
    const wasm = await compiled(new URL('.', import.meta.url).pathname)
    const yaml = (parameters: string): string => `kind: HTTPServer
name: server
port: 0
rules: [{ paths: [{ pathPrefix: /, backend: main }] }]
---
kind: Pipeline
name: main
filters:
  - name: sale
    kind: WasmHost
    code: sale.wasm
    isolation: ${isolation}
    timeout: 20s
    parameters: { start: '2026-01-01T00:00Z', stock: 25, ${parameters} }
  - name: echo
    kind: ResponseBuilder
    template: |
      statusCode: 200
      body: '{{index (index .requests.DEFAULT.Header "X-Sale-Permit") 0}}'
`
    const files = { 'sale.wasm': wasm }
    const options = { dataWaitMs: 20_000 }
    const cookies = await startGateway(cleanup, yaml(`secret: '${SECRET}'`), files, options)
    const sold = await Promise.all(Array.from({ length: 100 }, () => cookies.get('/')))
    assertSold(sold, 25)
    const names = await startGateway(cleanup, yaml('by: x-user'), files, options)
    // Forty buyers, each with three requests at once.
    const asked = Array.from({ length: 120 }, (_, i) => names.get('/', user(`user ${i % 40}`)))
    const answers = await Promise.all(asked)
    const undecided = answers.filter(({ status }) => status === 503).length
    const permits = new Set(answers.flatMap(({ status, body }) => (status === 200 ? [body] : [])))
    assert.equal([...permits].sort(byNumber), numbers(25))
    assert.ok(undecided < 80, String(undecided))
  })
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i + 1}`)
const byNumber = (a: string, b: string): number => Number(a) - Number(b)

function assertSold(answers: readonly { status: number; body: string }[], count: number): void {
  const permits = answers.flatMap(({ status, body }) => (status === 200 ? [body] : []))
  assert.equal(permits.sort(byNumber), numbers(count))
  assert.is(answers.filter(({ status }) => status === 410).length, answers.length - count)
}

test('memory does not grow with the number of requests', async () => {
  const filter = await byName({ stock: 9_000 })
  const leak = await filter.leakCheck((i) => user(`user ${i}`))
  assert.not.ok(leak.isLeaking, JSON.stringify(leak))
})
