import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Cleanup, startGateway, type TestGateway } from '../support/gateway.ts'
import { compiled } from '../support/guest.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('plugins/examples', { timeoutMs: 120_000 })
const cleanup = new Cleanup()
test.after.each(() => cleanup.run())

/** The `gateway.yaml` of a plugin, on a free port, with the module beside it. */
async function runExample(name: string): Promise<TestGateway> {
  const dir = fileURLToPath(new URL(`../../plugins/${name}/`, import.meta.url))
  const wasm = await compiled(dir)
  const yaml = await readFile(`${dir}gateway.yaml`, 'utf8')
  const files = { [`build/${name}.wasm`]: wasm }
  return startGateway(cleanup, yaml.replace('port: 10080', 'port: 0'), files)
}

test('request-headers: the upstream sees what its README says', async () => {
  const { get } = await runExample('request-headers')
  const answer = await get('/orders', { headers: { 'x-internal-role': 'admin' } })
  assert.is(answer.status, 200)
  assert.is(answer.body, 'the upstream saw x-tenant: acme and no x-internal-role\n')
})

test('api-key: 401 without a key, the upstream with one', async () => {
  const { get } = await runExample('api-key')
  const refused = await get('/')
  assert.is(refused.status, 401)
  assert.is(refused.headers['www-authenticate'], 'ApiKey realm="api"')
  assert.is(refused.body, 'an API key is needed\n')
  const first = await get('/', { headers: { 'x-api-key': 'k-8f2c1d' } })
  assert.is(first.body, 'hello, mobile app\n')
  const second = await get('/', {
    headers: { 'x-api-key': 'k-77aa90', 'x-api-key-name': 'mobile-app' },
  })
  assert.is(second.body, 'hello, partner\n')
})

test('response-body: the page is changed and its length is right', async () => {
  const { get } = await runExample('response-body')
  const answer = await get('/')
  const body = `<p>Color: blue. Card: **** **** **** 1111</p>
<a href="https://www.example/cart">cart</a>
`
  assert.is(answer.body, body)
  assert.is(answer.headers['content-length'] ?? String(body.length), String(body.length))
})

test('request-id: the upstream is told a trace, the client an id', async () => {
  const { get } = await runExample('request-id')
  const answer = await get('/')
  assert.is(answer.body, 'the upstream was told a trace\n')
  assert.match(String(answer.headers['x-request-id']), /^[0-9a-z]{8}-[0-9a-f]{6}$/)
})

test('ab-split: the cookie decides, a query parameter may choose', async () => {
  const { get } = await runExample('ab-split')
  const first = await get('/')
  const [, variant] = /^ab=([ab]);/.exec(String(first.headers['set-cookie'])) ?? []
  assert.is(first.body, variant === 'b' ? 'the new shop\n' : 'the old shop\n')
  assert.is((await get('/?variant=b')).body, 'the new shop\n')
  assert.is((await get('/', { headers: { cookie: 'ab=a' } })).body, 'the old shop\n')
  assert.is((await get('/', { headers: { cookie: 'ab=b' } })).body, 'the new shop\n')
})

test('jwt-claims: the tokens of the README are taken, verified here, by a key or by a Validator', async () => {
  const { get } = await runExample('jwt-claims')
  const readme = await readFile(
    new URL('../../plugins/jwt-claims/README.md', import.meta.url),
    'utf8',
  )
  const tokenOf = (name: string): string =>
    new RegExp(`^${name}=(\\S+)`, 'm').exec(readme)?.[1] ?? ''
  for (const path of ['/', '/validated', '/signed']) {
    const token = tokenOf(path === '/signed' ? 'SIGNED' : 'TOKEN')
    assert.is((await get(path)).status, 401)
    const answer = await get(path, { headers: { authorization: `Bearer ${token}` } })
    assert.is(answer.body, 'hello, ada\n')
    const forged = await get(path, { headers: { authorization: `Bearer ${token}A` } })
    assert.is(forged.status, 401)
  }
})

test('redact: the answer is what the README says', async () => {
  const { get } = await runExample('redact')
  const answer = await get('/')
  assert.is(
    answer.body,
    '{"customer":{"name":"[path]"},"cards":[{"number":"[path]1111"}],"note":"write to [email]"}',
  )
})

test('token-bucket: three at once, and no fourth', async () => {
  const { get } = await runExample('token-bucket')
  const answers = []
  for (let i = 0; i < 4; i++) answers.push(await get('/'))
  assert.equal(
    answers.slice(0, 3).map(({ body }) => body),
    ['served\n', 'served\n', 'served\n'],
  )
  // On a machine that takes a second for three requests a token has come back.
  assert.ok(answers[3]?.status === 429 || answers[3]?.status === 200)
  const burst = await Promise.all(Array.from({ length: 12 }, () => get('/')))
  assert.ok(burst.some(({ status }) => status === 429))
})

test('flash-sale: three lamps for three visitors', async () => {
  const { get } = await runExample('flash-sale')
  const answers = await Promise.all(Array.from({ length: 5 }, () => get('/')))
  const statuses = answers.map(({ status }) => status).sort()
  assert.equal(statuses, [200, 200, 200, 410, 410])
  const [cookie = ''] = [answers.find(({ status }) => status === 200)?.headers['set-cookie']].flat()
  const again = await get('/', { headers: { cookie: cookie.split(';')[0] ?? '' } })
  assert.is(again.body, 'the lamp is yours\n')
})
