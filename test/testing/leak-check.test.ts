import { isGatewayError } from '../../host/errors.ts'
import { loadFilter, type TestFilter } from '../../host/testing.ts'
import { compiledFixture } from '../support/guest.ts'
import { assert, suite } from '../support/suite.ts'
import { wat } from '../support/wat.ts'

const test = suite('testing/leak-check', { timeoutMs: 120_000 })

const open = async (mode: string): Promise<TestFilter> =>
  loadFilter(await compiledFixture('testing/assembly/leaky'), { parameters: { mode } })

test('a filter that keeps nothing does not leak, to the byte', async () => {
  const leak = await (await open('never')).leakCheck((i) => ({ path: `/${i}` }))
  assert.equal([leak.isLeaking, leak.requests, leak.bytesPerRequest], [false, 1000, 0])
  assert.is(leak.endBytes, leak.warmBytes)
})

test('a few bytes a request are a leak, whatever the memory has grown by', async () => {
  const filter = await open('always')
  const leak = await filter.leakCheck((i) => ({ path: `/${i}` }), { requests: 400, warmUp: 10 })
  assert.ok(leak.isLeaking)
  assert.ok(leak.bytesPerRequest > 20 && leak.bytesPerRequest < 60, `${leak.bytesPerRequest}`)
})

test('a cache that fills up is no leak', async () => {
  const filter = await open('cache')
  const leak = await filter.leakCheck((i) => ({ path: `/${i}` }), { requests: 400, warmUp: 10 })
  assert.not.ok(leak.isLeaking)
  assert.ok(leak.endBytes > leak.warmBytes)
})

test('a request that fails ends the check with its number', async () => {
  const filter = await open('trap')
  try {
    await filter.leakCheck((i) => ({ path: `/${i}` }))
    assert.unreachable()
  } catch (error) {
    assert.ok(isGatewayError(error, 'TESTING_REQUEST_FAILED'))
    assert.match(error.message, 'request 7 of the check failed')
  }
})

test('a module without the SDK is judged by its whole memory', async () => {
  const filter = await loadFilter(
    wat(`(module (memory (export "memory") 1 100)
      (func (export "penstock_on_request") (result i32)
        (drop (memory.grow (i32.const 1))) (i32.const 0)))`),
  )
  assert.is(filter.liveBytes(), null)
  const leak = await filter.leakCheck({}, { requests: 20, warmUp: 2 })
  assert.ok(leak.isLeaking)
  assert.is(leak.bytesPerRequest, 65_536)
})
