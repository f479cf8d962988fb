import { nearest } from '../config/nearest.ts'
import { z } from '../config/schema.ts'
import { GatewayError, reasonOf } from '../errors.ts'
import { readIfThere, writeAtomic } from '../stored-file.ts'
import { PLUGIN_NAME, PLUGIN_VERSION, type PluginId } from './plugin-reference.ts'
import { type Canary, canarySchema } from './rollout/canary.ts'

/** One version of a plugin; it never changes. */
export interface StoredVersion {
  readonly version: string
  readonly digest: string
  readonly bytes: number
  readonly at: string
  readonly by: string
  /** Why it was rolled back; null while it is none the worse. */
  readonly withdrawn: string | null
}

/** Something that was done to a plugin. */
export interface CatalogEvent {
  readonly action: 'pushed' | 'promoted' | 'canary' | 'rolled back' | 'removed'
  readonly version: string
  readonly at: string
  /** Who: an address and whom it says it is, or `gateway` for what happens by itself. */
  readonly by: string
  readonly reason: string
}

/** Everything that is kept under one name. */
export interface StoredPlugin {
  /** In the order they came. */
  readonly versions: readonly StoredVersion[]
  /** What `plugin: name` runs. */
  readonly promoted: string
  /** The version on trial; null when there is none. */
  readonly canary: Canary | null
  /** Oldest first. */
  readonly history: readonly CatalogEvent[]
}

/** Events that are kept for each plugin. */
export const EVENTS_KEPT = 50

/**
 * Which module is which version of which plugin, and which version is promoted, in one file under the data
 * directory. The modules themselves are in the PluginStore, by digest. A change is on disk when its promise
 * resolves.
 */
export class PluginCatalog {
  readonly #file: string
  #plugins: Map<string, StoredPlugin> | null = null
  #writing: Promise<void> = Promise.resolve()

  constructor(file: string) {
    this.#file = file
  }

  /** By name, sorted. */
  async list(): Promise<readonly (readonly [name: string, plugin: StoredPlugin])[]> {
    return [...(await this.#all())].toSorted(([a], [b]) => (a < b ? -1 : 1))
  }

  /** PLUGIN_UNKNOWN, with the nearest name, when there is none. */
  async get(name: string): Promise<StoredPlugin> {
    const all = await this.#all()
    const plugin = all.get(name)
    if (plugin !== undefined) return plugin
    throw new GatewayError('PLUGIN_UNKNOWN', { plugin: name, near: nearest(name, all.keys()) })
  }

  /** The version that is named, or the promoted one. PLUGIN_UNKNOWN, with the nearest, when there is none. */
  async version({ name, version }: PluginId): Promise<StoredVersion> {
    const plugin = await this.get(name)
    const wanted = version ?? plugin.promoted
    const found = plugin.versions.find((one) => one.version === wanted)
    if (found !== undefined) return found
    const near = nearest(
      wanted,
      plugin.versions.map((one) => one.version),
    )
    throw new GatewayError('PLUGIN_UNKNOWN', {
      plugin: `${name}@${wanted}`,
      near: near === null ? null : `${name}@${near}`,
    })
  }

  /**
   * Adds a version; the first one of a name is promoted. True when it is new: the same module under the same
   * name and version changes nothing. PLUGIN_VERSION_TAKEN for another module, PLUGIN_UNNAMED for a name or
   * version that cannot be one.
   */
  async add(
    name: string,
    added: Omit<StoredVersion, 'withdrawn'>,
    reason: string,
  ): Promise<boolean> {
    if (!PLUGIN_NAME.test(name)) throw new GatewayError('PLUGIN_UNNAMED', named('name', name))
    const { version, digest, at, by } = added
    if (!PLUGIN_VERSION.test(version)) {
      throw new GatewayError('PLUGIN_UNNAMED', named('version', version))
    }
    const plugin = (await this.#all()).get(name)
    const known = plugin?.versions.find((one) => one.version === version)
    if (known !== undefined) {
      if (known.digest === digest) return false
      throw new GatewayError('PLUGIN_VERSION_TAKEN', {
        plugin: `${name}@${version}`,
        digest: known.digest,
      })
    }
    const one = { ...added, withdrawn: null }
    const pushed: CatalogEvent = { action: 'pushed', version, at, by, reason }
    if (plugin === undefined) {
      const first: CatalogEvent = { ...pushed, action: 'promoted', reason: 'the first version' }
      const history = [pushed, first]
      await this.#save(name, { versions: [one], promoted: version, canary: null, history })
      return true
    }
    const { versions, history } = plugin
    await this.#save(name, {
      ...plugin,
      versions: [...versions, one],
      history: [...history, pushed],
    })
    return true
  }

  /** Writes what is promoted and what is on trial, with what was done. */
  async change(
    name: string,
    change: Partial<Pick<StoredPlugin, 'promoted' | 'canary' | 'versions'>>,
    event: CatalogEvent,
  ): Promise<void> {
    const plugin = await this.get(name)
    await this.#save(name, { ...plugin, ...change, history: [...plugin.history, event] })
  }

  /** Puts back what was there before a change that could not be made. */
  async restore(name: string, plugin: StoredPlugin): Promise<void> {
    await this.#save(name, plugin)
  }

  /** Forgets one version, or with null the plugin; the caller has seen to it that nobody needs it. */
  async remove(name: string, version: string | null, event: CatalogEvent): Promise<void> {
    const plugin = await this.get(name)
    const versions = plugin.versions.filter((one) => version !== null && one.version !== version)
    await this.#save(
      name,
      versions.length === 0 ? null : { ...plugin, versions, history: [...plugin.history, event] },
    )
  }

  async #all(): Promise<Map<string, StoredPlugin>> {
    if (this.#plugins === null) {
      const text = await readIfThere(this.#file)
      this.#plugins ??= parseCatalog(text?.toString('utf8'), this.#file)
    }
    return this.#plugins
  }

  /** One write at a time: two changes at once must not leave the older list behind. */
  async #save(name: string, plugin: StoredPlugin | null): Promise<void> {
    const all = await this.#all()
    if (plugin === null) all.delete(name)
    else all.set(name, { ...plugin, history: plugin.history.slice(-EVENTS_KEPT) })
    const text = `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`
    const write = this.#writing.then(() => writeAtomic(this.#file, Buffer.from(text)))
    this.#writing = write.catch(() => undefined)
    return await write
  }
}

function named(what: string, seen: string): { what: string; seen: string } {
  return { what, seen }
}

const schema = z.record(
  z.string(),
  z.object({
    versions: z.array(
      z.object({
        version: z.string(),
        digest: z.string(),
        bytes: z.number(),
        at: z.string(),
        by: z.string(),
        withdrawn: z.string().nullable(),
      }),
    ),
    promoted: z.string(),
    canary: canarySchema.nullable(),
    history: z.array(
      z.object({
        action: z.enum(['pushed', 'promoted', 'canary', 'rolled back', 'removed']),
        version: z.string(),
        at: z.string(),
        by: z.string(),
        reason: z.string(),
      }),
    ),
  }),
)

/**
 * A catalog that cannot be read is an empty one, so that the gateway starts; filters that name a plugin then
 * say that it is not there. The file is left as it is until the next push.
 */
function parseCatalog(text: string | undefined, file: string): Map<string, StoredPlugin> {
  if (text === undefined) return new Map()
  try {
    return new Map(Object.entries(schema.parse(JSON.parse(text))))
  } catch (error) {
    process.emitWarning(`the list of stored plugins ${file} is ignored: ${reasonOf(error)}`)
    return new Map()
  }
}
