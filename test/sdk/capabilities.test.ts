import {
  defineHostCall,
  type FilterResult,
  type LoadOptions,
  loadFilter,
  type TestFilter,
} from '../../host/testing.ts'
import { readDescription } from '../../host/wasm/module/description.ts'
import { readModule } from '../../host/wasm/module/reader.ts'
import { compiledFixture } from '../support/guest.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('sdk/capabilities', { timeoutMs: 120_000 })

const plan = defineHostCall({
  name: 'plan',
  description: 'The plan of a customer.',
  format: 'text',
  call: async (customer) => (customer === 'acme' ? 'gold' : 'free'),
})

let wasm: Uint8Array
test.before(async () => {
  wasm = await compiledFixture('sdk/assembly/capabilities')
})

const open = (options: LoadOptions = {}): Promise<TestFilter> =>
  loadFilter(wasm, { functions: [plan], ...options })
const header = ({ request }: FilterResult, name: string): string | null => request.headers.get(name)

test('a module says what it asks for: by what it imports and by the names in its source', () => {
  const { grant } = readDescription(readModule(wasm))
  assert.equal(grant, {
    headers: { write: ['*'] },
    reply: true,
    metrics: true,
    outbound: ['api.example.com', 'elsewhere.example.com'],
    secrets: ['key', 'other'],
    functions: ['plan'],
  })
})

test('random bytes and numbers come from the host, and from a seed in a test', async () => {
  const [one, two] = [await open({ random: 1 }), await open({ random: 1 })]
  const [a, b] = [await one.request({ path: '/random' }), await two.request({ path: '/random' })]
  assert.match(header(a, 'x-token') ?? '', /^[\w-]{16}$/)
  assert.is(header(a, 'x-token'), header(b, 'x-token'))
  const number = Number(header(a, 'x-number'))
  assert.ok(number >= 0 && number < 1)
  assert.ok(Number(header(a, 'x-below')) < 6)
  const real = await open()
  const [c, d] = [await real.request({ path: '/random' }), await real.request({ path: '/random' })]
  assert.is.not(header(c, 'x-token'), header(d, 'x-token'))
})

test('a secret is read by name; one that is not granted ends the call', async () => {
  const filter = await open({
    secrets: { key: 'hunter22', other: 'x' },
    grant: { secrets: ['key'] },
  })
  assert.is(header(await filter.request({ path: '/secret' }), 'x-key'), 'hunter22')
  const denied = await filter.request({ path: '/other-secret' })
  assert.is(denied.result, 'wasmError')
  assert.match(denied.error ?? '', /secret "other": not granted/)
  assert.ok(denied.logs.some((line) => line.endsWith('was denied secrets')))
})

test('what a phase counts is counted when it returns, and not when it fails', async () => {
  const filter = await open()
  await filter.request({ path: '/count' })
  assert.is((await filter.request({ path: '/count-and-fail' })).result, 'wasmError')
  await filter.request({ path: '/count' })
  assert.is(filter.metric('hits'), 10)
  assert.is(filter.metric('sizes'), 4)
  // The last phase of the last request has set it.
  assert.is(filter.metric('level'), 204)
  const without = await open({ grant: { metrics: false } })
  assert.is((await without.request({ path: '/count' })).result, 'replied')
  assert.is(without.metric('hits'), null)
})

test('a call is made, its answer read, and what was done before it stays', async () => {
  const filter = await open({
    calls: ({ url, method, body, headers }) =>
      method === 'PUT'
        ? { status: body === 'größe' && headers.get('x-mine') === 'a' ? 201 : 400 }
        : { body: url.pathname + url.search, headers: { 'Content-Type': 'text/x' } },
  })
  const got = await filter.request({ path: '/get?7' })
  assert.is(got.error, null)
  assert.is(header(got, 'x-answer'), "200 true '/users/7'")
  assert.is(header(got, 'x-type'), 'text/x')
  assert.is(header(await filter.request({ path: '/put' }), 'x-answer'), '201')
  const two = await filter.request({ path: '/two' })
  assert.is(header(two, 'x-between'), 'kept')
  assert.is(header(two, 'x-answer'), '/two?/one')
  assert.equal(
    filter.calls.map(({ url }) => url.pathname),
    ['/users/7', '/things', '/one', '/two'],
  )
})

test('a call without an answer has no status, and the reason', async () => {
  const late = await open({ calls: () => 'timeout' })
  const answer = await late.request({ path: '/get?1' })
  assert.is(header(answer, 'x-answer'), "0 false ''")
  assert.is(header(answer, 'x-late'), '1')
  const gone = await open({ calls: () => new Error('no route') })
  assert.is(header(await gone.request({ path: '/get?1' }), 'x-failure'), 'no route')
})

test('a host that is not granted ends the call, with its name', async () => {
  const filter = await open({ grant: { outbound: ['api.example.com'] }, calls: () => ({}) })
  const denied = await filter.request({ path: '/elsewhere' })
  assert.is(denied.result, 'wasmError')
  assert.match(denied.error ?? '', /elsewhere\.example\.com is not granted/)
  const none = await open({ grant: { outbound: [] } })
  assert.match((await none.request({ path: '/get?1' })).error ?? '', /http: not granted/)
})

test('a function of the embedding program answers, fails with its reason, or is not granted', async () => {
  assert.is(header(await (await open()).request({ path: '/function' }), 'x-plan'), 'gold')
  const failing = defineHostCall({
    name: 'plan',
    description: 'Fails.',
    format: 'bytes',
    call: () => {
      throw new Error('the database is away')
    },
  })
  const failed = await (await open({ functions: [failing] })).request({ path: '/function' })
  assert.match(failed.error ?? '', /function: the database is away/)
  const denied = await (await open({ grant: { functions: [] } })).request({ path: '/function' })
  assert.match(denied.error ?? '', /function: the host answered -3/)
})
