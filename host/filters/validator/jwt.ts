import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import type { JSONWebKeySet, JWTPayload } from 'jose'
import { GatewayError, isGatewayError, reasonOf } from '../../errors.ts'
import type { JwtAlgorithm } from '../../wasm/jwt/jwt-key.ts'

export interface JwtRules {
  readonly algorithms: readonly JwtAlgorithm[]
  /** "" takes any. */
  readonly issuer: string
  /** "" takes any. */
  readonly audience: string
}

/** Where the keys come from: one key, or a set that is asked for when it is needed. */
export type JwtKeys = KeyObject | (() => Promise<JSONWebKeySet>)

/** Characters of a token. */
export const MAX_TOKEN_LENGTH = 16 * 1024

/**
 * Verifies a token: signature, algorithm, `exp`, `nbf` and what the rules ask for. Only algorithms that the
 * configuration names are taken: the token does not choose. Answers what it says, or why it is refused.
 */
export async function verifyJwt(
  token: string,
  keys: JwtKeys,
  rules: JwtRules,
): Promise<JWTPayload | string> {
  if (token.length > MAX_TOKEN_LENGTH) return 'the token is too long'
  // Loaded when the first token is verified: most gateways verify none, and it takes 5 MB.
  const { createLocalJWKSet, errors, jwtVerify } = await import('jose')
  const options = {
    algorithms: [...rules.algorithms],
    ...(rules.issuer === '' ? {} : { issuer: rules.issuer }),
    ...(rules.audience === '' ? {} : { audience: rules.audience }),
  }
  try {
    const verified =
      typeof keys === 'function'
        ? await jwtVerify(token, createLocalJWKSet(await keys()), options)
        : await jwtVerify(token, keys, options)
    return verified.payload
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return error.message
    if (isGatewayError(error)) return error.message
    throw error
  }
}

/** The key of a configuration: a secret or a public key in PEM, both written in hex. */
export function readKey(algorithm: JwtAlgorithm, secret: string, publicKey: string): KeyObject {
  if (algorithm.startsWith('HS')) {
    if (secret === '') throw keyError(`${algorithm} needs \`secret\``)
    return createSecretKey(Buffer.from(secret, 'hex'))
  }
  if (publicKey === '') throw keyError(`${algorithm} needs \`publicKey\` or \`jwksUrl\``)
  let key: KeyObject
  try {
    key = createPublicKey(Buffer.from(publicKey, 'hex'))
  } catch (error) {
    throw keyError(`the public key cannot be read: ${reasonOf(error)}`)
  }
  const wanted = algorithm.startsWith('RS') ? 'rsa' : algorithm.startsWith('ES') ? 'ec' : 'ed25519'
  if (key.asymmetricKeyType !== wanted) {
    throw keyError(`${algorithm} takes a key of the type ${wanted}, not ${key.asymmetricKeyType}`)
  }
  return key
}

function keyError(reason: string): GatewayError<'JWT_KEY'> {
  return new GatewayError('JWT_KEY', { reason })
}
