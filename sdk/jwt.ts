import * as base64 from './base64.ts'
import { parse } from './json.ts'
import { Json } from './json-value.ts'
import { Request } from './request.ts'
import { Text } from './text.ts'

/*
 * Reading a JSON Web Token (RFC 7519). Nothing here verifies it: whoever sent the request wrote every
 * byte. Trust a claim only behind something that has checked the signature.
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

function objectIn(part: Text): Json | null {
  const bytes = base64.decode(part)
  if (bytes === null) return null
  const value = parse(bytes)
  if (value === null) return null
  return value.isObject ? value : null
}
