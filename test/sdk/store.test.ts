import { makeRequest } from '../../host/exchange/request.ts'
import { compiledFixture, type GuestRun, TestGuest } from '../support/guest.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('sdk/store', { timeoutMs: 120_000 })

let guest: TestGuest
test.before.each(async () => {
  guest = await TestGuest.open(await compiledFixture('sdk/assembly/store'))
})

const ask = (target: string, headers: string[] = []): Promise<GuestRun> =>
  guest.run(makeRequest({ target, headers }))
const header = ({ request }: GuestRun, name: string): string | undefined =>
  request.headers.get(name)

test('values of every kind are kept, read, counted and removed', async () => {
  const run = await ask('/values', ['User-Agent', 'a\xff'])
  assert.is(header(run, 'x-none'), 'true')
  assert.is(header(run, 'x-text'), '5')
  assert.is(header(run, 'x-number'), '42 42.0')
  assert.is(header(run, 'x-fallback'), '-1 0.5')
  assert.is(header(run, 'x-agent'), 'a\xff')
  assert.is(header(run, 'x-removed'), 'true false')
  assert.is(header(run, 'x-count'), '2 1')
})

test('what is kept is there for the next instance', async () => {
  await ask('/limit')
  guest.forget()
  await ask('/limit')
  guest.forget()
  assert.is((await ask('/limit')).response?.status, 204)
  assert.is((await ask('/limit')).response?.status, 429)
})

test('a swap succeeds for one', async () => {
  const run = await ask('/swap')
  assert.is(header(run, 'x-first'), 'true')
  assert.is(header(run, 'x-second'), 'false')
  assert.is(header(run, 'x-third'), 'true')
})

test('numbers with a fraction add up, and a value larger than the buffer is read whole', async () => {
  await ask('/float')
  assert.is(header(await ask('/float'), 'x-sum'), '0.5')
  assert.is(header(await ask('/large'), 'x-large'), '20000')
})

test('an empty key and a value past its limit end the call with the reason', async () => {
  assert.is((await ask('/key')).result, 'wasmError')
  assert.match(guest.lines.join(''), /the key is empty/)
  assert.is((await ask('/value')).result, 'wasmError')
  assert.match(guest.lines.join(''), /store \\"x\\": past a limit/)
})

test('tags are noted for the access log', async () => {
  const run = await ask('/tag')
  assert.equal(run.exchange.tags, ['grüße', 'second'])
})
