import { resolve } from 'node:path'
import { systemClock } from '../clock.ts'
import { GatewayError, reasonOf } from '../errors.ts'
import type { Logger } from '../observe/log.ts'
import { type Usage, UsagePool } from '../usage-pool.ts'
import { checkAbi } from './abi/check-abi.ts'
import { DATA_WAIT_MS } from './data/data-limits.ts'
import { DataStore } from './data/data-store.ts'
import { dataNamespace } from './data/namespace-name.ts'
import { limitEngine } from './engine-limits.ts'
import type { Executor, PluginSetup } from './executor.ts'
import { InlineExecutor } from './inline-executor.ts'
import { WASM_DEFAULTS } from './limits.ts'
import { compileModule } from './module/compile.ts'
import { type PluginDescription, readDescription } from './module/description.ts'
import type { GateReport } from './module/gate.ts'
import { GateCache } from './module/gate-cache.ts'
import type { ModuleInfo } from './module/module-info.ts'
import { DEFAULT_MODULE_LIMITS } from './module/module-limits.ts'
import type { OffsetMap } from './module/offset-map.ts'
import { readModule } from './module/reader.ts'
import { type ModuleSource, readModuleSource } from './module-source.ts'
import { MonitoredExecutor } from './monitored-executor.ts'
import { checkParameters } from './parameters.ts'
import { PluginMonitor, type Suspension } from './plugin-monitor.ts'
import { digestOf, type PluginStore } from './plugin-store.ts'
import { SourcePlaces } from './source-places.ts'
import type { LogMessage } from './worker/protocol.ts'
import { ThreadPool } from './worker/thread-pool.ts'
import { WorkerExecutor } from './worker/worker-executor.ts'

/** What a WasmHost filter asks for. */
export interface PluginRequest {
  readonly pipeline: string
  readonly filter: string
  readonly code: string
  readonly baseDir: string
  readonly parameters: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly queueTimeoutMs: number
  readonly maxConcurrency: number
  readonly queueLength: number
  readonly isolation: 'worker' | 'inline'
  readonly reset: 'never' | 'request'
  /** Fuel of one call; null for the default of the isolation. */
  readonly fuel: number | null
  /** Pages of 64 KiB the guest's memory may grow to. */
  readonly memoryPages: number
  readonly log: Logger
}

/** One plugin version, ready to be called for one generation of a filter. */
export interface OpenPlugin {
  readonly digest: string
  readonly name: string
  readonly description: PluginDescription
  /** The namespace of its key-value data. */
  readonly dataNamespace: string
  /** `override` when it was pushed in place of what the configuration names. */
  readonly origin: 'code' | 'override'
  /** The file it was read from; null when there is none to watch. */
  readonly file: string | null
  readonly executor: Executor
  /** What the gate found and changed. */
  readonly report: GateReport
  /** Where in its sources a guest trapped, innermost first. */
  readonly places: SourcePlaces
  /** True while it is left alone because it failed too often. */
  isSuspended(): boolean
  /** One more user; each calls `close` once. */
  retain(): void
  /** Frees its instances when the last user has closed it, and the last exchange that uses it has ended. */
  close(): Promise<void>
}

/** The part of a request that says where the code is. */
type CodeRequest = Pick<PluginRequest, 'code' | 'baseDir' | 'log'>

/** The bytes of a module and where they are from. */
interface Source {
  readonly bytes: Buffer
  /** To be watched; null when there is nothing to watch. */
  readonly file: string | null
  readonly origin: 'code' | 'override'
}

interface CompiledModule {
  readonly description: PluginDescription
  readonly module: WebAssembly.Module
  readonly report: GateReport
  readonly info: ModuleInfo
  readonly offsetMap: OffsetMap
}

interface LogTarget {
  readonly log: Logger
  readonly pipeline: string
  readonly filter: string
}

/** A line of a plugin's log and what it belongs to. */
export interface GuestLogLine {
  readonly requestId: string
  readonly pipeline: string
  readonly filter: string
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly text: string
}

/**
 * Opens plugins: reads code, checks it, compiles it once per digest, and starts instances in the threads
 * of the trust domain. There is one per gateway, and today one trust domain.
 */
