import { createHash } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { GatewayError } from '../../errors.ts'
import { certificateProblem, pairProblem } from './certificate.ts'

/** How upstreams that speak TLS are checked and spoken to. */
export interface UpstreamTlsSettings {
  /** The certificate shown to the upstream, with its key; both PEM, or both null for none. */
  readonly cert: string | null
  readonly key: string | null
  /** Authorities in PEM, one of which must have signed; null for those Node brings along. */
  readonly ca: string | null
  /** False takes any certificate: whoever stands in between can read and change everything. */
  readonly isVerified: boolean
  /** The name asked for and checked; "" for the host of the URL. */
  readonly serverName: string
  /** HTTP/2 is offered; an upstream that does not take it is spoken to in HTTP/1.1. */
  readonly http2: boolean
}

/** What holds when nothing is configured. */
export const DEFAULT_UPSTREAM_TLS: UpstreamTlsSettings = {
  cert: null,
  key: null,
  ca: null,
  isVerified: true,
  serverName: '',
  http2: false,
}

/** The TLS side of upstream connections, checked and ready: its certificates can be loaded. */
export class UpstreamTls {
  readonly settings: UpstreamTlsSettings
  /** Equal for equal settings: clients of equal ones can be shared. */
  readonly digest: string
  readonly context: SecureContext

  /** Fails with TLS_CERTIFICATE. */
  constructor(settings: UpstreamTlsSettings) {
    const { cert, key, ca } = settings
    this.settings = settings
    this.digest = createHash('sha256').update(JSON.stringify(settings)).digest('hex')
    if (ca !== null) refuse('rootCertBase64', certificateProblem(ca))
    if (cert !== null && key !== null) refuse('certBase64', pairProblem({ cert, key }))
    this.context = createSecureContext({
      ...(cert === null || key === null ? {} : { cert, key }),
      ...(ca === null ? {} : { ca }),
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
    })
  }
}

function refuse(name: string, problem: string | null): void {
  if (problem !== null) throw new GatewayError('TLS_CERTIFICATE', { name, reason: problem })
}

let defaults: UpstreamTls | null = null

/** The settings that hold when nothing is configured: made when the first upstream needs them. */
export function defaultUpstreamTls(): UpstreamTls {
  defaults ??= new UpstreamTls(DEFAULT_UPSTREAM_TLS)
  return defaults
}
