import {
  createHash,
  createHmac,
  createSign,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { hash } from 'bcryptjs'
import { exportJWK } from 'jose'
import { z } from '../../host/config/schema.ts'
import { makeRequest } from '../../host/exchange/request.ts'
import { Signer } from '../../host/filters/signature/signer.ts'
import { signerFields } from '../../host/filters/signature/signer-spec.ts'
import { Cleanup, startUpstream, until } from '../support/gateway.ts'
import { accessLines, refusal, startPipeline } from '../support/pipeline.ts'
import { pair } from '../support/pki.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/validator')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const filters = (fields: string, upstream: string): string => `
- name: check
  kind: Validator
${fields.replace(/^/gm, '  ')}
- { name: proxy, kind: Proxy, pools: [{ servers: [{ url: ${upstream} }] }] }`

async function start(fields: string, files: Record<string, string> = {}) {
  const upstream = await startUpstream(cleanup)
  return startPipeline(cleanup, filters(fields, upstream.url), '', files)
}

const hex = (data: string | Buffer): string => Buffer.from(data).toString('hex')
const base64url = (data: string | Buffer): string => Buffer.from(data).toString('base64url')

function token(alg: string, payload: object, signature: (text: string) => Buffer): string {
  const text = `${base64url(JSON.stringify({ alg, typ: 'JWT', kid: 'one' }))}.${base64url(JSON.stringify(payload))}`
  return `${text}.${base64url(signature(text))}`
}

const hmacToken = (secret: string, payload: object, bits = 256): string =>
  token(`HS${bits}`, payload, (text) => createHmac(`sha${bits}`, secret).update(text).digest())

