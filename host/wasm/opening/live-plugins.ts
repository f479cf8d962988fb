import type { DataStore } from '../data/data-store.ts'
import { DebugRun } from '../debug-run.ts'
import type { PluginSetup } from '../executor.ts'
import type { PluginMeters } from '../metrics/plugin-meters.ts'
import { MonitoredExecutor } from '../monitored-executor.ts'
import type { OpenPlugin, PluginRequest } from '../open-plugin.ts'
import type { PluginMonitor } from '../plugin-monitor.ts'
import { type ModuleOrigin, readFrom } from '../plugin-resolver.ts'
import type { PluginStore } from '../plugin-store.ts'
import type { VersionMeter } from '../rollout/rollout-meter.ts'
import { SourcePlaces } from '../source-places.ts'
import type { CompiledModule, CompiledModules } from './compiled-modules.ts'
import type { GuestReports } from './guest-reports.ts'
import type { PluginExecutors } from './plugin-executors.ts'
import type { PluginHooks } from './plugin-hooks.ts'
import type { PluginMonitors } from './plugin-monitors.ts'
import { type PluginPlan, planPlugin } from './plugin-plan.ts'

/** What a plugin is started from. */
export interface LiveParts {
  readonly modules: CompiledModules
  readonly monitors: PluginMonitors
  readonly reports: GuestReports
  readonly executors: PluginExecutors
  readonly meters: PluginMeters
  readonly data: DataStore
  readonly store: PluginStore
  readonly hooks: PluginHooks
}

/**
 * The plugin versions that run: started one by one, and let go when the last user has closed them. Nothing
 * is left of one that cannot be started.
 */
export class LivePlugins {
  readonly #parts: LiveParts
  /** The files that live plugins were read from, with how many of them. */
  readonly #files = new Map<string, number>()
  #setups = 0
  #count = 0

  constructor(parts: LiveParts) {
    this.#parts = parts
  }

  get count(): number {
    return this.#count
  }

  get files(): readonly string[] {
    return [...this.#files.keys()]
  }

  /** Fails with the GUEST_* error that says why it cannot be. `meter` counts what it does in a trial. */
  async open(
    request: PluginRequest,
    source: ModuleOrigin,
    meter: VersionMeter | null,
  ): Promise<OpenPlugin> {
    const usage = this.#parts.modules.acquire(source.bytes, request.memoryPages)
    try {
      return await this.#start(request, source, await usage.value, meter, () => usage.release())
    } catch (error) {
      usage.release()
      throw error
    }
  }

  /** `onClosed` runs when it has been let go. */
  async #start(
    request: PluginRequest,
    source: ModuleOrigin,
    compiled: CompiledModule,
    meter: VersionMeter | null,
    onClosed: () => void,
  ): Promise<OpenPlugin> {
    const { monitors, reports, executors, meters } = this.#parts
    const { pipeline, filter } = request
    this.#setups += 1
    const plan = planPlugin(request, compiled, { id: this.#setups, threads: executors.threads })
    const { name: plugin, setup } = plan
    const version = compiled.description.version ?? ''
    const { digest } = compiled
    const maps = { stored: this.#parts.store.mapFile(digest), module: readFrom(source) }
    const monitor = monitors.of({ pipeline, filter, plugin, version, digest })
    monitor.cpu.perSecondMs = request.cpuPerSecondMs
    this.#report(request, plan, monitor)
    const inner = executors.make(setup, request, monitor)
    const executor = new MonitoredExecutor(inner, monitor)
    try {
      await executor.start()
    } catch (error) {
      reports.remove(setup.id)
      await executor.close()
      throw error
    }
    const counted = meters.of({ pipeline, filter, plugin })
    this.#count += 1
    this.#countFile(source.file, 1)
    monitor.executors.add(executor)
    counted.users += 1
    const release = async (): Promise<void> => {
      this.#count -= 1
      this.#countFile(source.file, -1)
      monitor.executors.delete(executor)
      counted.users -= 1
      await executor.close()
      reports.remove(setup.id)
      onClosed()
    }
    return {
      digest,
      name: plugin,
      description: plan.description,
      dataNamespace: plan.dataNamespace,
      origin: source.origin,
      file: source.file,
      executor,
      report: compiled.report,
      places: new SourcePlaces(compiled.info, maps, compiled.offsetMap),
      debugRun: this.#debugRun(setup, source.file, request.memoryPages),
      grant: plan.grant,
      grantView: plan.grantView,
      meters: counted,
      observe: (outcome) => {
        monitor.observe(outcome)
        if (meter !== null) meter.observe(outcome)
      },
      isSuspended: () => monitor.isSuspended,
      ...shared(release),
    }
  }

  /** From here on what the guest says is heard; first of all, what it will not get. */
  #report(request: PluginRequest, plan: PluginPlan, monitor: PluginMonitor): void {
    const { pipeline, filter, log } = request
    const { name: plugin, setup, grantView, description } = plan
    const { denied } = grantView
    this.#parts.reports.add(setup.id, {
      plugin,
      pipeline,
      filter,
      monitor,
      secrets: setup.secrets?.values() ?? [],
      log: log.child({ plugin, version: description.version ?? undefined }),
    })
    if (denied.length === 0) return
    log.warn({ plugin, denied }, `${plugin} asks for what it is not granted: ${denied.join(', ')}`)
  }

  #debugRun(setup: PluginSetup, file: string | null, memoryPages: number): DebugRun | null {
    const { hooks, modules, data } = this.#parts
    const findBuild = hooks.debugBuildOf
    // Run again, a call of somebody else would be made again.
    if (findBuild === null || file === null || setup.canWait === true) return null
    return new DebugRun({
      setup,
      store: data,
      file,
      findBuild,
      load: async (from, bytes) => {
        const { module, info, offsetMap } = await modules.compile(bytes, memoryPages)
        const maps = { stored: null, module: from }
        return { module, places: new SourcePlaces(info, maps, offsetMap) }
      },
    })
  }

  #countFile(file: string | null, difference: 1 | -1): void {
    if (file === null) return
    const uses = (this.#files.get(file) ?? 0) + difference
    if (uses > 0) this.#files.set(file, uses)
    else this.#files.delete(file)
  }
}

/** For something with one user from the start: `release` runs when the last one has closed it. */
function shared(release: () => Promise<void>): Pick<OpenPlugin, 'retain' | 'close'> {
  let users = 1
  return {
    retain: () => {
      users += 1
    },
    close: async () => {
      users -= 1
      if (users === 0) await release()
    },
  }
}
