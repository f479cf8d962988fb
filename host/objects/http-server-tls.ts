import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { GatewayError, reasonOf } from '../errors.ts'
import { type CertificatePair, expiryWarning, NOT_PEM, pemOf } from '../http/tls/certificate.ts'
import type { LiveCertificates } from '../http/tls/live-certificates.ts'
import { ServerTls } from '../http/tls/server-tls.ts'
import type { HttpServerSpec } from './http-server-spec.ts'

/** The TLS side of a server with the files it was read from. */
export interface LoadedTls {
  /** Null for a server without TLS. */
  readonly tls: ServerTls | null
  readonly files: readonly string[]
  /** Certificates that are over, or soon will be. */
  readonly warnings: readonly string[]
}

const NO_TLS: LoadedTls = { tls: null, files: [], warnings: [] }

/**
 * Reads and checks the certificates of a server; relative paths are resolved from `baseDir`. Those in the
 * document come before those in files, so that the first is the same with and without files. `automatic` are
 * those of a server that asks for them. Fails with TLS_CERTIFICATE.
 */
export async function loadTls(
  spec: HttpServerSpec,
  baseDir: string,
  automatic: LiveCertificates,
): Promise<LoadedTls> {
  if (!spec.https) return NO_TLS
  const { certificates: filePairs, clientCaFile, minVersion, http2 } = spec.tls
  const files: string[] = []
  const read = async (file: string): Promise<string> => {
    const path = resolve(baseDir, file)
    files.push(path)
    try {
      return await readFile(path, 'latin1')
    } catch (error) {
      throw new GatewayError('TLS_CERTIFICATE', { name: file, reason: reasonOf(error) }, error)
    }
  }
  const certificates = inlinePairs(spec)
  for (const { certFile, keyFile } of filePairs) {
    certificates.push({ name: certFile, cert: await read(certFile), key: await read(keyFile) })
  }
  const authorities: string[] = []
  if (spec.caCertBase64 !== '') authorities.push(pem('caCertBase64', spec.caCertBase64))
  if (clientCaFile !== undefined) authorities.push(await read(clientCaFile))
  const clientCa = authorities.length === 0 ? null : authorities.join('\n')
  const settings = { certificates, clientCa, minVersion, http2 }
  const tls = new ServerTls(settings, spec.autoCert ? automatic : null)
  const warnings = certificates.flatMap(({ name, cert }) => {
    const warning = expiryWarning(cert, Date.now())
    return warning === null ? [] : [`the certificate ${name} ${warning}`]
  })
  return { tls, files, warnings }
}

function inlinePairs(spec: HttpServerSpec): CertificatePair[] {
  const pairs: CertificatePair[] = []
  if (spec.certBase64 !== '') {
    pairs.push({
      name: 'certBase64',
      cert: pem('certBase64', spec.certBase64),
      key: pem('keyBase64', spec.keyBase64),
    })
  }
  for (const [name, cert] of Object.entries(spec.certs)) {
    const field = `certs.${name}`
    pairs.push({
      name: field,
      cert: pem(field, cert),
      key: pem(`keys.${name}`, spec.keys[name] ?? ''),
    })
  }
  return pairs
}

function pem(name: string, written: string): string {
  const text = pemOf(written)
  if (text !== null) return text
  throw new GatewayError('TLS_CERTIFICATE', { name, reason: NOT_PEM })
}
