import { createHash, generateKeyPairSync } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { GatewayError, reasonOf } from '../errors.ts'
import { readIfThere, writeAtomic } from '../stored-file.ts'

/** A certificate as it is kept. */
export interface KeptCertificate {
  /** The directory of the authority that signed it. */
  readonly directory: string
  readonly cert: string
  readonly key: string
}

/** What is kept of a domain whose last order failed, so that a restart does not ask again at once. */
export interface KeptFailure {
  /** What the order was made by: with other settings it may be tried at once. */
  readonly settings: string
  readonly failures: number
  readonly tryAtMs: number
  readonly reason: string
}

/**
 * Keeps what a manager of certificates must not lose, under `acme/` of the data directory:
 *
 *     account-1a2b….key                  the key of the account with one directory
 *     certificates/example.com.json      a certificate with its key: in one file, so that they always fit
 *     certificates/_.example.com.json    that of *.example.com
 *     failures.json                      who failed, and when to try again
 *
 * Every file is written whole under another name first, for its owner alone. Everything fails with ACME_STORE.
 */
export class CertificateStore {
  readonly #dir: string

  constructor(dataDir: string) {
    this.#dir = join(dataDir, 'acme')
  }

  /** Makes sure that something can be kept: what cannot be kept must not be ordered, or each start would order. */
  async open(): Promise<void> {
    await this.#guard(this.#dir, () => mkdir(this.#dir, { recursive: true, mode: 0o700 }))
    await this.keepFailures(await this.failures())
  }

  /** The key of our account with `directory`, in PEM; made when there is none. */
  async accountKey(directory: string): Promise<string> {
    const digest = createHash('sha256').update(directory).digest('hex').slice(0, 16)
    const path = join(this.#dir, `account-${digest}.key`)
    const kept = await this.#guard(path, () => readIfThere(path))
    if (kept !== undefined) return kept.toString('latin1')
    const key = newKey()
    await this.#guard(path, () => writeAtomic(path, Buffer.from(key)))
    return key
  }

  /** The certificate of `domain`; null when there is none, or none that can be read. */
  async certificate(domain: string): Promise<KeptCertificate | null> {
    const found = await this.#read(this.#pathOf(domain))
    const { directory, cert, key } = found
    const isWhole = [directory, cert, key].every((field) => typeof field === 'string')
    return isWhole ? ({ directory, cert, key } as KeptCertificate) : null
  }

  async keep(domain: string, certificate: KeptCertificate): Promise<void> {
    await this.#write(this.#pathOf(domain), certificate)
  }

  /** By domain. */
  async failures(): Promise<Map<string, KeptFailure>> {
    const found = await this.#read(this.#failuresPath)
    const entries = Object.entries(found).filter(
      (entry): entry is [string, KeptFailure] =>
        typeof entry[1] === 'object' && entry[1] !== null && 'tryAtMs' in entry[1],
    )
    return new Map(entries)
  }

  async keepFailures(failures: ReadonlyMap<string, KeptFailure>): Promise<void> {
    await this.#write(this.#failuresPath, Object.fromEntries(failures))
  }

  get #failuresPath(): string {
    return join(this.#dir, 'failures.json')
  }

  #pathOf(domain: string): string {
    // A star is no character for a file everywhere, and no domain has a label "_".
    return join(this.#dir, 'certificates', `${domain.replace('*', '_')}.json`)
  }

  /** What is no JSON is as good as nothing: it is written anew. */
  async #read(path: string): Promise<Readonly<Record<string, unknown>>> {
    const bytes = await this.#guard(path, () => readIfThere(path))
    if (bytes === undefined) return {}
    try {
      const data: unknown = JSON.parse(bytes.toString('utf8'))
      return typeof data === 'object' && data !== null ? { ...data } : {}
    } catch {
      return {}
    }
  }

  async #write(path: string, data: object): Promise<void> {
    const text = `${JSON.stringify(data, null, 2)}\n`
    await this.#guard(path, () => writeAtomic(path, Buffer.from(text)))
  }

  async #guard<T>(path: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      throw new GatewayError('ACME_STORE', { path, reason: reasonOf(error) }, error)
    }
  }
}

/** A new private key: ECDSA on P-256, which every authority and every client takes. PEM. */
export function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}
