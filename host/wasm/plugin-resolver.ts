import { resolve } from 'node:path'
import { monotonicMs } from '../clock.ts'
import { GatewayError } from '../errors.ts'
import type { Logger } from '../observe/log.ts'
import { checkModuleDigest, isRemote, readModuleSource } from './module-source.ts'
import type { PluginCatalog } from './plugin-catalog.ts'
import { type ModuleReference, parsePluginId, referenceText } from './plugin-reference.ts'
import { digestOf, type PluginStore } from './plugin-store.ts'
import { downloadModule } from './remote-module.ts'
import type { Canary } from './rollout/canary.ts'

/** The part of a request that says which module a filter is to run. */
export interface ModuleRequest extends ModuleReference {
  readonly pipeline: string
  readonly filter: string
  /** Paths are relative to this folder. */
  readonly baseDir: string
  readonly log: Logger
}

/** The bytes of a module and where they are from. */
export interface ModuleOrigin {
  readonly bytes: Buffer
  /** To be watched; null when there is nothing to watch. */
  readonly file: string | null
  /** `store` by name, `override` when it was pushed in place of what the configuration names. */
  readonly origin: 'code' | 'store' | 'override'
  /** Who brought it, and why. */
  readonly by: string
  readonly reason: string
}

/** The file that the module itself was read from: one that stands in for a file has that one watched only. */
export function readFrom({ file, origin }: ModuleOrigin): string | null {
  return origin === 'override' ? null : file
}

/** A version on trial beside the one that runs. */
export interface TrialOrigin {
  /** `PIPELINE/FILTER` or the name of the plugin: what the trial is of. */
  readonly subject: string
  readonly canary: Canary
  readonly bytes: Buffer
}

/**
 * How long a failed download is not tried again. A filter without its module is tried every two seconds, and
 * whoever serves the module must not pay for it.
 */
export const REMOTE_RETRY_MS = 30_000

const CONFIGURATION = { by: 'configuration', reason: 'named by the configuration' }

/**
 * Which module a filter runs: what its configuration names, or what was pushed, promoted or rolled back in
 * place of it. Everything but files and a URL's first download is read from the data directory.
 */
export class PluginResolver {
  readonly #store: PluginStore
  readonly #catalog: PluginCatalog
  /** Downloads that failed a moment ago, by URL and digest. */
  readonly #failed = new Map<string, { readonly error: unknown; readonly atMs: number }>()
  /** Modules that are read in place of others, by absolute path. */
  standIns: ReadonlyMap<string, string> = new Map()

  constructor(store: PluginStore, catalog: PluginCatalog) {
    this.#store = store
    this.#catalog = catalog
  }

  /** Fails with GUEST_CODE_READ or PLUGIN_UNKNOWN. */
  async stable(request: ModuleRequest): Promise<ModuleOrigin> {
    const key = `${request.pipeline}/${request.filter}`
    const override = await this.#store.override(key, referenceText(request))
    if (override === undefined) return this.#named(request)
    const pushed = { origin: 'override', by: override.by, reason: override.reason } as const
    if (override.insteadOf !== null) {
      const named = await this.#named(request)
      // Rolled back from these very bytes: other ones are a new version, which gets its chance.
      if (override.insteadOf !== digestOf(named.bytes)) return named
      const bytes = await this.#store.get(override.digest)
      // The file stays watched: mending it is what ends the override.
      return bytes === undefined ? named : { bytes, file: named.file, ...pushed }
    }
    const bytes = await this.#store.get(override.digest)
    if (bytes !== undefined) return { bytes, file: null, ...pushed }
    request.log.warn(
      { filter: key, digest: override.digest },
      'the pushed plugin is gone from the data directory; running what the configuration names',
    )
    return this.#named(request)
  }

  /** What the configuration alone names, whatever stands in for it. */
  named(request: ModuleRequest): Promise<ModuleOrigin> {
    return this.#named(request)
  }

  /** What is on trial beside the stable version, in this filter or for the plugin it names; null for nothing. */
  async trial(request: ModuleRequest, stable: ModuleOrigin): Promise<TrialOrigin | null> {
    const key = `${request.pipeline}/${request.filter}`
    const code = referenceText(request)
    const own = await this.#store.canary(key, code)
    if (own !== undefined) return this.#onTrial(key, own, request.log)
    const id = request.plugin === null ? undefined : parsePluginId(request.plugin)
    // A pin stays where it is, and so does a filter that was pushed to or rolled back by itself.
    if (id === undefined || id.version !== null || stable.origin === 'override') return null
    const { canary } = await this.#catalog.get(id.name)
    return canary === null ? null : this.#onTrial(id.name, canary, request.log)
  }

  async #onTrial(subject: string, canary: Canary, log: Logger): Promise<TrialOrigin | null> {
    const bytes = await this.#store.get(canary.digest)
    if (bytes !== undefined) return { subject, canary, bytes }
    log.warn(
      { subject, digest: canary.digest },
      'the version on trial is gone from the data directory',
    )
    return null
  }

  /** What the configuration names, or what stands in for it on a developer's machine. */
  async #named(request: ModuleRequest): Promise<ModuleOrigin> {
    const { code, plugin, sha256, baseDir } = request
    if (plugin !== null) return this.#stored(plugin)
    const source = code ?? ''
    if (isRemote(source)) {
      const bytes = await this.#remote(source, sha256 ?? '')
      return { bytes, file: null, origin: 'code', ...CONFIGURATION }
    }
    const standIn =
      this.standIns.size === 0 ? undefined : this.standIns.get(resolve(baseDir, source))
    const read = await readModuleSource(standIn ?? source, baseDir)
    if (sha256 !== null && standIn === undefined) checkModuleDigest(source, read.bytes, sha256)
    return { ...read, origin: 'code', ...CONFIGURATION }
  }

  async #stored(plugin: string): Promise<ModuleOrigin> {
    const id = parsePluginId(plugin)
    if (id === undefined) throw new GatewayError('PLUGIN_UNKNOWN', { plugin, near: null })
    const { digest } = await this.#catalog.version(id)
    const bytes = await this.#store.get(digest)
    if (bytes === undefined) {
      throw new GatewayError('GUEST_CODE_READ', {
        source: plugin,
        reason: `its module ${digest} is gone from the data directory; push it again`,
      })
    }
    if (id.version !== null) return { bytes, file: null, origin: 'store', ...CONFIGURATION }
    const { history } = await this.#catalog.get(id.name)
    const last = history.findLast(({ action }) => action === 'promoted' || action === 'rolled back')
    const why = last === undefined ? CONFIGURATION : { by: last.by, reason: last.reason }
    return { bytes, file: null, origin: 'store', ...why }
  }

  /** From the data directory when it is there: a restart asks nobody. */
  async #remote(url: string, sha256: string): Promise<Buffer> {
    const kept = await this.#store.get(`sha256:${sha256}`)
    if (kept !== undefined) return kept
    const key = `${url} ${sha256}`
    const failed = this.#failed.get(key)
    if (failed !== undefined && monotonicMs() - failed.atMs < REMOTE_RETRY_MS) throw failed.error
    try {
      const bytes = await downloadModule(url)
      checkModuleDigest(url, bytes, sha256)
      this.#failed.delete(key)
      await this.#store.put(bytes)
      return bytes
    } catch (error) {
      this.#failed.set(key, { error, atMs: monotonicMs() })
      throw error
    }
  }
}