export class PluginHost {
  /** The key-value data of all plugins. It stays when a plugin is swapped, and ends with the process. */
  readonly data = new DataStore()
  readonly #store: PluginStore
  readonly #threads: number
  readonly #dataWaitMs: number
  readonly #log: Logger
  readonly #modules = new UsagePool()
  readonly #gate: GateCache
  readonly #logs = new Map<number, LogTarget>()
  /** Modules that are read in place of others, by absolute path. Set by the composition root. */
  standIns: ReadonlyMap<string, string> = new Map()
  /** Hears of every line a plugin logs for a request, whatever the log's level. Set by the composition root. */
  onGuestLog: ((line: GuestLogLine) => void) | null = null
  /** By filter and digest, kept over generations: a reload forgives nothing. */
  readonly #monitors = new Map<string, PluginMonitor>()
  /** Hears of a version that failed too often. Set by the composition root. */
  onSuspended: (suspension: Suspension) => void = () => undefined
  /** The files that open plugins were read from, with how many use each. */
  readonly #files = new Map<string, number>()
  #pool: ThreadPool | null = null
  #setups = 0
  #open = 0

  constructor(store: PluginStore, threads: number, log: Logger, dataWaitMs: number = DATA_WAIT_MS) {
    limitEngine()
    this.#dataWaitMs = dataWaitMs
    this.#log = log
    this.#store = store
    this.#threads = threads
    this.#gate = new GateCache(store.gateCacheDir, (error) => {
      log.warn({ err: error }, `the cache of checked modules: ${reasonOf(error)}`)
    })
  }

  get store(): PluginStore {
    return this.#store
  }

  /** Files to watch: a change of one of them is a new version of every plugin read from it. */
  get files(): readonly string[] {
    return [...this.#files.keys()]
  }

  get monitors(): Iterable<PluginMonitor> {
    return this.#monitors.values()
  }

  status(): {
    readonly plugins: number
    readonly threads: number
    readonly replacedThreads: number
  } {
    return {
      plugins: this.#open,
      threads: this.#pool?.size ?? 0,
      replacedThreads: this.#pool?.replaced ?? 0,
    }
  }

  /** The digest of what `open` would read now. Fails with GUEST_CODE_READ. */
  async digestNow(
    pipeline: string,
    filter: string,
    code: string,
    baseDir: string,
  ): Promise<string> {
    const source = await this.#source(`${pipeline}/${filter}`, { code, baseDir, log: this.#log })
    return digestOf(source.bytes)
  }

  /** Fails with the GUEST_* error that says what is wrong with the module; nothing is left open then. */
  async open(request: PluginRequest): Promise<OpenPlugin> {
    const key = `${request.pipeline}/${request.filter}`
    const source = await this.#source(key, request)
    const usage = this.#compile(source.bytes, request.memoryPages)
    try {
      const compiled = await usage.value
      const plugin = await this.#start(request, source, compiled, usage)
      await this.#store.ran(key, source.bytes)
      return plugin
    } catch (error) {
      usage.release()
      throw error
    }
  }

  /** What the configuration names, unless an override stands in for it. */
  /** What the configuration names, or what stands in for it on a developer's machine. */
  #read({ code, baseDir }: CodeRequest): Promise<ModuleSource> {
    const standIn = this.standIns.size === 0 ? undefined : this.standIns.get(resolve(baseDir, code))
    return readModuleSource(standIn ?? code, baseDir)
  }

  async #source(key: string, request: CodeRequest): Promise<Source> {
    const override = await this.#store.override(key, request.code)
    if (override === undefined || override.insteadOf !== null) {
      const named = await this.#read(request)
      // Rolled back from these very bytes: other ones are a new version, which gets its chance.
      if (override === undefined || override.insteadOf !== digestOf(named.bytes)) {
        return { ...named, origin: 'code' }
      }
      const bytes = await this.#store.get(override.digest)
      // The file stays watched: mending it is what ends the override.
      if (bytes !== undefined) return { bytes, file: named.file, origin: 'override' }
      return { ...named, origin: 'code' }
    }
    const bytes = await this.#store.get(override.digest)
    if (bytes !== undefined) return { bytes, file: null, origin: 'override' }
    request.log.warn(
      { filter: key, digest: override.digest },
      'the pushed plugin is gone from the data directory; running what the configuration names',
    )
    return { ...(await this.#read(request)), origin: 'code' }
  }

  async close(): Promise<void> {
    await this.#pool?.close()
    this.#pool = null
  }

  /** Reads, checks and compiles, once for all filters that use the same bytes. */
  #compile(bytes: Buffer, memoryPages: number): Usage<Promise<CompiledModule>> {
    return this.#modules.acquire(
      `${digestOf(bytes)} ${memoryPages}`,
      () => this.#check(bytes, memoryPages),
      () => undefined,
    )
  }

  /** The gate and the ABI see the very bytes the digest was made of. */
  async #check(bytes: Buffer, memoryPages: number): Promise<CompiledModule> {
    const limits = { ...DEFAULT_MODULE_LIMITS, memoryPages }
    const info = readModule(bytes, limits)
    const description = readDescription(info)
    checkAbi(info, description)
    const gated = await this.#gate.gate(bytes, limits)
    const { report, offsetMap } = gated
    return { description, module: await compileModule(gated), report, info, offsetMap }
  }

  async #start(
    request: PluginRequest,
    source: Source,
    { description, module, report, info, offsetMap }: CompiledModule,
    usage: Usage<unknown>,
  ): Promise<OpenPlugin> {
    const parameters = checkParameters(description, request.parameters)
    this.#setups += 1
    const name = description.name ?? request.filter
    const isInline = request.isolation === 'inline'
    const fuel = request.fuel ?? (isInline ? WASM_DEFAULTS.inlineFuel : WASM_DEFAULTS.fuel)
    const { reset } = request
    const { abi } = description
    const data = dataNamespace(description, request)
    const setup: PluginSetup = {
      id: this.#setups,
      name,
      abi,
      module,
      parameters,
      fuel,
      data,
      reset,
    }
    if (reset === 'request' && report.outsideSnapshot.length > 0) {
      throw new GatewayError('GUEST_START', {
        reason: `reset: request cannot put back ${report.outsideSnapshot.join(', ')}`,
      })
    }
    const monitor = this.#monitor(request, name, description.version ?? '', digestOf(source.bytes))
    this.#logs.set(setup.id, {
      log: request.log.child({ plugin: name, version: description.version ?? undefined }),
      pipeline: request.pipeline,
      filter: request.filter,
    })
    const inner = isInline
      ? new InlineExecutor(
          setup,
          (level, message, requestId) =>
            this.#onLog({ type: 'guest-log', setupId: setup.id, level, message, requestId }),
          this.data.port(data),
        )
      : this.#worker(setup, request)
    const executor = new MonitoredExecutor(inner, monitor)
    try {
      await executor.start()
    } catch (error) {
      this.#logs.delete(setup.id)
      await executor.close()
      throw error
    }
    this.#open += 1
    monitor.users += 1
    if (source.file !== null) this.#files.set(source.file, (this.#files.get(source.file) ?? 0) + 1)
    let users = 1
    return {
      digest: digestOf(source.bytes),
      name,
      description,
      dataNamespace: data,
      origin: source.origin,
      file: source.file,
      executor,
      report,
      places: new SourcePlaces(info, source.file, offsetMap),
      isSuspended: () => monitor.isSuspended,
      retain: () => {
        users += 1
      },
      close: async () => {
        users -= 1
        if (users !== 0) return
        this.#open -= 1
        monitor.users -= 1
        if (source.file !== null) this.#forgetFile(source.file)
        await executor.close()
        this.#logs.delete(setup.id)
        usage.release()
      },
    }
  }

  #monitor(
    { pipeline, filter }: PluginRequest,
    plugin: string,
    version: string,
    digest: string,
  ): PluginMonitor {
    const key = `${pipeline}/${filter} ${digest}`
    let monitor = this.#monitors.get(key)
    if (monitor === undefined) {
      const names = { pipeline, filter, plugin, version, digest }
      monitor = new PluginMonitor(names, systemClock, (event) => this.onSuspended(event))
      this.#monitors.set(key, monitor)
      this.#forgetMonitors()
    }
    return monitor
  }

  /** Versions that nobody uses any more go, the oldest first, so that swaps do not add up. */
  #forgetMonitors(): void {
    for (const [key, monitor] of this.#monitors) {
      if (this.#monitors.size <= MONITORS_KEPT) return
      if (monitor.users === 0) this.#monitors.delete(key)
    }
  }

  #worker(setup: PluginSetup, request: PluginRequest): WorkerExecutor {
    this.#pool ??= new ThreadPool(this.#threads, this.#onLog, this.data, this.#dataWaitMs)
    return new WorkerExecutor(setup, this.#pool, request)
  }

  #forgetFile(file: string): void {
    const uses = (this.#files.get(file) ?? 1) - 1
    if (uses > 0) this.#files.set(file, uses)
    else this.#files.delete(file)
  }

  readonly #onLog = (message: LogMessage): void => {
    const target = this.#logs.get(message.setupId)
    if (target === undefined) return
    const fields = message.requestId === '' ? {} : { requestId: message.requestId }
    const level = LEVELS[message.level] ?? 'error'
    target.log[level](fields, message.message)
    if (this.onGuestLog === null || message.requestId === '') return
    const { pipeline, filter } = target
    this.onGuestLog({
      requestId: message.requestId,
      pipeline,
      filter,
      level,
      text: message.message,
    })
  }
}

/** Versions whose counts are kept, beside those in use. */
const MONITORS_KEPT = 256

const LEVELS = ['debug', 'info', 'warn', 'error'] as const
