import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { GatewayError, reasonOf } from '../../errors.ts'

/** How one algorithm of RFC 7518 or RFC 8037 verifies, and which keys it takes. */
export interface JwtMethod {
  readonly kind: 'hmac' | 'rsa' | 'ec' | 'ed25519'
  /** What node:crypto calls the hash; null where the algorithm has its own. */
  readonly hash: string | null
  /** For `hmac`: the fewest bytes a secret has (RFC 7518, section 3.2). */
  readonly secretBytes: number
  /** For `ec`: what OpenSSL calls the curve, the only one the algorithm is defined for. */
  readonly curve: string
  /**
   * Fuel of one verification beside its bytes: its nanoseconds on a 2026 EPYC core or some more. Measured: HS256
   * 10 us, RS256 31, ES256 82, EdDSA 182, ES384 790, ES512 1,860.
   */
  readonly fuel: number
}

const method = (
  kind: JwtMethod['kind'],
  hash: string | null,
  fuel: number,
  secretBytes = 0,
  curve = '',
): JwtMethod => ({ kind, hash, fuel, secretBytes, curve })

const METHODS = {
  HS256: method('hmac', 'sha256', 10_000, 32),
  HS384: method('hmac', 'sha384', 10_000, 48),
  HS512: method('hmac', 'sha512', 10_000, 64),
  RS256: method('rsa', 'sha256', 60_000),
  RS384: method('rsa', 'sha384', 60_000),
  RS512: method('rsa', 'sha512', 60_000),
  ES256: method('ec', 'sha256', 150_000, 0, 'prime256v1'),
  ES384: method('ec', 'sha384', 1_000_000, 0, 'secp384r1'),
  ES512: method('ec', 'sha512', 2_000_000, 0, 'secp521r1'),
  EdDSA: method('ed25519', null, 200_000),
} as const satisfies Record<string, JwtMethod>

/** The algorithms a key can be for. */
export type JwtAlgorithm = keyof typeof METHODS
export const JWT_ALGORITHMS = Object.keys(METHODS) as readonly JwtAlgorithm[]

/** Bits of an RSA key: RFC 7518, section 3.3, and what a verification may take of the event loop's time. */
const RSA_BITS = { least: 2_048, most: 8_192 } as const

/** A key and the one algorithm it verifies with: what a token says of its algorithm changes nothing. */
export interface JwtKey {
  readonly algorithm: JwtAlgorithm
  readonly method: JwtMethod
  readonly key: KeyObject
  readonly fuel: number
}

/**
 * Reads a key: for HS256, HS384 and HS512 a secret in hex, for the others a public key or a certificate in
 * PEM. JWT_KEY for one that is too short, too long, of another type or curve, or private.
 */
export function readJwtKey(algorithm: JwtAlgorithm, text: string): JwtKey {
  const found: JwtMethod = METHODS[algorithm]
  if (found.kind === 'hmac') return readSecret(algorithm, found, text)
  const key = readPublicKey(text)
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type !== found.kind)
    throw keyError(`${algorithm} takes a key of the type ${found.kind}, not ${type}`)
  if (found.kind === 'ec' && details?.namedCurve !== found.curve) {
    throw keyError(
      `${algorithm} takes a key of the curve ${found.curve}, not ${details?.namedCurve}`,
    )
  }
  if (found.kind !== 'rsa') return { algorithm, method: found, key, fuel: found.fuel }
  const bits = details?.modulusLength ?? 0
  if (bits < RSA_BITS.least || bits > RSA_BITS.most) {
    throw keyError(`an RSA key has ${RSA_BITS.least} to ${RSA_BITS.most} bits, this one ${bits}`)
  }
  // The time of a verification grows with the square of the key's length.
  const fuel = Math.ceil(found.fuel * (bits / RSA_BITS.least) ** 2)
  return { algorithm, method: found, key, fuel }
}

function readSecret(algorithm: JwtAlgorithm, found: JwtMethod, text: string): JwtKey {
  if (!/^(?:[0-9A-Fa-f]{2})*$/.test(text))
    throw keyError(`the secret of ${algorithm} is written in hex`)
  const bytes = Buffer.from(text, 'hex')
  if (bytes.length < found.secretBytes) {
    throw keyError(
      `${algorithm} wants ${found.secretBytes} bytes of secret, these are ${bytes.length}`,
    )
  }
  return { algorithm, method: found, key: createSecretKey(bytes), fuel: found.fuel }
}

function readPublicKey(text: string): KeyObject {
  // node:crypto would take the public half of it; a gateway has no business with the other.
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw keyError('this is a private key: the gateway takes the public one')
  }
  try {
    return createPublicKey(text)
  } catch (error) {
    throw keyError(`the public key cannot be read: ${reasonOf(error)}`)
  }
}

function keyError(reason: string): GatewayError<'JWT_KEY'> {
  return new GatewayError('JWT_KEY', { reason })
}
