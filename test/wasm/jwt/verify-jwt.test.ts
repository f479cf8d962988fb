import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { SignJWT } from 'jose'
import { JWT_ALGORITHMS, type JwtKey, readJwtKey } from '../../../host/wasm/jwt/jwt-key.ts'
import { Verdict, verifyJwt } from '../../../host/wasm/jwt/verify-jwt.ts'
import { assert, suite } from '../../support/suite.ts'
import { type TokenSigner, tokenPart, tokenSigner } from '../../support/tokens.ts'

const test = suite('wasm/jwt/verify-jwt', { timeoutMs: 120_000 })

const NOW = Date.UTC(2026, 10, 22, 12)
const SECONDS = NOW / 1000

const signers = new Map(JWT_ALGORITHMS.map((algorithm) => [algorithm, tokenSigner(algorithm)]))
const hs256 = signers.get('HS256') as TokenSigner
const keyOf = ({ spec }: TokenSigner): JwtKey =>
  readJwtKey(spec.algorithm, spec.secret || spec.publicKey)
const check = (token: string, key = keyOf(hs256), leeway = 0): Verdict =>
  verifyJwt(token, key, NOW, leeway)

test('a token of each algorithm is good with its key, and with no other key of the kind', () => {
  assert.is(signers.size, 10)
  for (const signer of signers.values()) {
    const token = signer.token({ sub: 'ada', exp: SECONDS + 1 })
    assert.is(check(token, keyOf(signer)), Verdict.valid, signer.algorithm)
    if (signer.algorithm.startsWith('HS')) continue
    const other = keyOf(tokenSigner(signer.algorithm))
    assert.is(check(token, other), Verdict.signature, signer.algorithm)
  }
})

test('what another library has signed is good too', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const token = await new SignJWT({ sub: 'größe' })
    .setProtectedHeader({ alg: 'ES384', typ: 'JWT' })
    .setNotBefore(SECONDS)
    .sign(createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })))
  assert.is(check(token, readJwtKey('ES384', pem)), Verdict.valid)
})

test('the key decides the algorithm: any other a token names is refused, and none of all', () => {
  for (const signer of signers.values()) {
    for (const alg of [...JWT_ALGORITHMS, 'none', 'None', '', 256, null, ['HS256']]) {
      if (alg === signer.algorithm) continue
      const verdict = check(signer.token({}, { alg }), keyOf(signer))
      assert.is(verdict, Verdict.algorithm, `${signer.algorithm} ${alg}`)
    }
    const unsigned = `${tokenPart({ alg: 'none' })}.${tokenPart({})}.`
    assert.is(check(unsigned, keyOf(signer)), Verdict.algorithm)
    assert.is(check(signer.token({}, {}), keyOf(signer)), Verdict.algorithm)
  }
})

test('a public key is never taken for a secret', () => {
  const rs256 = signers.get('RS256') as TokenSigner
  const pem = Buffer.from(rs256.spec.publicKey)
  const forged = `${tokenPart({ alg: 'HS256' })}.${tokenPart({ sub: 'root' })}`
  assert.is(check(`${forged}.${pem.toString('base64url')}`, keyOf(rs256)), Verdict.algorithm)
})

test('one changed bit anywhere makes it no token of the key', () => {
  for (const signer of signers.values()) {
    const key = keyOf(signer)
    const token = signer.token({ sub: 'ada' })
    const [header = '', claims = '', signature = ''] = token.split('.')
    const forged = `${header}.${tokenPart({ sub: 'root' })}.${signature}`
    assert.is(check(forged, key), Verdict.signature, signer.algorithm)
    const bytes = Buffer.from(signature, 'base64url')
    for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      const verdict = check(`${header}.${claims}.${changed.toString('base64url')}`, key)
      assert.is(verdict, Verdict.signature, `${signer.algorithm} ${at}`)
    }
  }
})

test('a signature of any length and content is refused, and nothing is thrown', () => {
  const sizes = [0, 1, 31, 32, 33, 63, 64, 65, 96, 131, 132, 256, 512, 2_000]
  for (const signer of signers.values()) {
    const signed = `${tokenPart({ alg: signer.algorithm })}.${tokenPart({})}`
    for (const size of sizes) {
      for (const bytes of [randomBytes(size), Buffer.alloc(size), Buffer.alloc(size, 0xff)]) {
        const verdict = check(`${signed}.${bytes.toString('base64url')}`, keyOf(signer))
        assert.is(verdict, Verdict.signature, `${signer.algorithm} ${size}`)
      }
    }
  }
})

test('exp and nbf are held against the clock, with leeway', () => {
  const of = (claims: object, leeway = 0): Verdict =>
    check(hs256.token(claims), keyOf(hs256), leeway)
  assert.is(of({}), Verdict.valid)
  assert.is(of({ exp: SECONDS + 1, nbf: SECONDS }), Verdict.valid)
  assert.is(of({ exp: SECONDS }), Verdict.expired)
  assert.is(of({ exp: SECONDS - 59 }, 60), Verdict.valid)
  assert.is(of({ exp: SECONDS - 60 }, 60), Verdict.expired)
  assert.is(of({ nbf: SECONDS + 1 }), Verdict.early)
  assert.is(of({ nbf: SECONDS + 60 }, 60), Verdict.valid)
  assert.is(of({ nbf: SECONDS + 61 }, 60), Verdict.early)
  assert.is(of({ exp: SECONDS + 0.5 }), Verdict.valid)
  for (const time of ['soon', null, true, [SECONDS + 9], {}]) {
    assert.is(of({ exp: time }), Verdict.malformed, `exp ${JSON.stringify(time)}`)
    assert.is(of({ nbf: time }), Verdict.malformed, `nbf ${JSON.stringify(time)}`)
  }
})

test('what is no token is said to be none', () => {
  const good = hs256.token({ sub: 'ada' })
  const [header = '', claims = '', signature = ''] = good.split('.')
  const others = [
    '',
    '..',
    'a.b',
    `${good}.`,
    `${good}.${signature}`,
    ` ${good}`,
    `${good}\n`,
    `${header}.${claims}.${signature}=`,
    `${header}.${claims}.${signature.replace(/.$/, '+')}`,
    // The last letter of 32 bytes has two bits to spare, which are 0.
    `${header}.${claims}.${signature.slice(0, -1)}${nextLetter(signature.at(-1) ?? '')}`,
    hs256.token([] as object),
    `${tokenPart([])}.${claims}.${signature}`,
    `${tokenPart('HS256')}.${claims}.${signature}`,
    `${tokenPart(null)}.${claims}.${signature}`,
    `${Buffer.from('{"alg":"HS256"').toString('base64url')}.${claims}.${signature}`,
  ]
  for (const token of others) assert.is(check(token), Verdict.malformed, token)
})

function nextLetter(letter: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return letters[letters.indexOf(letter) + 1] ?? ''
}

test('an extension that is critical is not known here', () => {
  const header = { alg: 'HS256', crit: ['exp'] }
  assert.is(check(hs256.token({}, header)), Verdict.critical)
  // What everybody inherits is no member of the header.
  assert.is(check(hs256.token({}, { alg: 'HS256', kid: '7' })), Verdict.valid)
})