const bearer = (value: string): { headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${value}` },
})

const inAnHour = (): number => Math.floor(Date.now() / 1000) + 3600

test('headers must have an allowed value, else 400', async () => {
  const { get } = await start(
    'headers:\n  X-Kind: { values: [a, b] }\n  X-Id: { regexp: "^[0-9]+$" }',
  )
  assert.is((await get('/', { headers: { 'x-kind': 'b', 'x-id': '12' } })).status, 200)
  assert.is((await get('/', { headers: { 'x-kind': 'c', 'x-id': '12' } })).status, 400)
  assert.is((await get('/', { headers: { 'x-kind': 'a' } })).status, 400)
})

test('the result is invalid and can jump; the log says why, the client does not learn it', async () => {
  const gateway = await startPipeline(
    cleanup,
    `- { name: check, kind: Validator, headers: { X-A: { values: [a] } } }
- { name: mock, kind: Mock, rules: [{ code: 299 }] }`,
    '- { filter: check, jumpIf: { invalid: mock } }\n- filter: END\n- filter: mock',
  )
  assert.is((await gateway.get('/')).status, 299)
  assert.match(String(accessLines(gateway)[0]?.['tags']), 'check: headers: the header x-a')
})

test('takes a JWT with the configured secret and algorithm only', async () => {
  for (const bits of [256, 384, 512]) {
    const secret = `secret of ${bits} bits`.padEnd(64, '.')
    const { get } = await start(
      `jwt: { algorithm: HS${bits}, secret: "${hex(secret)}", cookieName: auth }`,
    )
    const good = hmacToken(secret, { exp: inAnHour() }, bits)
    assert.is((await get('/', bearer(good))).status, 200)
    assert.is((await get('/', { headers: { cookie: `auth=${good}` } })).status, 200)
    const wrong = [
      hmacToken('another', { exp: inAnHour() }, bits),
      hmacToken(secret, { exp: 1 }, bits),
      hmacToken(secret, { nbf: inAnHour() }, bits),
      hmacToken(secret, { exp: inAnHour() }, bits === 256 ? 512 : 256),
      token('none', { exp: inAnHour() }, () => Buffer.alloc(0)),
      'no.token.atall',
      `${good}x`,
      'x'.repeat(20_000),
    ]
    for (const value of wrong) {
      const answer = await get('/', bearer(value))
      assert.is(answer.status, 401, value.slice(0, 40))
      assert.is(answer.headers['www-authenticate'], 'Bearer')
    }
    assert.is((await get('/')).status, 401)
  }
})

function signerOf(alg: string, key: KeyObject): (text: string) => Buffer {
  if (alg === 'EdDSA') return (text) => sign(null, Buffer.from(text), key)
  const hash = `sha${alg.slice(2)}`
  if (alg.startsWith('RS')) return (text) => createSign(hash).update(text).sign(key)
  return (text) => createSign(hash).update(text).sign({ key, dsaEncoding: 'ieee-p1363' })
}

const CURVES: Readonly<Record<string, string>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
}

function keysOf(alg: string): { publicKey: KeyObject; privateKey: KeyObject } {
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519')
  if (alg.startsWith('RS')) return generateKeyPairSync('rsa', { modulusLength: 2048 })
  return generateKeyPairSync('ec', { namedCurve: CURVES[alg] ?? '' })
}

test('takes a JWT signed with a private key, by every algorithm', async () => {
  for (const alg of ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
    const { publicKey, privateKey } = keysOf(alg)
    const pem = String(publicKey.export({ type: 'spki', format: 'pem' }))
    const { get } = await start(`jwt: { algorithm: ${alg}, publicKey: "${hex(pem)}" }`)
    const good = token(alg, { exp: inAnHour() }, signerOf(alg, privateKey))
    assert.is((await get('/', bearer(good))).status, 200, alg)
    const other = token(alg, { exp: inAnHour() }, signerOf(alg, keysOf(alg).privateKey))
    assert.is((await get('/', bearer(other))).status, 401, alg)
    // The public key must not be taken for a secret.
    assert.is((await get('/', bearer(hmacToken(pem, { exp: inAnHour() })))).status, 401, alg)
  }
})

test('takes keys from a set behind a URL, and asks for who the token is from and for', async () => {
  const { publicKey, privateKey } = keysOf('ES256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }
  let isUp = false
  const server = await startUpstream(cleanup, (_, outgoing) => {
    outgoing.statusCode = isUp ? 200 : 500
    outgoing.end(JSON.stringify({ keys: [jwk] }))
  })
  const { get } = await start(
    `jwt: { algorithm: ES256, jwksUrl: "${server.url}/keys", issuer: me, audience: you }`,
  )
  const signed = (payload: object): string => token('ES256', payload, signerOf('ES256', privateKey))
  const good = signed({ exp: inAnHour(), iss: 'me', aud: 'you' })
  assert.is((await get('/', bearer(good))).status, 401)
  isUp = true
  await until(async () => (await get('/', bearer(good))).status === 200, 'keys are there', 15_000)
  assert.is((await get('/', bearer(signed({ exp: inAnHour(), iss: 'me', aud: 'x' })))).status, 401)
  assert.is((await get('/', bearer(signed({ exp: inAnHour(), aud: 'you' })))).status, 401)
  assert.ok(server.requests.length <= 3)
})

test('asks an authorization server about a token and passes on who it is', async () => {
  const forms: string[] = []
  const server = await startUpstream(cleanup, (incoming, outgoing) => {
    incoming.on('data', (chunk: Buffer) => forms.push(chunk.toString()))
    incoming.on('end', () => {
      const isGood = forms.at(-1)?.startsWith('token=good&')
      outgoing.end(JSON.stringify({ active: isGood, sub: 'user-1', scope: 'read write' }))
    })
  })
  const { get } = await start(
    `oauth2:\n  tokenIntrospect: { endPoint: "${server.url}/introspect", clientId: me, clientSecret: "s&t" }`,
  )
  const answer = await get('/', {
    headers: { authorization: 'Bearer good', 'x-authenticated-userid': 'forged' },
  })
  assert.is(JSON.parse(answer.body).headers['x-authenticated-userid'], 'user-1')
  assert.is(JSON.parse(answer.body).headers['x-authenticated-scope'], 'read write')
  assert.is(forms[0], 'token=good&client_id=me&client_secret=s%26t')
  assert.is((await get('/', bearer('bad'))).status, 401)
  assert.is((await get('/')).status, 401)
})

test('an authorization server that cannot be understood lets nobody in', async () => {
  for (const reply of ['no json', '[]', '{"active": "true"}', '{"active": true']) {
    const server = await startUpstream(cleanup, (_, outgoing) => void outgoing.end(reply))
    const { get } = await start(`oauth2: { tokenIntrospect: { endPoint: "${server.url}" } }`)
    assert.is((await get('/', bearer('good'))).status, 401, reply)
  }
})

test('the certificate of an authorization server is checked, unless insecureTls says otherwise', async () => {
  const server = createTlsServer(pair('localhost'), (_, outgoing) => {
    outgoing.end(JSON.stringify({ active: true, sub: 'user-3' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup.add(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  const introspect = (rest: string): string =>
    `oauth2: { tokenIntrospect: { endPoint: "https://localhost:${port}/"${rest} } }`
  const checked = await start(introspect(''))
  assert.is((await checked.get('/', bearer('good'))).status, 401)
  assert.match(String(accessLines(checked).at(-1)?.['tags']), 'certificate')
  const unchecked = await start(introspect(', insecureTls: true'))
  const answer = await unchecked.get('/', bearer('good'))
  assert.is(answer.status, 200)
  assert.is(JSON.parse(answer.body).headers['x-authenticated-userid'], 'user-3')
})

test('takes an OAuth 2 token that is a JWT', async () => {
  const { get } = await start(`oauth2: { jwt: { algorithm: HS256, secret: "${hex('secret')}" } }`)
  const answer = await get('/', bearer(hmacToken('secret', { sub: 'user-2', scope: 'read' })))
  assert.is(JSON.parse(answer.body).headers['x-authenticated-userid'], 'user-2')
  const anonymous = await get('/', {
    headers: {
      authorization: `Bearer ${hmacToken('secret', {})}`,
      'x-authenticated-userid': 'forged',
    },
  })
  assert.is(JSON.parse(anonymous.body).headers['x-authenticated-userid'], undefined)
})

/** Of "geheim é", as `openssl passwd -apr1 -salt abcdefgh` writes it. */
const APR1 = '$apr1$abcdefgh$tCasBFrDQfioM98kTdNDa/'

test('takes users of a file, and reads it again when it changes', async () => {
  const sha = `{SHA}${createHash('sha1').update('geheim é').digest('base64')}`
  const users = `# users\n\nblow:${await hash('geheim é', 4)}\nsha:${sha}\napr:${APR1}\n`
  const gateway = await start('basicAuth: { mode: FILE, userFile: users.txt }', {
    'users.txt': users,
  })
  const { get } = gateway
  const login = (user: string, password: string) =>
    get('/', {
      headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
    })
  for (const user of ['blow', 'sha', 'apr']) {
    const answer = await login(user, 'geheim é')
    assert.is(answer.status, 200, user)
    assert.is(JSON.parse(answer.body).headers['x-auth-user'], user)
    assert.is((await login(user, 'wrong')).status, 401, user)
    assert.is((await login(user, 'geheim é')).status, 200, user)
  }
  assert.is((await login('nobody', 'geheim é')).status, 401)
  const refused = await get('/')
  assert.is(refused.headers['www-authenticate'], 'Basic realm="check"')
  assert.is((await get('/', { headers: { authorization: 'Basic !!!' } })).status, 401)

  await gateway.write('users.txt', `new:${sha}\n`)
  await gateway.gateway.reload()
  assert.is((await login('new', 'geheim é')).status, 200)
  assert.is((await login('sha', 'geheim é')).status, 401)
  // A file that cannot be used changes nothing.
  await gateway.write('users.txt', 'plain:password\n')
  await gateway.gateway.reload()
  assert.is((await login('new', 'geheim é')).status, 200)
})

