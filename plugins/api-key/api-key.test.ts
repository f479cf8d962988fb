import { isGatewayError } from '../../host/errors.ts'
import { loadFilter, type TestFilter } from '../../host/testing.ts'
import { assert, suite } from '../../test/support/suite.ts'

const test = suite('plugins/api-key', { timeoutMs: 120_000 })

const KEYS = 'mobile-app: k-8f2c1d\n# retired\npartner: k-77aa90\n'

const open = (parameters: Readonly<Record<string, string | boolean>> = {}): Promise<TestFilter> =>
  loadFilter(new URL('.', import.meta.url), { parameters: { keys: KEYS, ...parameters } })

test('a request without a key is answered with 401, a challenge and a line of text', async () => {
  const { result, reply, reachedUpstream } = await (await open()).request()
  assert.is(result, 'replied')
  assert.not.ok(reachedUpstream)
  assert.is(reply?.status, 401)
  assert.equal(reply?.headers.toObject(), {
    'content-type': 'text/plain; charset=utf-8',
    'www-authenticate': 'ApiKey realm="api"',
    'cache-control': 'no-store',
  })
  assert.is(reply?.text(), 'an API key is needed\n')
})

test('a wrong key gets JSON when the client speaks JSON', async () => {
  const filter = await open({ realm: 'orders' })
  const headers = { 'X-Api-Key': 'k-8f2c1', Accept: 'application/json' }
  const { reply } = await filter.request({ headers })
  assert.is(reply?.status, 401)
  assert.equal(reply?.headers.all('content-type'), ['application/json'])
  assert.is(reply?.headers.get('www-authenticate'), 'ApiKey realm="orders"')
  assert.equal(reply?.json(), { error: 'unauthorized', message: 'the API key is not known' })
})

test('a known key goes on without the key and with its name, whatever name the client brought', async () => {
  const filter = await open()
  const { result, request, context } = await filter.request({
    headers: { 'x-api-key': 'k-77aa90', 'x-api-key-name': ['admin', 'root'] },
  })
  assert.is(result, 'next')
  assert.equal(request.headers.toObject(), { host: 'localhost', 'x-api-key-name': 'partner' })
  assert.equal(context, { apiKeyName: 'partner' })
})

test('only whole keys are let in', async () => {
  const filter = await open()
  for (const key of ['', 'k', 'k-8f2c1', 'k-8f2c1dd', 'K-8f2c1d', 'k-8f2c1d k-77aa90', '\xff']) {
    const { reply } = await filter.request({ headers: { 'x-api-key': key } })
    assert.is(reply?.status, 401, `"${key}"`)
  }
})

test('the key may stand in the query when that is allowed, the header goes first', async () => {
  const filter = await open({ query: 'key', keepKey: true })
  const path = '/?key=k-77aa90'
  assert.is((await filter.request({ path })).result, 'next')
  const wrong = await filter.request({ path, headers: { 'x-api-key': 'wrong' } })
  assert.is(wrong.result, 'replied')
  const kept = await filter.request({ headers: { 'x-api-key': 'k-77aa90' } })
  assert.is(kept.request.headers.get('x-api-key'), 'k-77aa90')
  assert.is((await (await open()).request({ path })).result, 'replied')
})

test('missing keys are found before any request', async () => {
  const refused = async (parameters: Readonly<Record<string, string>>): Promise<string> => {
    try {
      await loadFilter(new URL('.', import.meta.url), { parameters })
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

test('memory does not grow with the number of requests', async () => {
  const leak = await (await open()).leakCheck((i) => ({
    headers: { 'x-api-key': i % 2 === 0 ? 'k-77aa90' : `wrong ${i}` },
  }))
  assert.not.ok(leak.isLeaking, JSON.stringify(leak))
})
