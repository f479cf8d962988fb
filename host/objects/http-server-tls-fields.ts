import { isJsonObject, type JsonObject, type JsonPath } from '../config/json.ts'
import { text, z } from '../config/schema.ts'
import { certificateProblem, NOT_PEM, pairProblem, pemOf } from '../http/tls/certificate.ts'
import { TLS_VERSIONS } from '../http/tls/server-tls.ts'
import type { CheckContext } from './object.ts'

/** The fields of an HTTPServer about TLS. */
export const tlsFields = {
  https: z.boolean().default(false).describe('Speak TLS; it needs a certificate.'),
  certBase64: z
    .string()
    .default('')
    .describe('The certificate with those between it and its authority: PEM in base64.'),
  keyBase64: z.string().default('').describe('The key of `certBase64`: PEM in base64.'),
  certs: z
    .record(z.string(), z.string())
    .default({})
    .describe('More certificates by any name, PEM or PEM in base64; the host asked for chooses.'),
  keys: z
    .record(z.string(), z.string())
    .default({})
    .describe('The keys of `certs`, by the same names.'),
  caCertBase64: z
    .string()
    .default('')
    .describe('Authorities, PEM in base64: each client must show a certificate of one of them.'),
  autoCert: z
    .boolean()
    .default(false)
    .describe('Certificates come from the AutoCertManager, for each of its domains.'),
  tls: z
    .strictObject({
      certificates: z
        .array(
          z.strictObject({
            certFile: text().describe('A file with the certificate and those above it, in PEM.'),
            keyFile: text().describe('A file with its key, in PEM.'),
          }),
        )
        .default([])
        .describe('Certificates in files; a change of a file is taken over by itself.'),
      clientCaFile: text()
        .optional()
        .describe('Authorities as in `caCertBase64`, in a file; a change is taken over by itself.'),
      minVersion: z
        .enum(TLS_VERSIONS)
        .default('TLSv1.2')
        .describe('The oldest version that is spoken.'),
      http2: z.boolean().default(true).describe('Offer HTTP/2 to clients (ALPN).'),
    })
    .prefault({})
    .describe('What Easegress has no field for.'),
}

/** Certificates that are written in the document itself are looked at before anything is changed. */
export function checkTls(data: JsonObject, context: CheckContext): void {
  if (data['autoCert'] === true) checkManager(data, context)
  if (data['https'] !== true) return
  const count =
    checkFirstPair(data, context) + checkNamedPairs(data, context) + countFilePairs(data)
  if (count === 0 && data['autoCert'] !== true) {
    const message =
      '`https` needs a certificate: `certBase64` and `keyBase64`, `certs` and `keys`, `tls.certificates`, or `autoCert`'
    context.report({ path: ['https'], message })
  }
  checkAuthority(data, context)
}

function checkManager(data: JsonObject, context: CheckContext): void {
  const path = ['autoCert']
  if (data['https'] !== true) {
    const message = '`autoCert` does nothing without `https`'
    context.report({ path, message, severity: 'warning' })
    return
  }
  const names = context.namesOf('AutoCertManager')
  // Asked for by its name, so that the server is looked at again when it goes.
  for (const name of names) context.kindOf(name)
  if (names.length > 0 || !context.isComplete) return
  context.report({ path, message: '`autoCert` needs an AutoCertManager, and there is none' })
}

function checkFirstPair(data: JsonObject, context: CheckContext): number {
  const cert = textOf(data['certBase64'])
  const key = textOf(data['keyBase64'])
  if (cert !== '' && key !== '') checkPair(cert, key, ['certBase64'], ['keyBase64'], context)
  else if (cert !== '') context.report({ path: ['certBase64'], message: '`keyBase64` is missing' })
  else if (key !== '') context.report({ path: ['keyBase64'], message: '`certBase64` is missing' })
  return cert === '' && key === '' ? 0 : 1
}

function checkNamedPairs(data: JsonObject, context: CheckContext): number {
  const certs = isJsonObject(data['certs']) ? data['certs'] : {}
  const keys = isJsonObject(data['keys']) ? data['keys'] : {}
  for (const [name, cert] of Object.entries(certs)) {
    const key = textOf(keys[name])
    if (key === '') {
      context.report({ path: ['certs', name], message: `\`keys\` has no "${name}"` })
    } else checkPair(textOf(cert), key, ['certs', name], ['keys', name], context)
  }
  for (const name of Object.keys(keys)) {
    if (certs[name] !== undefined) continue
    context.report({ path: ['keys', name], message: `\`certs\` has no "${name}"` })
  }
  return Object.keys(certs).length
}

function countFilePairs(data: JsonObject): number {
  const { tls } = data
  if (!isJsonObject(tls)) return 0
  const { certificates } = tls
  return Array.isArray(certificates) ? certificates.length : 0
}

function checkPair(
  cert: string,
  key: string,
  certPath: JsonPath,
  keyPath: JsonPath,
  context: CheckContext,
): void {
  const certPem = pemOf(cert)
  const keyPem = pemOf(key)
  const certProblem = certPem === null ? NOT_PEM : certificateProblem(certPem)
  if (certProblem !== null) {
    context.report({ path: certPath, message: `the certificate cannot be used: ${certProblem}` })
  }
  if (keyPem === null) {
    context.report({ path: keyPath, message: `the private key cannot be used: ${NOT_PEM}` })
  }
  if (certProblem !== null || certPem === null || keyPem === null) return
  const problem = pairProblem({ cert: certPem, key: keyPem })
  if (problem !== null) context.report({ path: keyPath, message: problem })
}

function checkAuthority(data: JsonObject, context: CheckContext): void {
  const authority = textOf(data['caCertBase64'])
  if (authority === '') return
  const pem = pemOf(authority)
  const problem = pem === null ? NOT_PEM : certificateProblem(pem)
  if (problem === null) return
  const message = `the authorities cannot be used: ${problem}`
  context.report({ path: ['caCertBase64'], message })
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