test('a file of users must be there and hold hashes that are safe to use', async () => {
  for (const [content, reason] of [
    ['plain:password\n', 'line 1: a hash that is neither bcrypt, {SHA} nor $apr1$'],
    ['no colon\n', 'line 1: not USER:HASH'],
    [null, 'no such file'],
  ] as const) {
    const files = content === null ? {} : { 'users.txt': content }
    const { gateway } = await start('basicAuth: { userFile: users.txt }', files)
    const status = gateway.control.status().find(({ name }) => name === 'main')
    assert.is(status?.state, 'failed')
    assert.ok(String(status?.error).includes(reason), String(status?.error))
  }
})

const SPEC = z.strictObject(signerFields())

function signed(
  init: Parameters<typeof makeRequest>[0],
  body: string,
  spec: object = {},
  nowMs = Date.now(),
): Record<string, string> {
  const request = makeRequest(init)
  const signer = new Signer(SPEC.parse({ accessKeyId: 'id', accessKeySecret: 'key', ...spec }))
  signer.sign(request, Buffer.from(body), ['region', 'service'], nowMs)
  const headers: Record<string, string> = {}
  for (let i = 0; i < request.headers.list.length; i += 2) {
    headers[request.headers.list[i] as string] = request.headers.list[i + 1] as string
  }
  return headers
}

