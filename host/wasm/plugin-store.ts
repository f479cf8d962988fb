import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from '../config/schema.ts'
import { reasonOf } from '../errors.ts'
import { readIfThere, writeAtomic } from '../stored-file.ts'
import { type Canary, canarySchema } from './rollout/canary.ts'

/** `sha256:` and 64 hex digits. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

const DIGEST = /^sha256:[0-9a-f]{64}$/

/** A module that runs in one filter in place of what its `code` names. */
export interface Override {
  readonly digest: string
  /** The `code` it stands in for; the override ends when the configuration names another one. */
  readonly code: string
  /**
   * The digest of the module it was rolled back from: the override ends when `code` has another content.
   * Null for one that was pushed, which stays whatever the file holds.
   */
  readonly insteadOf: string | null
  readonly at: string
  readonly reason: string
  /** Who asked for it: an address and whom it says it is, or `gateway`. */
  readonly by: string
}

/** One version that ran in a filter. */
export interface HistoryEntry {
  readonly digest: string
  /** The version the module has in its description; null when it has none. */
  readonly version: string | null
  readonly at: string
  /** Who brought it: an address and whom it says it is, `configuration`, or `gateway` for what happens by itself. */
  readonly by: string
  /** Why it came. */
  readonly reason: string
  /** Why it was taken back; null while it is none the worse. */
  readonly withdrawn: string | null
}

interface FilterRecord {
  readonly override: Override | null
  /** The version on trial; null when there is none. */
  readonly canary: Canary | null
  /** Oldest first. */
  readonly history: readonly HistoryEntry[]
}

const NO_RECORD: FilterRecord = { override: null, canary: null, history: [] }

/** Versions of one filter that are remembered, and can be gone back to. */
export const HISTORY_KEPT = 10

/**
 * Modules by digest, and for each filter (`PIPELINE/FILTER`) what ran in it and what runs in place of its
 * configuration, under the data directory:
 *
 *     plugins/sha256/HEX.wasm      never changed once written
 *     plugins/sha256/HEX.wasm.map  its source map, when it came with one
 *     plugins/catalog.json         names and versions: see PluginCatalog
 *     plugins/filters.json         PIPELINE/FILTER -> FilterRecord
 *
 * Writes go to a temporary name and are renamed, so that a crash leaves the old or the new, never half.
 */
export class PluginStore {
  readonly #dir: string
  #records: Map<string, FilterRecord> | null = null
  #writing: Promise<void> = Promise.resolve()

  constructor(dataDir: string) {
    this.#dir = join(dataDir, 'plugins')
  }

