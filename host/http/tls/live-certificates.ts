import type { CertificatePair } from './certificate.ts'

/** Certificates that come, change and go while listeners that show them run. */
export interface LiveCertificates {
  /**
   * The certificate for a host name in lowercase, or null: the same object until it is renewed. What it
   * answers has been checked: a listener can use it.
   */
  pairFor(host: string): CertificatePair | null
  /** True while an authority checks a name by a handshake; else nobody looks into one. */
  readonly hasChallenges: boolean
  /** What an authority is to be shown that checks this name now (RFC 8737); null for any other name. */
  challengeFor(host: string): CertificatePair | null
}