test('takes a request that is signed, unchanged and recent', async () => {
  const { get } = await start('signature: { accessKeys: { id: key } }')
  const init = {
    method: 'POST',
    target: '/a%20b/é?z=1&a=x%20y',
    host: 'h.example',
    headers: ['X-A', ' b  c '],
  }
  const target = encodeURI('/a%20b/é?z=1&a=x%20y').replaceAll('%25', '%')
  const headers = { ...signed({ ...init, target }, 'body'), host: 'h.example', connection: 'close' }
  const send = (change: { path?: string; body?: string; headers?: Record<string, string> } = {}) =>
    get(change.path ?? target, {
      method: 'POST',
      body: change.body ?? 'body',
      headers: { ...headers, ...change.headers },
    })
  assert.is((await send()).status, 200)
  assert.is((await send({ body: 'changed' })).status, 401)
  assert.is((await send({ path: '/other' })).status, 401)
  assert.is((await send({ headers: { 'x-a': 'other' } })).status, 401)
  assert.is((await send({ headers: { host: 'other.example' } })).status, 401)
  assert.is((await get('/')).status, 401)
  const old = signed({ ...init, target }, 'body', {}, Date.now() - 16 * 60_000)
  assert.is((await send({ headers: old })).status, 401)
  const unknown = signed({ ...init, target }, 'body', { accessKeyId: 'other' })
  assert.is((await send({ headers: unknown })).status, 401)
})

test('RequestAdaptor signs what a Validator with the same key takes', async () => {
  const upstream = await startUpstream(cleanup)
  const validated = await startPipeline(
    cleanup,
    filters(
      'signature:\n  accessKeys: { id: key }\n  literal: { scopeSuffix: aws4_request, algorithmName: X-Amz-Algorithm, algorithmValue: AWS4-HMAC-SHA256, signedHeaders: X-Amz-SignedHeaders, signature: X-Amz-Signature, date: X-Amz-Date, expires: X-Amz-Expires, credential: X-Amz-Credential, contentSha256: X-Amz-Content-Sha256, signingKeyPrefix: AWS4 }\n  ignoredHeaders: [X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, Connection]',
      upstream.url,
    ),
  )
  const { get } = await startPipeline(
    cleanup,
    `
- name: sign
  kind: RequestAdaptor
  host: 127.0.0.1:${validated.port}
  sign: { apiProvider: aws4, accessKeyId: id, accessKeySecret: key, scopes: [us-east-2, translate] }
- { name: proxy, kind: Proxy, pools: [{ servers: [{ url: "http://127.0.0.1:${validated.port}" }] }] }`,
  )
  const answer = await get('/x?b=2&a=1', { method: 'POST', body: 'text' })
  assert.is(answer.status, 200, answer.body)
  const { headers } = JSON.parse(answer.body)
  assert.match(
    headers.authorization,
    /^AWS4-HMAC-SHA256 Credential=id\/\d{8}\/us-east-2\/translate\/aws4_request, /,
  )
})

test('something must be checked, and keys must be usable', async () => {
  const one = async (fields: string): Promise<string> =>
    (await refusal(cleanup, `- { name: v, kind: Validator, ${fields} }`)).join('; ')
  assert.match(await one(''), 'a Validator needs one of `headers`, `jwt`, `signature`, `oauth2`')
  assert.match(await one('jwt: { algorithm: HS256 }'), 'HS256 needs `secret`')
  assert.match(await one('jwt: { algorithm: HS257 }'), '`algorithm` takes one of "HS256"')
  assert.match(
    await one('jwt: { algorithm: HS256, secret: xyz }'),
    '`secret` must be written in hex',
  )
  assert.match(
    await one('jwt: { algorithm: RS256, publicKey: "00" }'),
    'the public key cannot be read',
  )
  const ec = String(keysOf('ES256').publicKey.export({ type: 'spki', format: 'pem' }))
  assert.match(
    await one(`jwt: { algorithm: RS256, publicKey: "${hex(ec)}" }`),
    'RS256 takes a key of the type rsa, not ec',
  )
  assert.match(await one('signature: {}'), '`signature` needs `accessKeys`')
  assert.match(await one('oauth2: {}'), '`oauth2` needs either `tokenIntrospect` or `jwt`')
  assert.match(
    await one('basicAuth: { mode: LDAP, userFile: x }'),
    'ETCD and LDAP are not supported yet',
  )
  assert.match(await one('headers: { X-A: {} }'), '`X-A` needs `values` or `regexp`')
})
