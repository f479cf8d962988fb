import { AcmeAuthority } from '../acme/acme-authority.ts'
import type { ChallengeKind } from '../acme/authority.ts'
import { CertificateManager } from '../acme/certificate-manager.ts'
import { CertificateStore } from '../acme/certificate-store.ts'
import { systemClock } from '../clock.ts'
import { pemOf } from '../http/tls/certificate.ts'
import type { AutoCertManagerSpec } from './auto-cert-manager-spec.ts'
import type { Generation, ObjectEnv } from './generation.ts'

/** A running AutoCertManager. */
export class AutoCertManagerGeneration implements Generation {
  readonly #manager: CertificateManager

  constructor(manager: CertificateManager) {
    this.#manager = manager
  }

  activate(): void {
    this.#manager.start()
  }

  retire(): Promise<void> {
    return this.#manager.close()
  }

  status(): unknown {
    return this.#manager.status()
  }
}

/** Reads the certificates that are kept; the authority is not asked before it is active. Fails with ACME_STORE. */
export async function createAutoCertManager(
  spec: AutoCertManagerSpec,
  env: ObjectEnv,
): Promise<AutoCertManagerGeneration> {
  const { directoryURL, email } = spec
  const store = new CertificateStore(env.dataDir)
  const ca = spec.caCertBase64 === '' ? null : pemOf(spec.caCertBase64)
  const authority = new AcmeAuthority({ directoryURL, email, ca }, store, env.certificates)
  const kinds: ChallengeKind[] = []
  if (spec.enableHTTP01) kinds.push('http-01')
  if (spec.enableTLSALPN01) kinds.push('tls-alpn-01')
  const domains = spec.domains.map(({ name }) => name)
  const manager = await CertificateManager.open(
    { directoryURL, email, renewBeforeMs: spec.renewBefore, kinds, domains },
    {
      store,
      authority,
      certificates: env.certificates,
      clock: systemClock,
      log: env.log,
      random: Math.random,
    },
  )
  return new AutoCertManagerGeneration(manager)
}
