import type { CertificatePair } from '../http/tls/certificate.ts'
import type { LiveCertificates } from '../http/tls/live-certificates.ts'
import type { ChallengeDesk, ChallengeKind } from './authority.ts'

/** Where an authority looks for the answer to an HTTP-01 check (RFC 8555, section 8.3). */
export const CHALLENGE_PATH = '/.well-known/acme-challenge/'

/** A server that can take part: what checks can reach. */
export interface AnsweringServer {
  /** It speaks HTTP without TLS. */
  readonly isPlain: boolean
  /** It shows the certificates of the manager. */
  readonly isAutomatic: boolean
}

const NONE: ReadonlyMap<string, CertificatePair> = new Map()

/**
 * What the manager of certificates and the servers of one gateway know of each other: the certificates there
 * are, and the answers to checks that are under way.
 */
export class AutoCertificates implements LiveCertificates, ChallengeDesk {
  /** Those of the manager that runs, by domain; it changes the map while it runs. */
  #pairs: ReadonlyMap<string, CertificatePair> = NONE
  readonly #tokens: Map<string, string> = new Map()
  readonly #handshakes: Map<string, CertificatePair> = new Map()
  readonly #servers: Set<AnsweringServer> = new Set()

  /** From now on these are shown, and what is put in and taken out of `pairs` at once. */
  use(pairs: ReadonlyMap<string, CertificatePair>): void {
    this.#pairs = pairs
  }

  /** `pairs` are shown no longer, unless others are already. */
  drop(pairs: ReadonlyMap<string, CertificatePair>): void {
    if (this.#pairs === pairs) this.#pairs = NONE
  }

  /** Those that are shown, by domain. */
  get pairs(): ReadonlyMap<string, CertificatePair> {
    return this.#pairs
  }

  addServer(server: AnsweringServer): void {
    this.#servers.add(server)
  }

  removeServer(server: AnsweringServer): void {
    this.#servers.delete(server)
  }

  /**
   * Those of `kinds` that a server here can answer, the more likely one first. HTTP-01 begins at a server
   * without TLS, or is led by one elsewhere to any.
   */
  answerable(kinds: readonly ChallengeKind[]): ChallengeKind[] {
    const servers = [...this.#servers]
    const hasPlain = servers.some(({ isPlain }) => isPlain)
    const found: ChallengeKind[] = []
    if (servers.some(({ isAutomatic }) => isAutomatic)) found.push('tls-alpn-01')
    if (hasPlain) found.unshift('http-01')
    else if (servers.length > 0) found.push('http-01')
    return found.filter((kind) => kinds.includes(kind))
  }

  /** False nearly always: then no request is looked at. */
  get hasTokens(): boolean {
    return this.#tokens.size > 0
  }

  /** What to answer to a request for `path`; null when no check that is under way asks for it. */
  answerTo(path: string): string | null {
    if (!path.startsWith(CHALLENGE_PATH)) return null
    return this.#tokens.get(path.slice(CHALLENGE_PATH.length)) ?? null
  }

  answerHttp(token: string, keyAuthorization: string): () => void {
    this.#tokens.set(token, keyAuthorization)
    return () => void this.#tokens.delete(token)
  }

  answerHandshake(domain: string, pair: CertificatePair): () => void {
    this.#handshakes.set(domain, pair)
    return () => {
      if (this.#handshakes.get(domain) === pair) this.#handshakes.delete(domain)
    }
  }

  get hasChallenges(): boolean {
    return this.#handshakes.size > 0
  }

  challengeFor(host: string): CertificatePair | null {
    return this.#handshakes.get(host) ?? null
  }

  pairFor(host: string): CertificatePair | null {
    if (this.#pairs.size === 0) return null
    return this.#pairs.get(host) ?? this.#pairs.get(`*${host.slice(host.indexOf('.'))}`) ?? null
  }
}
