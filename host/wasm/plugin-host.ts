import { monotonicMs, systemClock } from '../clock.ts'
import { GatewayError, reasonOf } from '../errors.ts'
import type { Logger } from '../observe/log.ts'
import { type Usage, UsagePool } from '../usage-pool.ts'
import { abiNamed } from './abi/builtin.ts'
import { checkAbi } from './abi/check-abi.ts'
import { DATA_WAIT_MS } from './data/data-limits.ts'
import { NO_DATA } from './data/data-operation.ts'
import { DataStore } from './data/data-store.ts'
import { dataNamespace } from './data/namespace-name.ts'
import { DebugRun } from './debug-run.ts'
import { limitEngine } from './engine-limits.ts'
import type { Executor, PluginSetup } from './executor.ts'
import { askedGrant, canWait } from './grant/asked-grant.ts'
import { Right } from './grant/grant.ts'
import { grantView } from './grant/grant-view.ts'
import { resolveGrant } from './grant/resolve-grant.ts'
import type { HostCall } from './host-call.ts'
import { InlineExecutor } from './inline-executor.ts'
import { HOST_SEAMS } from './instance.ts'
import { WASM_DEFAULTS } from './limits.ts'
import { LogRate } from './log-rate.ts'
import { PluginMeters } from './metrics/plugin-meters.ts'
import { compileModule } from './module/compile.ts'
import { type PluginDescription, readDescription } from './module/description.ts'
import type { GateReport } from './module/gate.ts'
import { GateCache } from './module/gate-cache.ts'
import type { ModuleInfo } from './module/module-info.ts'
import { DEFAULT_MODULE_LIMITS } from './module/module-limits.ts'
import type { OffsetMap } from './module/offset-map.ts'
import { readModule } from './module/reader.ts'
import { type ModuleSheet, moduleSheet } from './module-sheet.ts'
import { MonitoredExecutor } from './monitored-executor.ts'
import type { OpenPlugin, OpenVersions, PluginRequest } from './open-plugin.ts'
import { CallDesk } from './outbound/call-desk.ts'
import type { Denials, GuestServices } from './outbound/guest-services.ts'
import { checkParameters } from './parameters.ts'
import { PluginCatalog } from './plugin-catalog.ts'
import { PluginMonitor, type Suspension } from './plugin-monitor.ts'
import { type ModuleOrigin, type ModuleRequest, PluginResolver } from './plugin-resolver.ts'
import { digestOf, type PluginStore } from './plugin-store.ts'
import type { VersionMeter } from './rollout/rollout-meter.ts'
import { Rollouts } from './rollout/rollouts.ts'
import { SourcePlaces } from './source-places.ts'
import { WaitingInlineExecutor } from './waiting-inline-executor.ts'
import type { LogMessage } from './worker/protocol.ts'
import { ThreadPool } from './worker/thread-pool.ts'
import { WorkerExecutor } from './worker/worker-executor.ts'

interface CompiledModule {
  readonly description: PluginDescription
  readonly module: WebAssembly.Module
  readonly report: GateReport
  readonly info: ModuleInfo
  readonly offsetMap: OffsetMap
}

interface LogTarget {
  readonly rate: LogRate
  readonly plugin: string
  readonly monitor: PluginMonitor
  /** Capabilities whose denial is in the log, with when. */
  readonly denials: Map<string, number>
  /** Values that never stand in a line. */
  readonly secrets: readonly string[]
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
  /** The metrics of guests. */
  readonly meters = new PluginMeters()
  /** Functions of the embedding program. Set by the composition root. */
  functions: ReadonlyMap<string, HostCall> = new Map()
  /** Is this one of our own listeners? Set by the composition root. */
  isOwnListener: (address: string, port: number) => boolean = () => false
  /** Names and versions of stored plugins. */
  readonly catalog: PluginCatalog
  /** Versions on trial. */
  readonly rollouts = new Rollouts()
  readonly #resolver: PluginResolver
  readonly #store: PluginStore
  readonly #threads: number
  readonly #dataWaitMs: number
  readonly #log: Logger
  readonly #modules = new UsagePool()
  readonly #gate: GateCache
  readonly #logs = new Map<number, LogTarget>()
  /**
   * In development: leads from a module's file to that of its debug build, on which failed calls run again
   * to be explained. Set by the composition root.
   */
  debugBuildOf: ((file: string) => Promise<string | null>) | null = null
  /** Hears of every line a plugin logs for a request, whatever the log's level. Set by the composition root. */
  onGuestLog: ((line: GuestLogLine) => void) | null = null
  /** By filter and digest, kept over generations: a reload forgives nothing. */
  readonly #monitors = new Map<string, PluginMonitor>()
  /** Hears of a version that failed too often. Set by the composition root. */
  onSuspended: (suspension: Suspension) => void = () => undefined
  /** The files that open plugins were read from, with how many use each. */
  readonly #files = new Map<string, number>()
  #pool: ThreadPool | null = null
  #desk: CallDesk | null = null
  #setups = 0
  #open = 0

