import { createHash } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { GatewayError } from '../../errors.ts'
import {
  type CertificatePair,
  certificateProblem,
  hostNamesOf,
  pairProblem,
} from './certificate.ts'
import type { LiveCertificates } from './live-certificates.ts'

/** Older versions are not spoken at all. */
export const TLS_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

export type TlsVersion = (typeof TLS_VERSIONS)[number]

/** What a listener shows to clients and asks of them. */
export interface ServerTlsSettings {
  /** The first is for clients that name no host, or one that nobody has. None needs live ones. */
  readonly certificates: readonly CertificatePair[]
  /** Authorities in PEM: every client has to show a certificate of one of them. Null asks for none. */
  readonly clientCa: string | null
  readonly minVersion: TlsVersion
  /** HTTP/2 is offered (ALPN). */
  readonly http2: boolean
}

/**
 * The TLS side of a listener, checked and ready: taking it into use cannot fail. Certificates are found by the
 * name the client asks for: its own of exactly that name, then a live one, then its own with a wildcard, then
 * its first.
 */
export class ServerTls {
  readonly settings: ServerTlsSettings
  /** Equal for equal settings. */
  readonly digest: string
  /** Equal when the same clients would be let in: only then may a session be taken up again. */
  readonly trust: string
  /** Null when there are live certificates only: then whoever asks for no name of them is refused. */
  readonly fallback: SecureContext | null
  /** Certificates that change while the listener runs; null for none. */
  readonly live: LiveCertificates | null
  readonly #exact: Map<string, SecureContext> = new Map()
  /** By the name after "*.". */
  readonly #wildcard: Map<string, SecureContext> = new Map()
  /** Made when the first client asks for it; goes with the certificate. */
  readonly #liveContexts: WeakMap<CertificatePair, SecureContext> = new WeakMap()

  /** Fails with TLS_CERTIFICATE. */
  constructor(settings: ServerTlsSettings, live: LiveCertificates | null = null) {
    this.settings = settings
    this.live = live
    this.digest = digestOf([settings, live !== null])
    this.trust = digestOf([settings.clientCa, settings.minVersion])
    const { clientCa } = settings
    if (clientCa !== null) refuse('caCertBase64', certificateProblem(clientCa))
    let first: SecureContext | null = null
    for (const pair of settings.certificates) {
      refuse(pair.name, pairProblem(pair))
      const context = this.#contextOf(pair)
      first ??= context
      this.#addNames(hostNamesOf(pair.cert), context)
    }
    if (first === null && live === null) {
      throw new GatewayError('TLS_CERTIFICATE', { name: 'https', reason: 'none' })
    }
    this.fallback = first
  }

  /** The certificate for a client that asks for the host `name`; null when there is none for it. */
  contextFor(name: string): SecureContext | null {
    const host = name.toLowerCase()
    return (
      this.#exact.get(host) ??
      this.#liveContextFor(host) ??
      this.#wildcard.get(host.slice(host.indexOf('.') + 1)) ??
      this.fallback
    )
  }

  #liveContextFor(host: string): SecureContext | undefined {
    const pair = this.live?.pairFor(host) ?? null
    if (pair === null) return undefined
    let context = this.#liveContexts.get(pair)
    if (context === undefined) {
      context = this.#contextOf(pair)
      this.#liveContexts.set(pair, context)
    }
    return context
  }

  #contextOf({ cert, key }: CertificatePair): SecureContext {
    const { clientCa, minVersion } = this.settings
    return createSecureContext({
      cert,
      key,
      // The authorities of the certificate in use are those that count, so each has them.
      ...(clientCa === null ? {} : { ca: clientCa }),
      minVersion,
      maxVersion: 'TLSv1.3',
    })
  }

  #addNames(names: readonly string[], context: SecureContext): void {
    for (const name of names) {
      const isWildcard = name.startsWith('*.')
      const map = isWildcard ? this.#wildcard : this.#exact
      const key = isWildcard ? name.slice(2) : name
      // The first that was listed wins.
      if (!map.has(key)) map.set(key, context)
    }
  }
}

function refuse(name: string, problem: string | null): void {
  if (problem !== null) throw new GatewayError('TLS_CERTIFICATE', { name, reason: problem })
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex')
}
