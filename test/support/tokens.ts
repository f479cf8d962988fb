import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { JwtAlgorithm } from '../../host/wasm/jwt/jwt-key.ts'

/** Whoever signs tokens in a test: both halves of a key, and the one a configuration has. */
export interface TokenSigner {
  readonly algorithm: JwtAlgorithm
  /** As under `keys:` of a filter. */
  readonly spec: { algorithm: JwtAlgorithm; secret: string; publicKey: string }
  /** A token; its header says `alg` unless `header` does. */
  token(claims: object, header?: object): string
  signature(signed: string): Buffer
}

/** A part of a token. */
export const tokenPart = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url')

const CURVES = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const
const SECRET = Buffer.from('0123456789'.repeat(7))

/** A signer of this algorithm with a key of its own, by node:crypto. */
export function tokenSigner(algorithm: JwtAlgorithm): TokenSigner {
  const hash = `sha${algorithm.slice(2)}`
  if (algorithm.startsWith('HS')) {
    const spec = { algorithm, secret: SECRET.toString('hex'), publicKey: '' }
    return signer(spec, (text) => createHmac(hash, SECRET).update(text).digest())
  }
  const { privateKey, publicKey } = keyPair(algorithm)
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  return signer({ algorithm, secret: '', publicKey: pem }, (text) =>
    algorithm === 'EdDSA'
      ? sign(null, Buffer.from(text), privateKey)
      : sign(hash, Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  )
}

function keyPair(algorithm: JwtAlgorithm): { privateKey: KeyObject; publicKey: KeyObject } {
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519')
  if (algorithm === 'ES256' || algorithm === 'ES384' || algorithm === 'ES512') {
    return generateKeyPairSync('ec', { namedCurve: CURVES[algorithm] })
  }
  return generateKeyPairSync('rsa', { modulusLength: 2048 })
}

function signer(spec: TokenSigner['spec'], signature: TokenSigner['signature']): TokenSigner {
  const { algorithm } = spec
  return {
    algorithm,
    spec,
    signature,
    token(claims, header = { alg: algorithm }) {
      const signed = `${tokenPart(header)}.${tokenPart(claims)}`
      return `${signed}.${signature(signed).toString('base64url')}`
    },
  }
}
