import { createHash } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from '../../config/schema.ts'
import { reasonOf } from '../../errors.ts'
import type { Logger } from '../../observe/log.ts'
import { readIfThere, writeAtomic } from '../../stored-file.ts'
import { MAX_INSTANCES, type ServiceInstance } from './instance.ts'

/** Bytes of the list of one service; a larger one is not kept. */
export const MAX_KEPT_BYTES = 1024 * 1024
/** Services whose lists are kept in one data directory; past it the list that was written longest ago goes. */
export const MAX_KEPT_SERVICES = 1_024

/** What a registry has said of a service. */
export interface KeptList {
  /** Those of the last answer that had any; never empty. */
  readonly instances: readonly ServiceInstance[]
  /** The answer after that had none. */
  readonly isGone: boolean
}

/** The same with the time it was written. */
export interface FoundList extends KeptList {
  readonly at: string
}

/**
 * The last lists of one registry, for the next start of the gateway, one file for each service:
 *
 *     registries/HEX.json      HEX: SHA-256 of the names of registry and service
 *
 * They are written one after another in the background, whatever changes meanwhile is written once. Nothing
 * here fails: what cannot be kept costs a line of the log.
 */
export class KeptInstances {
  readonly #dir: string
  readonly #registry: string
  readonly #log: Logger
  /** To be written; the newest of each service. */
  readonly #changed = new Map<string, KeptList>()
  /** Services that were told to have too large a list. */
  readonly #tooLarge = new Set<string>()
  #writing: Promise<void> | null = null
  #isTold = false

  constructor(dataDir: string, registry: string, log: Logger) {
    this.#dir = join(dataDir, 'registries')
    this.#registry = registry
    this.#log = log
  }

  /** The list of a service; null when there is none that can be used. */
  async read(service: string): Promise<FoundList | null> {
    try {
      const bytes = await readIfThere(this.#file(service))
      if (bytes === undefined) return null
      const found = schema.parse(JSON.parse(bytes.toString('utf8')))
      return found.registry === this.#registry && found.service === service ? found : null
    } catch (error) {
      this.#warn(service, `what is kept of ${service} cannot be used: ${reasonOf(error)}`)
      return null
    }
  }

  /** Keeps a list in place of the former one. */
  write(service: string, list: KeptList): void {
    this.#changed.set(service, list)
    this.#writing ??= this.#writeAll()
  }

  /** Resolves when all of them are on the disk. */
  async flush(): Promise<void> {
    await this.#writing
  }

  async #writeAll(): Promise<void> {
    // What is added meanwhile comes in the same loop.
    for (const [service, list] of this.#changed) {
      this.#changed.delete(service)
      await this.#write(service, list)
    }
    this.#writing = null
  }

  async #write(service: string, list: KeptList): Promise<void> {
    const path = this.#file(service)
    const at = new Date().toISOString()
    const bytes = Buffer.from(JSON.stringify({ registry: this.#registry, service, at, ...list }))
    try {
      if (bytes.length > MAX_KEPT_BYTES) {
        // An older list would be wrong where none is not.
        await rm(path, { force: true })
        this.#tellTooLarge(service, bytes.length)
        return
      }
      this.#tooLarge.delete(service)
      await this.#makeRoom(path)
      await writeAtomic(path, bytes)
      this.#isTold = false
    } catch (error) {
      // Once for a disk that stays full.
      if (this.#isTold) return
      this.#isTold = true
      this.#warn(service, `the instances of ${service} are not kept: ${reasonOf(error)}`)
    }
  }

  #tellTooLarge(service: string, bytes: number): void {
    if (this.#tooLarge.has(service)) return
    this.#tooLarge.add(service)
    const reason = `${bytes} bytes are more than ${MAX_KEPT_BYTES}`
    this.#warn(service, `the instances of ${service} are not kept: ${reason}`)
  }

  /** Removes the oldest file when `path` would be one too many. */
  async #makeRoom(path: string): Promise<void> {
    const names = (await namesIn(this.#dir)).filter((name) => name.endsWith('.json'))
    if (names.length < MAX_KEPT_SERVICES || names.includes(basename(path))) return
    const paths = names.map((name) => join(this.#dir, name))
    const times = await Promise.all(paths.map(writtenAt))
    const oldest = paths[times.indexOf(Math.min(...times))]
    if (oldest !== undefined) await rm(oldest, { force: true })
  }

  #file(service: string): string {
    const names = JSON.stringify([this.#registry, service])
    return join(this.#dir, `${createHash('sha256').update(names).digest('hex')}.json`)
  }

  #warn(service: string, text: string): void {
    this.#log.warn({ registry: this.#registry, service }, text)
  }
}

const schema = z.object({
  registry: z.string(),
  service: z.string(),
  at: z.string(),
  isGone: z.boolean(),
  instances: z
    .array(
      z.object({
        url: z.string().refine((url) => /^https?:\/\//.test(url) && URL.canParse(url)),
        tags: z.array(z.string()),
        weight: z.number().min(0),
      }),
    )
    .min(1)
    .max(MAX_INSTANCES),
})

async function namesIn(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(dir)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Infinity for a file that another registry has just removed. */
async function writtenAt(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Number.POSITIVE_INFINITY
    throw error
  }
}
