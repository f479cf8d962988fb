import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { reasonOf } from '../../errors.ts'

/** A certificate with what follows it up to its authority, and the key of the first; both PEM. */
export interface CertificatePair {
  /** What a message calls it: the field or the file it comes from. */
  readonly name: string
  readonly cert: string
  readonly key: string
}

/** What is wrong with a text of which `pemOf` makes nothing. */
export const NOT_PEM = 'it is not PEM in base64'

/** PEM that is written in base64, as Easegress wants it, or as it is. Null when it is neither. */
export function pemOf(written: string): string | null {
  if (written.includes('-----BEGIN ')) return written
  const pem = Buffer.from(written, 'base64').toString('latin1')
  return pem.includes('-----BEGIN ') ? pem : null
}

/** Why nobody can be served with `pair`, or null when all is well. */
export function pairProblem(pair: Omit<CertificatePair, 'name'>): string | null {
  const problem = certificateProblem(pair.cert)
  if (problem !== null) return problem
  let key: ReturnType<typeof createPrivateKey>
  try {
    key = createPrivateKey(pair.key)
  } catch (error) {
    return /passphrase|interrupted or cancelled/i.test(reasonOf(error))
      ? 'the private key is encrypted, which is not supported'
      : 'the private key is no private key in PEM'
  }
  if (!new X509Certificate(pair.cert).checkPrivateKey(key)) {
    return 'the private key does not belong to the certificate'
  }
  try {
    createSecureContext({ cert: pair.cert, key: pair.key })
  } catch (error) {
    // A key that is too weak for the security level of OpenSSL, for instance.
    return reasonOf(error)
  }
  return null
}

/** Why `pem` is no chain of certificates, or null when it is. */
export function certificateProblem(pem: string): string | null {
  const blocks = certificatesOf(pem)
  if (blocks.length === 0) return 'it holds no certificate in PEM'
  for (const block of blocks) {
    try {
      new X509Certificate(block)
    } catch {
      return 'it holds a certificate that cannot be read'
    }
  }
  return null
}

/** Days a certificate is still good for when it is worth a word. */
const SOON_DAYS = 14

const DAY_MS = 86_400_000

/** What to say about the age of a certificate, or null while there is time. */
export function expiryWarning(pem: string, nowMs: number): string | null {
  const { validTo } = new X509Certificate(pem)
  const days = Math.floor((Date.parse(validTo) - nowMs) / DAY_MS)
  if (days < 0) return `has expired (${validTo}): clients will refuse it`
  return days < SOON_DAYS ? `expires in ${days} days (${validTo})` : null
}

/** The certificates of a PEM text, each for itself. */
export function certificatesOf(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []
}

/**
 * The host names a certificate is for, in lowercase: its alternative names, and the common name only when it
 * has none of those (RFC 9525 leaves the common name out; older certificates have nothing else).
 */
export function hostNamesOf(pem: string): string[] {
  const certificate = new X509Certificate(pem)
  const { subjectAltName } = certificate
  if (subjectAltName !== undefined) {
    return [...subjectAltName.matchAll(/(?:^|, )DNS:([^",]+)/g)].map(([, name]) =>
      (name as string).toLowerCase(),
    )
  }
  const common = /^CN=(.+)$/m.exec(certificate.subject)?.[1]
  return common === undefined ? [] : [common.toLowerCase()]
}
