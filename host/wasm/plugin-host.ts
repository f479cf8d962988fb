import { GatewayError, reasonOf } from '../errors.ts'
import type { Logger } from '../observe/log.ts'
import { DATA_WAIT_MS } from './data/data-limits.ts'
import { DataStore } from './data/data-store.ts'
import { limitEngine } from './engine-limits.ts'
import { keepMapBeside } from './keep-source-map.ts'
import { PluginMeters } from './metrics/plugin-meters.ts'
import type { ModuleSheet } from './module-sheet.ts'
import type { OpenPlugin, OpenVersions, PluginRequest } from './open-plugin.ts'
import { CompiledModules } from './opening/compiled-modules.ts'
import { GuestReports } from './opening/guest-reports.ts'
import { LivePlugins } from './opening/live-plugins.ts'
import { PluginExecutors } from './opening/plugin-executors.ts'
import { PluginHooks } from './opening/plugin-hooks.ts'
import { PluginMonitors } from './opening/plugin-monitors.ts'
import { PluginCatalog } from './plugin-catalog.ts'
import type { PluginMonitor } from './plugin-monitor.ts'
import {
  type ModuleOrigin,
  type ModuleRequest,
  PluginResolver,
  readFrom,
} from './plugin-resolver.ts'
import { digestOf, type PluginStore } from './plugin-store.ts'
import { keptSourceMap } from './pushed-source-map.ts'
import type { VersionMeter } from './rollout/rollout-meter.ts'
import { Rollouts } from './rollout/rollouts.ts'

/** Which module a filter is to run, and where relative paths of it begin. */
export type ModulePlace = Omit<ModuleRequest, 'log'>

/**
 * Opens plugins for filters: finds which module that is, and has it compiled and started. One per gateway.
 *
 *     request ──▶ PluginResolver ──▶ CompiledModules ──▶ planPlugin ──▶ LivePlugins ──▶ OpenPlugin
 *                 which bytes        once per digest     who may what   one per generation
 */
export class PluginHost {
  /** The key-value data of all plugins. It stays when a plugin is swapped, and ends with the process. */
  readonly data = new DataStore()
  /** The metrics of guests. */
  readonly meters = new PluginMeters()
  /** To be set by the composition root. */
  readonly hooks = new PluginHooks()
  /** Modules by digest, and what ran in which filter. */
  readonly store: PluginStore
  /** Names and versions of stored plugins. */
  readonly catalog: PluginCatalog
  /** Versions on trial. */
  readonly rollouts = new Rollouts()
  readonly #log: Logger
  readonly #resolver: PluginResolver
  readonly #modules: CompiledModules
  readonly #monitors: PluginMonitors
  readonly #executors: PluginExecutors
  readonly #live: LivePlugins

  constructor(store: PluginStore, threads: number, log: Logger, dataWaitMs: number = DATA_WAIT_MS) {
    limitEngine()
    const { data, meters, hooks } = this
    this.#log = log
    this.store = store
    this.catalog = new PluginCatalog(store.catalogFile)
    this.#resolver = new PluginResolver(store, this.catalog)
    const modules = new CompiledModules(store.gateCacheDir, hooks, log)
    const monitors = new PluginMonitors(hooks)
    const reports = new GuestReports(hooks)
    const executors = new PluginExecutors({ threads, data, dataWaitMs, reports, hooks })
    this.#modules = modules
    this.#monitors = monitors
    this.#executors = executors
    const parts = { modules, monitors, reports, executors, meters, data, store, hooks }
    this.#live = new LivePlugins(parts)
  }

  /** Modules that are read in place of others, by absolute path. Set by the composition root. */
  set standIns(modules: ReadonlyMap<string, string>) {
    this.#resolver.standIns = modules
  }

  /** Files to watch: a change of one of them is a new version of every plugin read from it. */
  get files(): readonly string[] {
    return this.#live.files
  }

  get monitors(): Iterable<PluginMonitor> {
    return this.#monitors.all
  }

