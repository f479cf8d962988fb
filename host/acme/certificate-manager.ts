import type { Clock } from '../clock.ts'
import { reasonOf } from '../errors.ts'
import { type CertificatePair, hostNamesOf, pairProblem } from '../http/tls/certificate.ts'
import type { Logger } from '../observe/log.ts'
import type { CertificateAuthority, ChallengeKind } from './authority.ts'
import type { AutoCertificates } from './auto-certificates.ts'
import type { CertificateStore, KeptFailure } from './certificate-store.ts'
import { type DomainStatus, ManagedDomain, timeText, validityOf } from './managed-domain.ts'
import { FIRST_RETRY_MS, MAX_RETRY_AFTER_MS, renewAtMs, retryDelayMs } from './renewal.ts'

/** How often the manager looks whether something is due. */
export const CHECK_INTERVAL_MS = 1_000

export interface ManagerSettings {
  readonly directoryURL: string
  readonly email: string
  readonly renewBeforeMs: number
  /** At least one. */
  readonly kinds: readonly ChallengeKind[]
  /** Host names in lowercase, each once. */
  readonly domains: readonly string[]
}

/** What a manager works with. */
export interface ManagerParts {
  readonly store: CertificateStore
  readonly authority: CertificateAuthority
  readonly certificates: AutoCertificates
  readonly clock: Clock
  readonly log: Logger
  /** In [0, 1). */
  readonly random: () => number
}

/**
 * Has a certificate for each domain and renews it in time:
 *
 *     kept? ──no──▶ due ──▶ order ──issued──▶ kept, shown ──▶ due again before it ends
 *       └──yes────────────────▲  └──failed──▶ due again after a while; what is shown stays
 *
 * One order is under way at a time. Nothing here is ever the end of a certificate: one that could not be renewed
 * is shown though it has expired.
 */
export class CertificateManager {
  readonly #settings: ManagerSettings
  readonly #parts: ManagerParts
  readonly #domains: readonly ManagedDomain[]
  /** Of those domains that have one; servers look into it. */
  readonly #pairs: Map<string, CertificatePair> = new Map()
  readonly #closing = new AbortController()
  #timer: NodeJS.Timeout | null = null
  #ordering: Promise<void> | null = null

  private constructor(settings: ManagerSettings, parts: ManagerParts) {
    this.#settings = settings
    this.#parts = parts
    this.#domains = settings.domains.map((name) => new ManagedDomain(name))
  }

  /** A manager with the certificates that are kept; it orders nothing yet. Fails with ACME_STORE. */
  static async open(settings: ManagerSettings, parts: ManagerParts): Promise<CertificateManager> {
    const { store } = parts
    await store.open()
    const failures = await store.failures()
    const manager = new CertificateManager(settings, parts)
    for (const domain of manager.#domains) {
      await manager.#load(domain)
      manager.#remember(domain, failures.get(domain.name))
    }
    return manager
  }

