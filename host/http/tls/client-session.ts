import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import type { CertificateName, ClientCertificate, ClientTls } from '../../exchange/client-tls.ts'

/** A longer chain is not looked at. */
const MAX_CHAIN = 16

/** The client's side of a TLS connection. The certificates are read when somebody asks for them. */
export class ClientSession implements ClientTls {
  readonly #socket: TLSSocket
  #certificates: readonly ClientCertificate[] | null = null

  constructor(socket: TLSSocket) {
    this.#socket = socket
  }

  get certificates(): readonly ClientCertificate[] {
    this.#certificates ??= chainOf(this.#socket)
    return this.#certificates
  }
}

function chainOf(socket: TLSSocket): ClientCertificate[] {
  const chain: ClientCertificate[] = []
  // Only one that was verified says anything.
  if (!socket.authorized) return chain
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  while (certificate?.subject !== undefined && chain.length < MAX_CHAIN) {
    chain.push({ subject: nameOf(certificate.subject), issuer: nameOf(certificate.issuer) })
    const issuer: DetailedPeerCertificate | undefined = certificate.issuerCertificate
    // The last one names itself.
    if (issuer === certificate || issuer?.fingerprint256 === certificate.fingerprint256) break
    certificate = issuer
  }
  return chain
}

/** Node names the parts as OpenSSL abbreviates them. */
function nameOf(parts: object): CertificateName {
  const values = parts as Readonly<Record<string, string | readonly string[] | undefined>>
  const of = (key: string): readonly string[] => {
    const value = values[key]
    if (value === undefined) return []
    return typeof value === 'string' ? [value] : value
  }
  return {
    Country: of('C'),
    Organization: of('O'),
    OrganizationalUnit: of('OU'),
    Locality: of('L'),
    Province: of('ST'),
    StreetAddress: of('street'),
    PostalCode: of('postalCode'),
    SerialNumber: of('serialNumber'),
    CommonName: of('CN'),
  }
}