  status(): {
    readonly plugins: number
    readonly threads: number
    readonly replacedThreads: number
  } {
    return { plugins: this.#live.count, ...this.#executors.status() }
  }

  /** The digest of what `openVersions` would read now. Fails with GUEST_CODE_READ or PLUGIN_UNKNOWN. */
  async digestNow(place: ModulePlace): Promise<string> {
    const source = await this.#resolver.stable({ ...place, log: this.#log })
    return digestOf(source.bytes)
  }

  /** The digest of what the configuration alone names; null when that cannot be read. */
  async digestNamed(place: ModulePlace): Promise<string | null> {
    try {
      return digestOf((await this.#resolver.named({ ...place, log: this.#log })).bytes)
    } catch {
      // Why it cannot be read is told when it is needed; a stand-in is no worse for it.
      return null
    }
  }

  /**
   * What a module is and says of itself. Fails like `openVersions`, but for its start code, which is not run.
   * `file` is where it was read from, for the source map beside it.
   */
  inspect(bytes: Buffer, file: string | null = null): Promise<ModuleSheet> {
    const stored = this.store.mapFile(digestOf(bytes))
    return this.#modules.inspect(bytes, { stored, module: file })
  }

  /** The file that `openVersions` would read the module of this digest from; null when it comes without one. */
  async fileOf(place: ModulePlace, digest: string): Promise<string | null> {
    try {
      const source = await this.#resolver.stable({ ...place, log: this.#log })
      return digestOf(source.bytes) === digest ? readFrom(source) : null
    } catch {
      // A file that has gone is not where the module was read from any more.
      return null
    }
  }

  /**
   * Keeps the source map of a module that is stored, whichever filter or name it was pushed for; how many bytes
   * of it. PLUGIN_SOURCE_MAP when it is none, OBJECT_NOT_FOUND when there is no such module.
   */
  async keepSourceMap(digest: string, bytes: Uint8Array): Promise<number> {
    const map = keptSourceMap(bytes)
    if (await this.store.putMap(digest, map)) return map.length
    throw new GatewayError('OBJECT_NOT_FOUND', { name: `module ${digest} in the plugin store` })
  }

  /**
   * Fails with the GUEST_* error that says what is wrong with the module; nothing is left open then. A
   * version on trial that cannot be opened is noted in its meter and left out: a trial must not cost what
   * runs.
   */
  async openVersions(request: PluginRequest): Promise<OpenVersions> {
    const source = await this.#resolver.stable(request)
    const found = await this.#resolver.trial(request, source)
    if (found === null || found.canary.digest === digestOf(source.bytes)) {
      return { stable: await this.#openStable(request, source, null), trial: null }
    }
    const { subject, canary, bytes } = found
    const meter = this.rollouts.meter(subject, canary.digest)
    const stable = await this.#openStable(request, source, meter.stable)
    try {
      const { by, reason } = canary
      const origin = { bytes, file: null, origin: 'override', by, reason } as const
      const plugin = await this.#live.open(request, origin, meter.candidate)
      return { stable, trial: { plugin, canary, meter } }
    } catch (error) {
      meter.startFailure ??= reasonOf(error)
      request.log.error(
        { err: error, subject },
        `the version on trial is left out: ${reasonOf(error)}`,
      )
      return { stable, trial: null }
    }
  }

  async close(): Promise<void> {
    await this.#executors.close()
  }

  /** What runs for the clients that take part in no trial: it is in the history of its filter from now on. */
  async #openStable(
    request: PluginRequest,
    source: ModuleOrigin,
    meter: VersionMeter | null,
  ): Promise<OpenPlugin> {
    const plugin = await this.#live.open(request, source, meter)
    const { by, reason } = source
    const { version } = plugin.description
    const key = `${request.pipeline}/${request.filter}`
    try {
      await this.store.ran(key, source.bytes, { version, by, reason })
    } catch (error) {
      // A full disk costs the way back, not the traffic.
      request.log.warn({ err: error }, `the version of ${key} cannot be kept: ${reasonOf(error)}`)
    }
    await this.#keepMap(request, source)
    return plugin
  }

  /** For the way back too: a file holds its next version and the map of that by then. Never fails. */
  async #keepMap(request: PluginRequest, source: ModuleOrigin): Promise<void> {
    const file = readFrom(source)
    if (file === null) return
    const usage = this.#modules.acquire(source.bytes, request.memoryPages)
    try {
      const { digest, info } = await usage.value
      await keepMapBeside(this.store, digest, file, info)
    } catch (error) {
      request.log.warn(
        { err: error, file },
        `the map beside ${file} is not kept: ${reasonOf(error)}`,
      )
    } finally {
      usage.release()
    }
  }
}