  /** Where names and versions are kept. */
  get catalogFile(): string {
    return join(this.#dir, 'catalog.json')
  }

  /** Where checked modules are kept; it holds nothing that cannot be made anew. */
  get gateCacheDir(): string {
    return join(this.#dir, 'gated')
  }

  /** Keeps the module; returns its digest. */
  async put(bytes: Uint8Array): Promise<string> {
    const digest = digestOf(bytes)
    if ((await this.get(digest)) === undefined) await writeAtomic(this.#path(digest), bytes)
    return digest
  }

  /** The module, or undefined when it is not here or no longer what it was. */
  async get(digest: string): Promise<Buffer | undefined> {
    const bytes = await readIfThere(this.#path(digest))
    return bytes !== undefined && digestOf(bytes) === digest ? bytes : undefined
  }

  /** Where the source map of a module is, if it has one here. */
  mapFile(digest: string): string {
    return `${this.#path(digest)}.map`
  }

  /** Keeps the source map of a module, in place of a former one. False when the module is not here. */
  async putMap(digest: string, map: Uint8Array): Promise<boolean> {
    // The digest is somebody's text, and about to be a part of a path.
    if (!DIGEST.test(digest) || (await this.get(digest)) === undefined) return false
    await writeAtomic(this.mapFile(digest), map)
    return true
  }

  /** The override of a filter whose configuration says `code`, or undefined. */
  async override(key: string, code: string): Promise<Override | undefined> {
    const override = (await this.#record(key)).override
    return override?.code === code ? override : undefined
  }

  async setOverride(key: string, override: Override | null): Promise<void> {
    await this.#save(key, { ...(await this.#record(key)), override })
  }

  /** The version on trial in a filter whose configuration says `code`, or undefined. */
  async canary(key: string, code: string): Promise<Canary | undefined> {
    const { canary } = await this.#record(key)
    return canary?.code === code ? canary : undefined
  }

  async setCanary(key: string, canary: Canary | null): Promise<void> {
    await this.#save(key, { ...(await this.#record(key)), canary })
  }

  /** What ran in a filter, oldest first. */
  async history(key: string): Promise<readonly HistoryEntry[]> {
    return (await this.#record(key)).history
  }

  /** Remembers that this module runs in the filter now, and keeps it, so that one can go back to it. */
  async ran(
    key: string,
    bytes: Uint8Array,
    why: Pick<HistoryEntry, 'version' | 'by' | 'reason'>,
  ): Promise<void> {
    const record = await this.#record(key)
    const digest = digestOf(bytes)
    if (record.history.at(-1)?.digest === digest) return
    await this.put(bytes)
    const entry = { digest, at: new Date().toISOString(), ...why, withdrawn: null }
    const history = [...record.history, entry].slice(-HISTORY_KEPT)
    await this.#save(key, { ...record, history })
  }

  /** Remembers a version that was tried beside the one that runs, and was taken back. */
  async tried(key: string, entry: HistoryEntry): Promise<void> {
    const record = await this.#record(key)
    // What runs stays the newest.
    const history = record.history.toSpliced(-1, 0, entry).slice(-HISTORY_KEPT)
    await this.#save(key, { ...record, history })
  }

  /** Notes why a version was taken back, so that nobody goes back to it unknowingly. */
  async withdraw(key: string, digest: string, reason: string): Promise<void> {
    const record = await this.#record(key)
    const history = record.history.map((entry) =>
      entry.digest === digest ? { ...entry, withdrawn: reason } : entry,
    )
    await this.#save(key, { ...record, history })
  }

  /** Every digest a filter may run or go back to, with the filter. */
  async digestsInUse(): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>()
    for (const [key, { override, canary, history }] of await this.#all()) {
      for (const entry of history) found.set(entry.digest, key)
      if (override !== null) found.set(override.digest, key)
      if (canary !== null) found.set(canary.digest, key)
    }
    return found
  }

  /** Forgets a module and its map. The caller has seen to it that nothing needs it. */
  async remove(digest: string): Promise<void> {
    await rm(this.mapFile(digest), { force: true })
    await rm(this.#path(digest), { force: true })
  }

  #path(digest: string): string {
    return join(this.#dir, 'sha256', `${digest.slice('sha256:'.length)}.wasm`)
  }

  async #record(key: string): Promise<FilterRecord> {
    return (await this.#all()).get(key) ?? NO_RECORD
  }

  async #all(): Promise<Map<string, FilterRecord>> {
    if (this.#records === null) {
      const text = await readIfThere(join(this.#dir, 'filters.json'))
      this.#records ??= parseRecords(text?.toString('utf8'))
    }
    return this.#records
  }

  /** One write at a time: two changes at once must not leave the older list behind. */
  #save(key: string, record: FilterRecord): Promise<void> {
    this.#records?.set(key, record)
    const text = `${JSON.stringify(Object.fromEntries(this.#records ?? []), null, 2)}\n`
    const write = this.#writing.then(() =>
      writeAtomic(join(this.#dir, 'filters.json'), Buffer.from(text)),
    )
    this.#writing = write.catch(() => undefined)
    return write
  }
}

const record = z.object({
  override: z
    .object({
      digest: z.string(),
      code: z.string(),
      insteadOf: z.string().nullable(),
      at: z.string(),
      reason: z.string(),
      by: z.string().default(''),
    })
    .nullable(),
  canary: canarySchema.nullable().default(null),
  history: z.array(
    z.object({
      digest: z.string(),
      version: z.string().nullable().default(null),
      at: z.string(),
      by: z.string().default(''),
      reason: z.string().default(''),
      withdrawn: z.string().nullable(),
    }),
  ),
})

/** A list that cannot be read is an empty one: the filters then run what their configuration names. */
function parseRecords(text: string | undefined): Map<string, FilterRecord> {
  if (text === undefined) return new Map()
  try {
    return new Map(Object.entries(z.record(z.string(), record).parse(JSON.parse(text))))
  } catch (error) {
    process.emitWarning(
      `the list of pushed plugins cannot be read and is ignored: ${reasonOf(error)}`,
    )
    return new Map()
  }
}