  /** From now on its certificates are shown, and ordered when they are due. */
  start(): void {
    this.#parts.certificates.use(this.#pairs)
    // Not within the change that starts it: the servers that answer checks are part of the same.
    this.#timer = setTimeout(() => {
      this.check()
      this.#timer = setInterval(() => this.check(), CHECK_INTERVAL_MS)
      this.#timer.unref()
    }, 0)
  }

  /** Begins the order that is due longest, if there is one and nothing else is under way. */
  check(): void {
    if (this.#ordering !== null || this.#closing.signal.aborted) return
    const kinds = this.#parts.certificates.answerable(this.#settings.kinds)
    // Without a server nobody would answer the check: the order could only fail.
    if (kinds.length === 0) return
    const nowMs = this.#parts.clock.wallMs()
    let next: ManagedDomain | null = null
    for (const domain of this.#domains) {
      if (domain.dueMs <= nowMs && (next === null || domain.dueMs < next.dueMs)) next = domain
    }
    if (next === null) return
    const { name } = next
    // Whatever becomes of this order, a mistake of ours included: the next one is not at once.
    next.dueMs = nowMs + FIRST_RETRY_MS
    this.#ordering = this.#order(next, kinds)
      .catch((error: unknown) =>
        this.#parts.log.error({ domain: name, err: error }, reasonOf(error)),
      )
      .finally(() => {
        this.#ordering = null
      })
  }

  /** Resolves when no order is under way. */
  async idle(): Promise<void> {
    await this.#ordering
  }

  /** Its certificates are shown no longer; an order under way is given up. */
  async close(): Promise<void> {
    this.#closing.abort()
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#ordering
    this.#parts.certificates.drop(this.#pairs)
  }

  status(): { readonly health: string; readonly domains: readonly DomainStatus[] } {
    const nowMs = this.#parts.clock.wallMs()
    const missing = this.#domains.filter((domain) => !domain.isValid(nowMs))
    return {
      health:
        missing.length === 0
          ? ''
          : `no valid certificate for ${missing.map(({ name }) => name).join(', ')}`,
      domains: this.#domains.map((domain) => domain.status()),
    }
  }

  async #load(domain: ManagedDomain): Promise<void> {
    const kept = await this.#parts.store.certificate(domain.name)
    if (kept === null) return
    const { cert, key, directory } = kept
    const problem = pairProblem({ cert, key }) ?? coverProblem(cert, domain.name)
    if (problem !== null) {
      const message = `the certificate of ${domain.name} that was kept cannot be used: ${problem}`
      this.#parts.log.warn({ domain: domain.name }, message)
      return
    }
    this.#show(domain, cert, key)
    // What another authority has signed is shown until this one has.
    if (directory !== this.#settings.directoryURL) domain.dueMs = 0
  }

  #remember(domain: ManagedDomain, kept: KeptFailure | undefined): void {
    if (kept?.settings !== this.#settingsText) return
    domain.failures = kept.failures
    domain.error = kept.reason
    // Not forever, should the clock have been wrong then.
    const latest = this.#parts.clock.wallMs() + 2 * MAX_RETRY_AFTER_MS
    domain.dueMs = Math.max(domain.dueMs, Math.min(kept.tryAtMs, latest))
  }

  /** What decides whether an order that failed is worth repeating at once. */
  get #settingsText(): string {
    const { directoryURL, email, kinds } = this.#settings
    return [directoryURL, email, ...kinds].join(' ')
  }

  #show(domain: ManagedDomain, cert: string, key: string): void {
    const validity = validityOf(cert)
    domain.pair = { name: domain.name, cert, key }
    domain.validity = validity
    domain.failures = 0
    domain.error = null
    domain.dueMs = renewAtMs(
      validity.fromMs,
      validity.untilMs,
      this.#settings.renewBeforeMs,
      this.#parts.random(),
    )
    this.#pairs.set(domain.name, domain.pair)
  }

  async #order(domain: ManagedDomain, kinds: readonly ChallengeKind[]): Promise<void> {
    const { authority, log } = this.#parts
    const { name } = domain
    // After a failure another kind is the first that is taken.
    const first = domain.failures % kinds.length
    const inTurn = [...kinds.slice(first), ...kinds.slice(0, first)]
    log.info({ domain: name }, `a certificate for ${name} is ordered`)
    const outcome = await authority.issue(name, inTurn, this.#closing.signal)
    if (this.#closing.signal.aborted && !outcome.isIssued) return
    if (!outcome.isIssued) {
      await this.#fail(domain, kinds.length, outcome.reason, outcome.retryAfterMs)
      return
    }
    this.#show(domain, outcome.cert, outcome.key)
    const until = domain.validity === null ? '' : ` until ${timeText(domain.validity.untilMs)}`
    log.info({ domain: name }, `the certificate for ${name} is there, valid${until}`)
    await this.#keep(domain)
  }

  async #fail(
    domain: ManagedDomain,
    kinds: number,
    reason: string,
    retryAfterMs: number | null,
  ): Promise<void> {
    const { clock, log, random } = this.#parts
    const nowMs = clock.wallMs()
    domain.failures += 1
    domain.error = reason
    domain.dueMs = nowMs + retryDelayMs(domain.failures, kinds, retryAfterMs, random())
    const { validity } = domain
    let shown = 'there is none yet'
    if (validity !== null) {
      const isOver = validity.untilMs <= nowMs
      shown = `the former one ${isOver ? 'has expired' : 'is valid until'} ${timeText(validity.untilMs)}`
    }
    log.warn(
      { domain: domain.name, failures: domain.failures },
      `no new certificate for ${domain.name}: ${reason}; ${shown}; tried again at ${timeText(domain.dueMs)}`,
    )
    await this.#keepFailures()
  }

  async #keep(domain: ManagedDomain): Promise<void> {
    const { store, log } = this.#parts
    const { pair, name } = domain
    if (pair === null) return
    const { cert, key } = pair
    try {
      await store.keep(name, { directory: this.#settings.directoryURL, cert, key })
    } catch (error) {
      log.error({ domain: name }, `a restart will order it again: ${reasonOf(error)}`)
    }
    await this.#keepFailures()
  }

  async #keepFailures(): Promise<void> {
    const { store, log } = this.#parts
    try {
      const failures = await store.failures()
      for (const { name, failures: count, dueMs, error } of this.#domains) {
        if (error === null) failures.delete(name)
        else {
          failures.set(name, {
            settings: this.#settingsText,
            failures: count,
            tryAtMs: dueMs,
            reason: error,
          })
        }
      }
      await store.keepFailures(failures)
    } catch (error) {
      log.error(reasonOf(error))
    }
  }
}

function coverProblem(cert: string, domain: string): string | null {
  return hostNamesOf(cert).includes(domain) ? null : `it is not for ${domain}`
}