  constructor(store: PluginStore, threads: number, log: Logger, dataWaitMs: number = DATA_WAIT_MS) {
    limitEngine()
    this.#dataWaitMs = dataWaitMs
    this.#log = log
    this.#store = store
    this.catalog = new PluginCatalog(store.catalogFile)
    this.#resolver = new PluginResolver(store, this.catalog)
    this.#threads = threads
    this.#gate = new GateCache(store.gateCacheDir, (error) => {
      log.warn({ err: error }, `the cache of checked modules: ${reasonOf(error)}`)
    })
  }

  get store(): PluginStore {
    return this.#store
  }

  /** Modules that are read in place of others, by absolute path. Set by the composition root. */
  set standIns(modules: ReadonlyMap<string, string>) {
    this.#resolver.standIns = modules
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

  /** The digest of what `open` would read now. Fails with GUEST_CODE_READ or PLUGIN_UNKNOWN. */
  async digestNow(request: Omit<ModuleRequest, 'log'>): Promise<string> {
    const source = await this.#resolver.stable({ ...request, log: this.#log })
    return digestOf(source.bytes)
  }

  /** The digest of what the configuration alone names; null when that cannot be read. */
  async digestNamed(request: Omit<ModuleRequest, 'log'>): Promise<string | null> {
    try {
      return digestOf((await this.#resolver.named({ ...request, log: this.#log })).bytes)
    } catch {
      // Why it cannot be read is told when it is needed; a stand-in is no worse for it.
      return null
    }
  }

  /** Fails with the GUEST_* error that says what is wrong with the module; nothing is left open then. */
  async open(request: PluginRequest): Promise<OpenPlugin> {
    return await this.#openStable(request, await this.#resolver.stable(request), null)
  }

  /**
   * As `open`, with the version on trial. One that cannot be opened is noted in its meter and left out: a
   * trial must not cost what runs.
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
      const plugin = await this.#openOne(request, origin, meter.candidate)
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

  /** What a module is and says of itself. Fails like `open`, but for its start code, which is not run. */
  async inspect(bytes: Buffer): Promise<ModuleSheet> {
    const usage = this.#compile(bytes, DEFAULT_MODULE_LIMITS.memoryPages)
    try {
      const { description, info, report } = await usage.value
      return moduleSheet(digestOf(bytes), description, info, report)
    } finally {
      usage.release()
    }
  }

  async #openStable(
    request: PluginRequest,
    source: ModuleOrigin,
    meter: VersionMeter | null,
  ): Promise<OpenPlugin> {
    const plugin = await this.#openOne(request, source, meter)
    const { by, reason } = source
    const { version } = plugin.description
    const key = `${request.pipeline}/${request.filter}`
    try {
      await this.#store.ran(key, source.bytes, { version, by, reason })
    } catch (error) {
      // A full disk costs the way back, not the traffic.
      request.log.warn({ err: error }, `the version of ${key} cannot be kept: ${reasonOf(error)}`)
    }
    return plugin
  }

  async #openOne(
    request: PluginRequest,
    source: ModuleOrigin,
    meter: VersionMeter | null,
  ): Promise<OpenPlugin> {
    const usage = this.#compile(source.bytes, request.memoryPages)
    try {
      return await this.#start(request, source, await usage.value, usage, meter)
    } catch (error) {
      usage.release()
      throw error
    }
  }

  async close(): Promise<void> {
    // First: a guest that waits for an answer has one then, and a thread that waits for it can end.
    await this.#desk?.close()
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
    checkAbi(info, description, new Set(this.functions.keys()))
    const gated = await this.#gate.gate(bytes, limits)
    const { report, offsetMap } = gated
    return { description, module: await compileModule(gated), report, info, offsetMap }
  }

  async #start(
    request: PluginRequest,
    source: ModuleOrigin,
    { description, module, report, info, offsetMap }: CompiledModule,
    usage: Usage<unknown>,
    meter: VersionMeter | null,
  ): Promise<OpenPlugin> {
    const parameters = checkParameters(description, request.parameters)
    this.#setups += 1
    const name = description.name ?? request.filter
    const isInline = request.isolation === 'inline'
    const fuel = request.fuel ?? (isInline ? WASM_DEFAULTS.inlineFuel : WASM_DEFAULTS.fuel)
    const { reset } = request
    const { abi } = description
    const data = dataNamespace(description, request)
    const asked = askedGrant(description, info)
    const grant = resolveGrant({
      // What was pushed in place of `code` is the operator's own too.
      profile: request.plugin === null ? 'local' : 'store',
      asked,
      operator: request.grant,
      secrets: Object.keys(request.secrets),
    })
    const secrets = new Map(
      Object.entries(request.secrets).filter(([key]) => grant.secrets.includes(key)),
    )
    const setup: PluginSetup = {
      id: this.#setups,
      name,
      abi,
      module,
      parameters,
      fuel,
      data: (grant.rights & Right.data) === 0 ? null : data,
      reset,
      grant,
      secrets,
      canWait: canWait(abiNamed(abi).table, info.imports),
      instances: Math.max(1, Math.floor(request.maxConcurrency / this.#threads)),
    }
    if (reset === 'request' && report.outsideSnapshot.length > 0) {
      throw new GatewayError('GUEST_START', {
        reason: `reset: request cannot put back ${report.outsideSnapshot.join(', ')}`,
      })
    }
    const monitor = this.#monitor(request, name, description.version ?? '', digestOf(source.bytes))
    monitor.cpu.perSecondMs = request.cpuPerSecondMs
    this.#logs.set(setup.id, {
      rate: new LogRate(),
      plugin: name,
      monitor,
      denials: new Map(),
      secrets: [...secrets.values()].filter((value) => value.length >= REDACTED_LENGTH),
      log: request.log.child({ plugin: name, version: description.version ?? undefined }),
      pipeline: request.pipeline,
      filter: request.filter,
    })
    const view = grantView(asked, grant)
    if (view.denied.length > 0) {
      request.log.warn(
        { plugin: name, denied: view.denied },
        `${name} asks for what it is not granted: ${view.denied.join(', ')}`,
      )
    }
    const inner = isInline ? this.#inline(setup, request) : this.#worker(setup, request, monitor)
    const executor = new MonitoredExecutor(inner, monitor, meter)
    try {
      await executor.start()
    } catch (error) {
      this.#logs.delete(setup.id)
      await executor.close()
      throw error
    }
    this.#open += 1
    monitor.executors.add(executor)
    const { pipeline, filter } = request
    const meters = this.meters.of({ pipeline, filter, plugin: name })
    meters.users += 1
    if (source.file !== null) this.#files.set(source.file, (this.#files.get(source.file) ?? 0) + 1)
    let users = 1
    return {
      digest: digestOf(source.bytes),
      name,
      description: withBodyLimit(description, request.bodyBytes),
      dataNamespace: data,
      origin: source.origin,
      file: source.file,
      executor,
      report,
      places: new SourcePlaces(info, source.file, offsetMap),
      debugRun: this.#debugRun(setup, source.file, request.memoryPages),
      grant,
      grantView: view,
      meters,
      isSuspended: () => monitor.isSuspended,
      retain: () => {
        users += 1
      },
      close: async () => {
        users -= 1
        if (users !== 0) return
        this.#open -= 1
        monitor.executors.delete(executor)
        meters.users -= 1
        if (source.file !== null) this.#forgetFile(source.file)
        await executor.close()
        this.#logs.delete(setup.id)
        usage.release()
      },
    }
  }

  #debugRun(setup: PluginSetup, file: string | null, memoryPages: number): DebugRun | null {
    const findBuild = this.debugBuildOf
    // Run again, a call of somebody else would be made again.
    if (findBuild === null || file === null || setup.canWait === true) return null
    return new DebugRun({
      setup,
      store: this.data,
      file,
      findBuild,
      load: async (from, bytes) => {
        const { module, info, offsetMap } = await this.#check(bytes, memoryPages)
        return { module, places: new SourcePlaces(info, from, offsetMap) }
      },
    })
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
      if (monitor.executors.size === 0) this.#monitors.delete(key)
    }
  }

  #worker(setup: PluginSetup, request: PluginRequest, monitor: PluginMonitor): WorkerExecutor {
    this.#pool ??= new ThreadPool(
      this.#threads,
      this.#onLog,
      this.data,
      this.#dataWaitMs,
      this.#services(),
    )
    const { timeoutMs, queueTimeoutMs, queueLength, maxConcurrency } = request
    const refusal = (): GatewayError | null => monitor.suspension()
    const options = { timeoutMs, queueTimeoutMs, queueLength, maxConcurrency, refusal }
    return new WorkerExecutor(setup, this.#pool, options)
  }

  #inline(setup: PluginSetup, request: PluginRequest): Executor {
    const log = (level: number, message: string, requestId: string): void =>
      this.#onLog({ type: 'guest-log', setupId: setup.id, level, message, requestId })
    const data = setup.data === null ? NO_DATA : this.data.port(setup.data)
    return setup.canWait === true
      ? new WaitingInlineExecutor(setup, request, log, data, HOST_SEAMS, this.#services())
      : new InlineExecutor(setup, log, data, HOST_SEAMS, this.#services())
  }

  #services(): GuestServices {
    this.#desk ??= new CallDesk({
      functions: this.functions,
      namesOf: (setupId) => {
        const { plugin = '', pipeline = '', filter = '' } = this.#logs.get(setupId) ?? {}
        return { plugin, pipeline, filter }
      },
      isOwnListener: (address, port) => this.isOwnListener(address, port),
      onDenied: (setup, what, requestId) => this.#onDenied(setup.id, [[what, 1]], requestId),
      onFunctionFailed: (setup, name, error) =>
        this.#logs
          .get(setup.id)
          ?.log.error(
            { err: error, function: name },
            `the host function ${name} failed: ${reasonOf(error)}`,
          ),
    })
    return { calls: this.#desk, denied: (...parts) => this.#onDenied(...parts) }
  }

  /** Counts every denial, and logs each capability once in a while. */
  #onDenied(setupId: number, denials: Denials, requestId: string): void {
    const target = this.#logs.get(setupId)
    if (target === undefined) return
    const { monitor, log, plugin } = target
    for (const [capability, count] of denials) {
      // A label for each header that guests think of would have no end.
      const label = capability.split(' ')[0] ?? capability
      monitor.denials.set(label, (monitor.denials.get(label) ?? 0) + count)
      const nowMs = monotonicMs()
      if (nowMs - (target.denials.get(label) ?? Number.NEGATIVE_INFINITY) < DENIAL_LOG_MS) continue
      target.denials.set(label, nowMs)
      log.warn({ requestId, denied: capability }, `${plugin} was denied ${capability}`)
    }
  }

  #forgetFile(file: string): void {
    const uses = (this.#files.get(file) ?? 1) - 1
    if (uses > 0) this.#files.set(file, uses)
    else this.#files.delete(file)
  }

  readonly #onLog = (message: LogMessage): void => {
    const target = this.#logs.get(message.setupId)
    if (target === undefined) return
    const { requestId } = message
    target.rate.pass(
      message.level,
      withoutSecrets(message.message, target.secrets),
      (number, text) => {
        const level = LEVELS[number] ?? 'error'
        target.log[level](requestId === '' ? {} : { requestId }, text)
        if (this.onGuestLog === null || requestId === '') return
        const { pipeline, filter } = target
        this.onGuestLog({ requestId, pipeline, filter, level, text })
      },
    )
  }
}

/** What a module asks for is held to what its operator allows. */
function withBodyLimit(description: PluginDescription, bytes: number): PluginDescription {
  const { body } = description
  return body.limit <= bytes ? description : { ...description, body: { ...body, limit: bytes } }
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text
  for (const secret of secrets) clean = clean.replaceAll(secret, '[secret]')
  return clean
}

/** A shorter secret is none, and would take words out of lines that have nothing to do with it. */
const REDACTED_LENGTH = 6

/** How often the log names a capability that a filter is denied. */
const DENIAL_LOG_MS = 10_000

/** Versions whose counts are kept, beside those in use. */
const MONITORS_KEPT = 256

const LEVELS = ['debug', 'info', 'warn', 'error'] as const
