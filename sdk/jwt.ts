import * as base64 from './base64.ts'
import { keyBytes, keyLength } from './buffer.ts'
import { ABSENT, refused, TOO_LARGE } from './host-error.ts'
import { parse } from './json.ts'
import { Json } from './json-value.ts'
import { jwt_key, jwt_verify } from './penstock_v1.ts'
import { refuse } from './problems.ts'
import { Request } from './request.ts'
import { Text } from './text.ts'

/*
 * JSON Web Tokens (RFC 7519). `key(…).verify(text)` has the gateway verify one, with a key that the operator
 * gives under `keys:` and the filter never sees. `read` verifies nothing: whoever sent the request wrote every
 * byte. Trust a claim only when one of the two, or a filter before this one, has checked the signature.
 */

/** Bytes a token may have. */
export const MAX_BYTES: i32 = 16 * 1024

/** A token as it says of itself. */
@final
export class Token {
  /** The header, for instance `token.header.get('kid').text()`. */
  readonly header: Json
  /** The claims, for instance `token.claims.get('sub').text()`. */
  readonly claims: Json
  /** What the signature was made of. */
  readonly signed: Text
  readonly signature: Text

  /** Made by the SDK: use `jwt.read`. */
  constructor(header: Json, claims: Json, signed: Text, signature: Text) {
    this.header = header
    this.claims = claims
    this.signed = signed
    this.signature = signature
  }

  /**
   * Is it valid at this moment, as `exp` and `nbf` have it? A token without them always is. `leeway` is how
   * far clocks may differ, in seconds.
   *
   *     if (!token.isCurrent(now())) return reply(401, 'the token has expired')
   */
  isCurrent(nowMs: i64, leeway: i64 = 60): bool {
    const seconds = <f64>nowMs / 1000
    const expires = this.claims.get('exp')
    const starts = this.claims.get('nbf')
    if (!expires.isMissing && !(seconds < expires.number() + <f64>leeway)) return false
    return starts.isMissing || seconds >= starts.number() - <f64>leeway
  }
}

/**
 * The token of a request that brings one as `authorization: Bearer …`, or null.
 *
 *     const text = jwt.bearer(request)
 *     const token = text === null ? null : jwt.read(text)
 */
export function bearer(request: Request): Text | null {
  const value = request.headers.get('authorization')
  if (value === null || value.length < 8) return null
  if (!value.slice(0, 7).equalsIgnoreCase('Bearer ')) return null
  return value.slice(7).trim()
}

/**
 * What a token says, unverified, or null when it is none: three parts in Base64, the first two JSON objects.
 *
 *     if (token !== null) request.headers.set('x-user', token.claims.get('sub').text())
 */
export function read(text: Text): Token | null {
  if (text.length > MAX_BYTES) return null
  const parts = text.split('.')
  if (parts.length != 3) return null
  const header = objectIn(parts[0])
  const claims = objectIn(parts[1])
  const signature = base64.decode(parts[2])
  if (header === null || claims === null || signature === null) return null
  return new Token(header, claims, text.slice(0, parts[0].length + 1 + parts[1].length), signature)
}

/** A key of the operator's, which the gateway verifies tokens with. Made by `jwt.key`. */
@final
export class Key {
  /** Why the token that was verified last is none to trust; "" when it is one. */
  problem: string = ''
  private name: string

  /** Made by the SDK: use `jwt.key`. */
  constructor(name: string) {
    this.name = name
  }

  /**
   * The token when its signature is that of this key, by the algorithm of the key and no other, and `exp` and
   * `nbf` have it valid now; else null, and `problem` says why. `leeway` is how far clocks may differ, in
   * seconds, at most a day. Who issued it and for whom is yours to look at.
   *
   *     const token = this.key.verify(text)
   *     if (token === null) return reply(401, this.key.problem)
   */
  verify(text: Text, leeway: i32 = 60): Token | null {
    const name = keyBytes(this.name)
    const verdict = jwt_verify(name, keyLength, changetype<usize>(text), text.length, leeway)
    // A token is the client's: that it is long is no mistake of the filter's.
    if (verdict < 0 && verdict != TOO_LARGE) refused(verdict, `key "${this.name}"`)
    this.problem = problemOf(verdict)
    if (verdict != 0) return null
    const token = read(text)
    if (token === null) this.problem = problemOf(MALFORMED)
    return token
  }
}

/**
 * The key of this name, for a field: without it the filter does not start. The name is a literal:
 * `penstock build` writes it into the module as what it asks for.
 *
 *     private key: jwt.Key = jwt.key('login')
 */
export function key(name: string): Key {
  if (!hasKey(name)) refuse(`key "${name}" is missing, or not granted`)
  return new Key(name)
}

/** Does the operator give a key of this name? */
export function hasKey(name: string): bool {
  const bytes = keyBytes(name)
  const code = jwt_key(bytes, keyLength)
  if (code < 0 && code != ABSENT) refused(code, `key "${name}"`)
  return code == 0
}

const MALFORMED: i32 = 1

function problemOf(verdict: i32): string {
  switch (verdict) {
    case 0:
      return ''
    case 2:
      return 'the token is signed with another algorithm'
    case 3:
      return 'the signature is wrong'
    case 4:
      return 'the token has expired'
    case 5:
      return 'the token is not valid yet'
    case 6:
      return 'the token has critical extensions'
    case TOO_LARGE:
      return 'the token is too long'
    default:
      return 'this is no token'
  }
}

function objectIn(part: Text): Json | null {
  const bytes = base64.decode(part)
  if (bytes === null) return null
  const value = parse(bytes)
  if (value === null) return null
  return value.isObject ? value : null
}
