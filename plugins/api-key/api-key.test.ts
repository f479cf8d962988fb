import { fileURLToPath } from 'node:url'
import { isGatewayError } from '../../host/errors.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import { Response } from '../../host/exchange/response.ts'
import { compiled, type GuestRun, TestGuest } from '../../test/support/guest.ts'
import { assert, suite } from '../../test/support/suite.ts'

const test = suite('plugins/api-key', { timeoutMs: 120_000 })

const KEYS = 'mobile-app: k-8f2c1d\n# retired\npartner: k-77aa90\n'

const open = async (parameters: Readonly<Record<string, string>> = {}): Promise<TestGuest> =>
  TestGuest.open(await compiled(fileURLToPath(new URL('.', import.meta.url))), {
    keys: KEYS,
    ...parameters,
  })

const bodyOf = (run: GuestRun): string => run.response?.body.whole().toString('utf8') ?? ''

test('a request without a key is answered with 401, a challenge and a line of text', async () => {
  const guest = await open()
  const run = await guest.run(makeRequest({}), Response.text(200, 'upstream'))
  assert.is(run.result, 'replied')
  assert.is(run.response?.status, 401)
  assert.is(run.response?.headers.get('www-authenticate'), 'ApiKey realm="api"')
  assert.is(run.response?.headers.get('cache-control'), 'no-store')
  assert.is(run.response?.headers.get('content-type'), 'text/plain; charset=utf-8')
  assert.is(bodyOf(run), 'an API key is needed\n')
})

test('a wrong key gets JSON when the client speaks JSON', async () => {
  const guest = await open({ realm: 'orders' })
  const headers = ['X-Api-Key', 'k-8f2c1', 'Accept', 'application/json']
  const run = await guest.run(makeRequest({ headers }))
  assert.is(run.response?.status, 401)
  assert.is(run.response?.headers.get('content-type'), 'application/json')
  assert.equal(run.response?.headers.getAll('content-type').length, 1)
  assert.is(run.response?.headers.get('www-authenticate'), 'ApiKey realm="orders"')
  assert.equal(JSON.parse(bodyOf(run)), {
    error: 'unauthorized',
    message: 'the API key is not known',
  })
})

test('a known key goes on without the key and with its name, whatever name the client brought', async () => {
  const guest = await open()
  const headers = ['x-api-key', 'k-77aa90', 'x-api-key-name', 'admin', 'x-api-key-name', 'root']
  const run = await guest.run(makeRequest({ headers }))
  assert.is(run.result, undefined)
  assert.is(run.response, null)
  assert.equal(run.request.headers.list, ['x-api-key-name', 'partner'])
  assert.is(run.exchange.data?.get('apiKeyName')?.toString(), 'partner')
})

test('only whole keys are let in', async () => {
  const guest = await open()
  for (const key of ['', 'k', 'k-8f2c1', 'k-8f2c1dd', 'K-8f2c1d', 'k-8f2c1d k-77aa90', '\xff']) {
    const run = await guest.run(makeRequest({ headers: ['x-api-key', key] }))
    assert.is(run.response?.status, 401, `"${key}"`)
  }
})

test('the key may stand in the query when that is allowed, the header goes first', async () => {
  const guest = await open({ query: 'key', keepKey: 'true' })
  const target = '/?key=k-77aa90'
  assert.is((await guest.run(makeRequest({ target }))).result, undefined)
  const wrong = makeRequest({ target, headers: ['x-api-key', 'wrong'] })
  assert.is((await guest.run(wrong)).result, 'replied')
  const kept = await guest.run(makeRequest({ headers: ['x-api-key', 'k-77aa90'] }))
  assert.is(kept.request.headers.get('x-api-key'), 'k-77aa90')
  assert.is((await (await open()).run(makeRequest({ target }))).result, 'replied')
})

test('missing keys are found before any request', async () => {
  const wasm = await compiled(fileURLToPath(new URL('.', import.meta.url)))
  const refused = async (parameters: Readonly<Record<string, string>>): Promise<string> => {
    try {
      await TestGuest.open(wasm, parameters)
    } catch (error) {
      if (isGatewayError(error)) return error.message
    }
    return ''
  }
  assert.match(await refused({}), '"keys" is required')
  assert.match(await refused({ keys: '# none' }), 'keys: there is no key')
})

test('a line that cannot be read is named by its number, never by its text', async () => {
  try {
    await open({ keys: 'good: abc\nsecret-without-a-name' })
    assert.unreachable('it was accepted')
  } catch (error) {
    assert.ok(isGatewayError(error, 'GUEST_START'))
    assert.match(error.message, 'keys: line 2 is not "name: key"')
    assert.not.match(error.message, 'secret-without')
  }
})
