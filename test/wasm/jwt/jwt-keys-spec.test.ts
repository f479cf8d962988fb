import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { JWT_ALGORITHMS, readJwtKey } from '../../../host/wasm/jwt/jwt-key.ts'
import { jwtKeysSpec } from '../../../host/wasm/jwt/jwt-keys-spec.ts'
import { assert, suite } from '../../support/suite.ts'
import { tokenSigner } from '../../support/tokens.ts'

const test = suite('wasm/jwt/jwt-keys-spec')

/** What is said against keys, or "". */
function problems(keys: unknown): string {
  const parsed = jwtKeysSpec.safeParse(keys)
  const issues = parsed.success ? [] : parsed.error.issues
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
}

const pem = (key: KeyObject, type: 'spki' | 'pkcs8' = 'spki'): string =>
  key.export({ type, format: 'pem' }).toString()
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength })
const HEX_32 = 'ab'.repeat(32)

test('a key of each algorithm is taken', () => {
  for (const algorithm of JWT_ALGORITHMS) {
    const { spec } = tokenSigner(algorithm)
    assert.is(problems({ login: spec }), '', algorithm)
  }
})

test('a key that does not fit its algorithm is refused, with what would', () => {
  const ec = pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey)
  const { privateKey } = generateKeyPairSync('ed25519')
  const of = (key: object): string => problems({ login: key })
  assert.match(of({ algorithm: 'HS256' }), 'login.secret: HS256 needs `secret`')
  assert.match(of({ algorithm: 'RS256' }), 'login.publicKey: RS256 needs `publicKey`')
  assert.match(
    of({ algorithm: 'HS256', secret: HEX_32.slice(2) }),
    '32 bytes of secret, these are 31',
  )
  assert.match(of({ algorithm: 'HS512', secret: HEX_32 }), 'HS512 wants 64 bytes')
  assert.match(of({ algorithm: 'HS256', secret: 'not hex' }), 'is written in hex')
  assert.match(of({ algorithm: 'HS256', publicKey: ec }), 'takes `secret` in its place')
  assert.match(of({ algorithm: 'RS256', publicKey: ec }), 'a key of the type rsa, not ec')
  assert.match(of({ algorithm: 'ES256', publicKey: ec }), 'curve prime256v1, not secp384r1')
  assert.match(of({ algorithm: 'EdDSA', publicKey: ec }), 'a key of the type ed25519, not ec')
  assert.match(of({ algorithm: 'EdDSA', publicKey: pem(privateKey, 'pkcs8') }), 'a private key')
  assert.match(of({ algorithm: 'RS256', publicKey: 'abc' }), 'cannot be read')
  assert.match(of({ algorithm: 'RS256', publicKey: pem(rsa(1024).publicKey) }), 'this one 1024')
  assert.match(of({ algorithm: 'none' }), 'login.algorithm')
  assert.match(of({ algorithm: 'HS256', secret: HEX_32, kid: '1' }), 'Unrecognized key')
})

test('names are those of secrets, and there are at most 16', () => {
  const key = { algorithm: 'HS256', secret: HEX_32 }
  assert.match(problems({ 'a:b': key }), /Invalid key|a letter/)
  const many = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, key]))
  assert.match(problems(many), 'at most 16 keys')
})

test('a longer RSA key takes the fuel of its longer time', () => {
  const [short, long] = [rsa(2048), rsa(4096)].map(({ publicKey }) =>
    readJwtKey('RS256', pem(publicKey)),
  )
  assert.is(long?.fuel, (short?.fuel ?? 0) * 4)
})
