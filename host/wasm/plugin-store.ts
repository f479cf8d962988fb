import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { reasonOf } from '../errors.ts'

/** `sha256:` and 64 hex digits. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** A module that was pushed into one filter, in place of what its `code` names. */
export interface Override {
  readonly digest: string
  /** The `code` it stands in for; the override ends when the configuration names another one. */
  readonly code: string
  readonly pushedAt: string
}

/**
 * Modules by digest and the overrides that refer to them, under the data directory:
 *
 *     plugins/sha256/HEX.wasm      never changed once written
 *     plugins/overrides.json       PIPELINE/FILTER -> Override
 *
 * Writes go to a temporary name and are renamed, so that a crash leaves the old or the new, never half.
 */
export class PluginStore {
  readonly #dir: string
  #overrides: Map<string, Override> | null = null
  #writing: Promise<void> = Promise.resolve()

  constructor(dataDir: string) {
    this.#dir = join(dataDir, 'plugins')
  }

  /** Where checked modules are kept; it holds nothing that cannot be made anew. */
  get gateCacheDir(): string {
    return join(this.#dir, 'gated')
  }

  /** Keeps the module; returns its digest. */
  async put(bytes: Uint8Array): Promise<string> {
    const digest = digestOf(bytes)
    await writeAtomic(this.#path(digest), bytes)
    return digest
  }

  /** The module, or undefined when it is not here or no longer what it was. */
  async get(digest: string): Promise<Buffer | undefined> {
    const bytes = await readIfThere(this.#path(digest))
    return bytes !== undefined && digestOf(bytes) === digest ? bytes : undefined
  }

  /** The override of a filter whose configuration says `code`, or undefined. */
  async override(key: string, code: string): Promise<Override | undefined> {
    const override = (await this.#load()).get(key)
    return override?.code === code ? override : undefined
  }

  async overrides(): Promise<ReadonlyMap<string, Override>> {
    return this.#load()
  }

  async setOverride(key: string, override: Override): Promise<void> {
    const overrides = await this.#load()
    overrides.set(key, override)
    await this.#save(overrides)
  }

  async dropOverride(key: string): Promise<boolean> {
    const overrides = await this.#load()
    if (!overrides.delete(key)) return false
    await this.#save(overrides)
    return true
  }

  #path(digest: string): string {
    return join(this.#dir, 'sha256', `${digest.slice('sha256:'.length)}.wasm`)
  }

  async #load(): Promise<Map<string, Override>> {
    if (this.#overrides === null) {
      const text = await readIfThere(join(this.#dir, 'overrides.json'))
      this.#overrides = parseOverrides(text?.toString('utf8'))
    }
    return this.#overrides
  }

  /** One write at a time: two pushes at once must not leave the older list behind. */
  #save(overrides: ReadonlyMap<string, Override>): Promise<void> {
    const text = `${JSON.stringify(Object.fromEntries(overrides), null, 2)}\n`
    const write = this.#writing.then(() =>
      writeAtomic(join(this.#dir, 'overrides.json'), Buffer.from(text)),
    )
    this.#writing = write.catch(() => undefined)
    return write
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

let temporaryNames = 0

/** Writes a file so that it is there whole or not at all. */
export async function writeAtomic(path: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  temporaryNames += 1
  const temporary = `${path}.${process.pid}.${temporaryNames}.tmp`
  await writeFile(temporary, bytes, { mode, flush: true })
  await rename(temporary, path)
}

/** A list that cannot be read is an empty one: the filters then run what their configuration names. */
function parseOverrides(text: string | undefined): Map<string, Override> {
  const overrides = new Map<string, Override>()
  if (text === undefined) return overrides
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch (error) {
    process.emitWarning(
      `the list of pushed plugins cannot be read and is ignored: ${reasonOf(error)}`,
    )
    return overrides
  }
  for (const [key, value] of Object.entries(data as Record<string, Partial<Override>>)) {
    if (typeof value.digest === 'string' && typeof value.code === 'string') {
      overrides.set(key, {
        digest: value.digest,
        code: value.code,
        pushedAt: value.pushedAt ?? '',
      })
    }
  }
  return overrides
}
