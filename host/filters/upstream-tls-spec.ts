import { z } from '../config/schema.ts'
import { GatewayError } from '../errors.ts'
import { certificateProblem, NOT_PEM, pairProblem, pemOf } from '../http/tls/certificate.ts'
import { UpstreamTls } from '../http/tls/upstream-tls.ts'

const certificateFields = {
  certBase64: z
    .string()
    .default('')
    .describe('The certificate servers are shown, with those above it: PEM in base64.'),
  keyBase64: z.string().default('').describe('Its key: PEM in base64.'),
  rootCertBase64: z
    .string()
    .default('')
    .describe(
      'The authorities that are trusted, PEM in base64; those that come with Node when empty.',
    ),
}

/** `mtls` of a Proxy, as Easegress has it. */
export function mtls() {
  return z
    .strictObject({
      ...certificateFields,
      insecureSkipVerify: z
        .boolean()
        .default(false)
        .describe('Take any certificate: who stands in between can read and change everything.'),
    })
    .superRefine(checkCertificates)
}

export type MtlsSpec = z.output<ReturnType<typeof mtls>>

/** `tls` of a pool, which Easegress does not have. */
export function poolTls() {
  return z
    .strictObject({
      ...certificateFields,
      insecureSkipVerify: z
        .boolean()
        .optional()
        .describe('Take any certificate. Default: that of `mtls`, false when there is none.'),
      serverName: z
        .string()
        .regex(/^[a-zA-Z0-9._-]*$/, 'is not a host name')
        .default('')
        .describe('The name asked for and checked; the host of the URL when empty.'),
      http2: z
        .boolean()
        .default(false)
        .describe(
          'Speak HTTP/2 with servers that can; one that cannot is spoken to in HTTP/1.1 as ever.',
        ),
    })
    .superRefine(checkCertificates)
}

export type PoolTlsSpec = z.output<ReturnType<typeof poolTls>>

interface Certificates {
  readonly certBase64: string
  readonly keyBase64: string
  readonly rootCertBase64: string
}

function checkCertificates(tls: Certificates, context: z.RefinementCtx): void {
  const complain = (field: keyof Certificates, message: string): void => {
    context.addIssue({ code: 'custom', path: [field], message })
  }
  const { certBase64, keyBase64, rootCertBase64 } = tls
  if (rootCertBase64 !== '') {
    const problem = problemOf(rootCertBase64)
    if (problem !== null) complain('rootCertBase64', `the authorities cannot be used: ${problem}`)
  }
  if (certBase64 === '' && keyBase64 === '') return
  if (certBase64 === '') complain('keyBase64', '`certBase64` is missing')
  else if (keyBase64 === '') complain('certBase64', '`keyBase64` is missing')
  else {
    const problem = problemOf(certBase64)
    const key = pemOf(keyBase64)
    if (problem !== null) complain('certBase64', `the certificate cannot be used: ${problem}`)
    if (key === null) complain('keyBase64', `the private key cannot be used: ${NOT_PEM}`)
    if (problem !== null || key === null) return
    const mismatch = pairProblem({ cert: pemOf(certBase64) ?? '', key })
    if (mismatch !== null) complain('keyBase64', mismatch)
  }
}

function problemOf(written: string): string | null {
  const pem = pemOf(written)
  return pem === null ? NOT_PEM : certificateProblem(pem)
}

/** The TLS side of a pool: its own fields before those of the filter. Fails with TLS_CERTIFICATE. */
export function compileUpstreamTls(
  pool: PoolTlsSpec | undefined,
  filter: MtlsSpec | undefined,
): UpstreamTls | null {
  if (pool === undefined && filter === undefined) return null
  const own = pool?.certBase64 === undefined || pool.certBase64 === '' ? filter : pool
  const root = pool?.rootCertBase64 || filter?.rootCertBase64 || ''
  const skips = pool?.insecureSkipVerify ?? filter?.insecureSkipVerify ?? false
  return new UpstreamTls({
    cert: pem('certBase64', own?.certBase64 ?? ''),
    key: pem('keyBase64', own?.keyBase64 ?? ''),
    ca: pem('rootCertBase64', root),
    isVerified: !skips,
    serverName: pool?.serverName ?? '',
    http2: pool?.http2 ?? false,
  })
}

function pem(name: string, written: string): string | null {
  if (written === '') return null
  const text = pemOf(written)
  if (text === null) throw new GatewayError('TLS_CERTIFICATE', { name, reason: NOT_PEM })
  return text
}
