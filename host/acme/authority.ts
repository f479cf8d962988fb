import type { CertificatePair } from '../http/tls/certificate.ts'

/** How an authority can be shown that a domain leads here (RFC 8555, section 8; RFC 8737). */
export const CHALLENGE_KINDS = ['http-01', 'tls-alpn-01'] as const

export type ChallengeKind = (typeof CHALLENGE_KINDS)[number]

/** What an order came to. */
export type OrderOutcome =
  | { readonly isIssued: true; readonly cert: string; readonly key: string }
  | {
      readonly isIssued: false
      /** Lowercase, no full stop. */
      readonly reason: string
      /** How long the authority wants to be left alone; null when it does not say. */
      readonly retryAfterMs: number | null
    }

/** Who signs certificates. */
export interface CertificateAuthority {
  /**
   * Orders a certificate for one domain. `kinds` are tried in no other way than the first of them that the
   * authority offers. Never rejects; an aborted order is one that was not issued.
   */
  issue(domain: string, kinds: readonly ChallengeKind[], signal: AbortSignal): Promise<OrderOutcome>
}

/** Where answers to checks are laid out while an order is under way. Each answer stays until it is taken away. */
export interface ChallengeDesk {
  /** For `GET /.well-known/acme-challenge/TOKEN`, over HTTP. */
  answerHttp(token: string, keyAuthorization: string): () => void
  /** For a handshake that offers `acme-tls/1`. */
  answerHandshake(domain: string, pair: CertificatePair): () => void
}
