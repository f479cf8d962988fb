/** One name of a certificate by its parts, as Go's `pkix.Name` calls them; a part may occur several times. */
export interface CertificateName {
  readonly Country: readonly string[]
  readonly Organization: readonly string[]
  readonly OrganizationalUnit: readonly string[]
  readonly Locality: readonly string[]
  readonly Province: readonly string[]
  readonly StreetAddress: readonly string[]
  readonly PostalCode: readonly string[]
  readonly SerialNumber: readonly string[]
  readonly CommonName: readonly string[]
}

export interface ClientCertificate {
  readonly subject: CertificateName
  readonly issuer: CertificateName
}

/** What is known of the TLS connection a request came through. */
export interface ClientTls {
  /** The certificates the client was verified by, its own first; empty when none was asked for. */
  readonly certificates: readonly ClientCertificate[]
}
