import { createHmac, createSign, generateKeyPairSync } from 'node:crypto'
import { isGatewayError } from '../../host/errors.ts'
import { type FilterResult, loadFilter, type TestFilter } from '../../host/testing.ts'
import { assert, suite } from '../../test/support/suite.ts'
import { tokenSigner } from '../../test/support/tokens.ts'

const test = suite('plugins/jwt-claims', { timeoutMs: 120_000 })

const KEY = Buffer.from('penstock-example-secret-0123456789')
const NOW = Date.UTC(2026, 10, 22, 12)
const SECONDS = NOW / 1000
const CLAIMS = 'sub => x-user-id\nrealm_access.roles => X-Roles\nage => x-age'

type Parameters = Readonly<Record<string, string | number | boolean>>

const open = (parameters: Parameters): Promise<TestFilter> =>
  loadFilter(new URL('.', import.meta.url), {
    parameters: { claims: CLAIMS, ...parameters },
    now: NOW,
  })

const verifying = (parameters: Parameters = {}): Promise<TestFilter> =>
  open({ secret: KEY.toString('hex'), ...parameters })

const trusting = (parameters: Parameters = {}): Promise<TestFilter> =>
  open({ verifiedBy: 'validator', ...parameters })

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function token(claims: unknown, header: unknown = { alg: 'HS256' }, key = KEY): string {
  const signed = `${part(header)}.${part(claims)}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}

const bearer = (text: string) => ({ headers: { authorization: `Bearer ${text}` } })

function assertRefused(run: FilterResult, reason: RegExp): void {
  assert.is(run.error, null)
  assert.is(run.reachedUpstream, false)
  assert.is(run.reply?.status, 401)
  assert.match(run.reply?.headers.get('www-authenticate') ?? '', /^Bearer realm="api"/)
  assert.is(run.reply?.headers.get('cache-control'), 'no-store')
  assert.match(run.reply?.text() ?? '', reason)
}

async function refusalOf(parameters: Parameters): Promise<string> {
  try {
    await open(parameters)
    return ''
  } catch (error) {
    return isGatewayError(error) ? error.message : String(error)
  }
}

test('claims become headers, those of lists and of objects too', async () => {
  const filter = await verifying()
  const claims = { sub: 'ada', realm_access: { roles: ['admin', 'dev'] }, age: 36 }
  const run = await filter.request(bearer(token(claims)))
  assert.is(run.result, 'next')
  assert.equal(run.requestChanges, ['+ x-user-id: ada', '+ x-roles: admin,dev', '+ x-age: 36'])
  assert.is(run.context['jwtSubject'], 'ada')
})

test('it does not start before somebody is named who verifies tokens', async () => {
  assert.match(await refusalOf({}), 'one of them must say who verifies the token')
  assert.match(
    await refusalOf({ secret: KEY.toString('hex'), verifiedBy: 'validator' }),
    'one of them',
  )
  assert.match(await refusalOf({ verifiedBy: 'nobody' }), '"nobody" is not "validator"')
  assert.match(await refusalOf({ secret: 'abcd' }), '2 bytes are too few')
  assert.match(await refusalOf({ secret: 'secret' }), 'it is not written in hex')
  assert.match(
    await refusalOf({ verifiedBy: 'validator', claims: 'sub' }),
    'is not "claim => header"',
  )
  assert.match(await refusalOf({ verifiedBy: 'validator', claims: '# no' }), 'there is none')
  assert.match(await refusalOf({ verifiedBy: 'validator', claims: 'sub => x y' }), 'is not "claim')
  assert.match(await refusalOf({ verifiedBy: 'validator', claims: 'a => Cookie' }), 'cookie cannot')
  assert.match(await refusalOf({ verifiedBy: 'validator', leeway: -1 }), 'between 0 and 86400')
  assert.match(await refusalOf({ verifiedBy: 'validator', leeway: 86_401 }), 'between 0 and 86400')
  assert.match(await refusalOf({ verifiedBy: 'validator', realm: 'a"b' }), 'neither')
})

test('a token with another signature, algorithm or key is refused', async () => {
  const filter = await verifying()
  const good = token({ sub: 'ada' })
  const [header = '', , signature = ''] = good.split('.')
  const forged = `${header}.${part({ sub: 'root' })}.${signature}`
  assertRefused(await filter.request(bearer(forged)), /the signature is wrong/)
  assertRefused(
    await filter.request(bearer(token({}, { alg: 'HS256' }, Buffer.alloc(34)))),
    /signature/,
  )
  assertRefused(await filter.request(bearer(`${header}.${part({ sub: 'root' })}.`)), /signature/)
  for (const alg of ['none', 'None', 'HS384', 'RS256', '', 17]) {
    assertRefused(await filter.request(bearer(token({ sub: 'root' }, { alg }))), /not signed/)
  }
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const signed = `${part({ alg: 'RS256' })}.${part({ sub: 'root' })}`
  const rsa = createSign('sha256').update(signed).sign(privateKey, 'base64url')
  assertRefused(await filter.request(bearer(`${signed}.${rsa}`)), /not signed with HS256/)
  assertRefused(
    await filter.request(bearer(token({}, { alg: 'HS256', crit: ['exp'] }))),
    /critical extensions/,
  )
})

test('what is no token is refused, no token is asked for', async () => {
  const filter = await verifying()
  for (const text of ['a', 'a.b', 'a.b.c', `${part([])}.${part({})}.AA`, 'x'.repeat(17_000)]) {
    assertRefused(await filter.request(bearer(text)), /this is no token/)
  }
  const none = await filter.request({ headers: { authorization: 'Basic YTpi' } })
  assertRefused(none, /a token is needed/)
  assert.is(none.reply?.headers.get('www-authenticate'), 'Bearer realm="api"')
})

test('a client cannot bring the headers, whatever becomes of its token', async () => {
  const mine = { 'x-user-id': 'root', 'X-Roles': ['admin', 'owner'], 'x-age': '1' }
  const optional = await verifying({ optional: true })
  const none = await optional.request({ headers: mine })
  assert.is(none.result, 'next')
  for (const name of Object.keys(mine)) assert.equal(none.request.headers.all(name), [], name)
  const some = await optional.request({
    headers: { ...mine, authorization: `Bearer ${token({ sub: 'ada' })}` },
  })
  assert.equal(some.request.headers.all('x-user-id'), ['ada'])
  assert.equal(some.request.headers.all('x-roles'), [])
  assertRefused(await optional.request(bearer(`${token({})}x`)), /signature|no token/)
})

test('times, issuer, audience and required claims are held to', async () => {
  const filter = await verifying({
    issuer: 'https://login.example',
    audience: 'shop',
    required: 'sub, tenant.id',
    leeway: 5,
  })
  const good = { iss: 'https://login.example', aud: ['web', 'shop'], sub: 'ada', tenant: { id: 7 } }
  const of = (changes: object) => filter.request(bearer(token({ ...good, ...changes })))
  assert.is((await of({})).result, 'next')
  assert.is((await of({ exp: SECONDS - 4, nbf: SECONDS + 5, aud: 'shop' })).result, 'next')
  assertRefused(await of({ exp: SECONDS - 5 }), /not valid now/)
  assertRefused(await of({ exp: 'soon' }), /not valid now/)
  assertRefused(await of({ nbf: SECONDS + 6 }), /not valid now/)
  assertRefused(await of({ iss: 'https://login.example.evil' }), /issuer is wrong/)
  assertRefused(await of({ iss: undefined }), /issuer is wrong/)
  assertRefused(await of({ aud: ['shop2'] }), /meant for somebody else/)
  assertRefused(await of({ aud: { shop: 1 } }), /meant for somebody else/)
  assertRefused(await of({ sub: '' }), /has no sub/)
  assertRefused(await of({ tenant: { id: null } }), /has no tenant\.id/)
})

test('values that no header can hold are percent-encoded, and cannot break out of a list', async () => {
  const filter = await verifying()
  const values = async (claims: object) =>
    (await filter.request(bearer(token(claims)))).request.headers
  assert.is((await values({ sub: 'Ada Löwe\r\nx: 1' })).get('x-user-id'), 'Ada L%C3%B6we%0D%0Ax: 1')
  assert.is((await values({ sub: ' 100% ' })).get('x-user-id'), '%20100%25%20')
  assert.is((await values({ sub: 'a,b' })).get('x-user-id'), 'a,b')
  const roles = ['dev,admin', 'ops', 3, true]
  const header = (await values({ realm_access: { roles } })).get('x-roles')
  assert.is(header, 'dev%2Cadmin,ops,3,true')
  assert.equal(header?.split(',').map(decodeURIComponent), roles.map(String))
  assert.is((await values({ sub: { a: 1 } })).get('x-user-id'), null)
  assert.is((await values({ sub: null })).get('x-user-id'), null)
  assert.is((await values({ realm_access: { roles: [['a']] } })).get('x-roles'), null)
})

test('a claim may be called like a path', async () => {
  const filter = await verifying({ claims: 'https://shop.example/roles => x-roles' })
  const run = await filter.request(bearer(token({ 'https://shop.example/roles': ['a'] })))
  assert.is(run.request.headers.get('x-roles'), 'a')
})

test('behind a Validator the signature is not looked at, two tokens and none are refused', async () => {
  const filter = await trusting({ cookie: 'sid' })
  const ada = token({ sub: 'ada' }, { alg: 'RS256' }, Buffer.from('anything'))
  const root = token({ sub: 'root' }, { alg: 'RS256' }, Buffer.from('anything'))
  const user = async (headers: Record<string, string | string[]>) =>
    await filter.request({ headers })
  const authorization = `Bearer ${ada}`
  assert.is((await user({ authorization })).request.headers.get('x-user-id'), 'ada')
  assert.is((await user({ cookie: `a=1; sid=${ada}` })).request.headers.get('x-user-id'), 'ada')
  const twice = [
    { authorization: [authorization, `Bearer ${root}`] },
    { authorization, cookie: `sid=${root}` },
    { cookie: `sid=${ada}; sid=${root}` },
    { cookie: [`sid=${ada}`, `sid=${root}`] },
    // A reader that is less strict about names would take the first of these.
    { cookie: `sid =${ada}; sid=${root}` },
    { cookie: `sid\u00a0=${ada}; sid=${root}` },
    { authorization, cookie: `sid=""; sid=${root}` },
  ]
  for (const headers of twice) assertRefused(await user(headers), /there are two tokens/)
  assertRefused(await user({ authorization: `Bearer ${token({}, { alg: 'nOnE' })}` }), /not signed/)
  assertRefused(await user({}), /a token is needed/)
})

test('the gateway verifies with a key that the filter never has, by the algorithm of the key', async () => {
  for (const algorithm of ['RS256', 'ES256', 'EdDSA', 'HS512'] as const) {
    const signer = tokenSigner(algorithm)
    const filter = await loadFilter(new URL('.', import.meta.url), {
      parameters: { claims: CLAIMS, required: 'sub', issuer: 'https://login.example', leeway: 5 },
      keys: { token: signer.spec },
      now: NOW,
    })
    const good = { sub: 'ada', iss: 'https://login.example', exp: SECONDS + 1 }
    const of = (changes: object, header?: object) =>
      filter.request(bearer(signer.token({ ...good, ...changes }, header)))
    const run = await of({})
    assert.is(run.result, 'next', run.reply?.text())
    assert.equal(run.requestChanges, ['+ x-user-id: ada'])
    assertRefused(await of({ exp: SECONDS - 5 }), /has expired/)
    assertRefused(await of({ nbf: SECONDS + 6 }), /not valid yet/)
    assertRefused(await of({ iss: 'elsewhere' }), /issuer is wrong/)
    assertRefused(await of({ sub: undefined }), /has no sub/)
    assertRefused(await of({}, { alg: 'none' }), /another algorithm/)
    assertRefused(await of({}, { alg: 'HS256' }), /another algorithm/)
    assertRefused(await of({}, { alg: algorithm, crit: ['exp'] }), /critical extensions/)
    const other = await filter.request(bearer(token(good, { alg: algorithm })))
    assertRefused(other, /the signature is wrong/)
    const forged = signer.token(good).replace(/\.[^.]+\./, `.${part({ ...good, sub: 'root' })}.`)
    assertRefused(await filter.request(bearer(forged)), /the signature is wrong/)
    assertRefused(await filter.request(bearer('a.b.c')), /this is no token/)
    assertRefused(await filter.request(bearer('x'.repeat(17_000))), /the token is too long/)
  }
})

test('one of three verifies, and a key that is not granted is none', async () => {
  const { spec } = tokenSigner('ES256')
  const open = (parameters: Parameters, keys: string[]) =>
    loadFilter(new URL('.', import.meta.url), {
      parameters: { claims: CLAIMS, ...parameters },
      keys: { token: spec },
      grant: { keys },
    })
  const messageOf = (opened: Promise<TestFilter>): Promise<string> =>
    opened.then(
      () => '',
      (error: Error) => error.message,
    )
  assert.is(await messageOf(open({}, ['token'])), '')
  assert.match(await messageOf(open({ verifiedBy: 'validator' }, ['token'])), 'one of them')
  assert.match(await messageOf(open({ secret: KEY.toString('hex') }, ['token'])), 'one of them')
  assert.match(await messageOf(open({}, [])), 'one of them must say who verifies')
})

test('the token is taken out when the upstream shall not have it', async () => {
  const filter = await verifying({ cookie: 'sid', keepToken: false, claims: 'sub => x-user-id' })
  const text = token({ sub: 'ada' })
  const one = await filter.request({ headers: { cookie: `a=1; sid=${text}` } })
  assert.equal(one.request.headers.all('cookie'), ['a=1'])
  const other = await filter.request(bearer(text))
  assert.equal(other.request.headers.all('authorization'), [])
})

test('memory does not grow with the number of requests', async () => {
  const filter = await verifying()
  const leak = await filter.leakCheck((i) => bearer(token({ sub: `user ${i}` })))
  assert.not.ok(leak.isLeaking, JSON.stringify(leak))
})
