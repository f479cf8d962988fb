import { constants, createHmac, timingSafeEqual, verify } from 'node:crypto'
import type { JwtKey } from './jwt-key.ts'

/** What became of a token, in the numbering of sdk/ABI.md. */
export const Verdict = {
  valid: 0,
  malformed: 1,
  algorithm: 2,
  signature: 3,
  expired: 4,
  early: 5,
  critical: 6,
} as const
export type Verdict = (typeof Verdict)[keyof typeof Verdict]

/** Three parts of base64url without padding (RFC 7515, section 7.1); the first two not empty. */
const COMPACT = /^([\w-]+)\.([\w-]+)\.([\w-]*)$/

/**
 * Verifies a token (RFC 7515 and 7519) with one key. Synchronous, since a guest waits for it in the middle of
 * a call. The token's `alg` must be the key's, `exp` and `nbf` are held against `nowMs` with so many seconds
 * of leeway, and an extension that is critical is one this host does not know. Nothing a token says is
 * looked at before its signature, but for the header, which says what is refused.
 */
export function verifyJwt(
  token: string,
  key: JwtKey,
  nowMs: number,
  leewaySeconds: number,
): Verdict {
  const parts = COMPACT.exec(token)
  if (parts === null) return Verdict.malformed
  const [, headerPart = '', claimsPart = '', signaturePart = ''] = parts
  const header = objectIn(headerPart)
  if (header === null) return Verdict.malformed
  if (header['alg'] !== key.algorithm) return Verdict.algorithm
  if (Object.hasOwn(header, 'crit')) return Verdict.critical
  const signature = Buffer.from(signaturePart, 'base64url')
  // Spare bits at the end that are not 0 would make two tokens of one.
  if (signature.toString('base64url') !== signaturePart) return Verdict.malformed
  const signed = Buffer.from(token.slice(0, headerPart.length + 1 + claimsPart.length), 'latin1')
  if (!isSignature(signature, signed, key)) return Verdict.signature
  const claims = objectIn(claimsPart)
  if (claims === null) return Verdict.malformed
  const { exp, nbf } = claims
  if (!isTime(exp) || !isTime(nbf)) return Verdict.malformed
  const seconds = nowMs / 1000
  if (exp !== undefined && !(seconds < exp + leewaySeconds)) return Verdict.expired
  return nbf === undefined || seconds >= nbf - leewaySeconds ? Verdict.valid : Verdict.early
}

function isSignature(signature: Buffer, signed: Buffer, { method, key }: JwtKey): boolean {
  switch (method.kind) {
    case 'hmac': {
      const wanted = createHmac(method.hash ?? '', key)
        .update(signed)
        .digest()
      return wanted.length === signature.length && timingSafeEqual(wanted, signature)
    }
    case 'rsa':
      return verify(method.hash, signed, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
    case 'ec':
      // RFC 7518, section 3.4: both numbers one after the other, not in DER.
      return verify(method.hash, signed, { key, dsaEncoding: 'ieee-p1363' }, signature)
    case 'ed25519':
      return verify(null, signed, key, signature)
  }
}

function isTime(value: unknown): value is number | undefined {
  return value === undefined || typeof value === 'number'
}

/** The JSON object a part holds, or null. */
function objectIn(part: string): Record<string, unknown> | null {
  const text = Buffer.from(part, 'base64url').toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // What the parser would say is in a stranger's hands; that it is no object is all there is to know.
    return null
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Record<string, unknown>) : null
}
