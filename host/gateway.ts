import { resolve } from 'node:path'
import { AutoCertificates } from './acme/auto-certificates.ts'
import { certificateMetrics } from './acme/certificate-metrics.ts'
import type { LoadPage } from './admin/page.ts'
import { type AdminServer, createAdminServer } from './admin/server.ts'
import { ConfigError } from './config/issues.ts'
import { isJsonObject, valueAt } from './config/json.ts'
import type { Control } from './control/control.ts'
import { ControlPlane } from './control/control-plane.ts'
import { generationMetrics } from './control/generation-metrics.ts'
import { FileObjectStore } from './control/object-store.ts'
import { Supervisor } from './control/supervisor.ts'
import { reasonOf } from './errors.ts'
import { FileWatch } from './file-watch.ts'
import { httpEngine } from './http/engines.ts'
import { type MovedServer, movingEngine } from './http/moving-engine.ts'
import {
  OVERLOAD_LEVELS,
  OVERLOAD_THRESHOLDS,
  Overload,
  type OverloadProbe,
} from './http/overload/overload.ts'
import { overloadEngine } from './http/overload/overload-engine.ts'
import { overloadMetrics } from './http/overload/overload-metrics.ts'
import { ProcessProbe } from './http/overload/process-probe.ts'
import type { GivenInSecret } from './inspect/inspected-gateway.ts'
import { Inspector } from './inspect/inspector.ts'
import { HttpServerGeneration } from './objects/http-server.ts'
import type { Logger } from './observe/log.ts'
import { Metrics } from './observe/metrics.ts'
import { TraceMeter } from './observe/tracing/trace-meter.ts'
import type { AccessLog } from './traffic/access-log.ts'
import { RegistryHub } from './upstream/discovery/registry-hub.ts'
import { UsagePool } from './usage-pool.ts'
import { debugBuildBeside } from './wasm/debug-run.ts'
import { type HostCall, hostCallsByName } from './wasm/host-call.ts'
import { isThisMachine } from './wasm/outbound/address.ts'
import { PluginHost } from './wasm/plugin-host.ts'
import { pluginMetrics } from './wasm/plugin-metrics.ts'
import { PluginStore } from './wasm/plugin-store.ts'
import { ROLLOUT_JUDGE_MS } from './wasm/rollout/rollout-limits.ts'
import { defaultThreads } from './wasm/worker/thread-pool.ts'

export interface GatewayOptions {
  /** Configuration files and folders. */
  readonly files: readonly string[]
  /** Where tokens, pushed plugins and objects of the API are kept. */
  readonly dataDir: string
  /** Null for no admin API. */
  readonly admin: {
    readonly address: string
    readonly port: number
    /** Names of the admin API beside the loopback ones. */
    readonly allowedHosts?: readonly string[]
  } | null
  /**
   * For a configuration that moves here: fields nobody knows are warnings, and an upstream that is late is
   * answered for with 408. Default none.
   */
  readonly compat?: 'easegress'
  /** Default `native`. */
  readonly httpEngine?: string
  /** Threads for plugins; default one less than there are cores. */
  readonly threads?: number
  /** Functions of yours that plugins can call when their grant names them; see `defineHostCall`. */
  readonly hostCalls?: readonly HostCall[]
  /** How long a plugin in a thread waits for key-value data. Default 5 ms. */
  readonly dataWaitMs?: number
  /** Follow changes of the configuration and of every module. Default true. */
  readonly watch?: boolean
  /** Time running exchanges get when a listener closes. Default 30 s. */
  readonly drainMs?: number
  /** Measures the process to find overload; default the process itself. */
  readonly overloadProbe?: OverloadProbe
  /**
   * For a developer's machine only: every exchange is recorded with its bodies and tokens and can be sent
   * again, and ports that are taken are replaced by free ones. Default null.
   */
  readonly development?: DevelopmentOptions | null
  readonly log: Logger
  readonly accessLog: AccessLog
}

export interface DevelopmentOptions {
  /** The page of the inspector. */
  readonly page: LoadPage
  /**
   * Modules that are read in place of those the configuration names, by absolute path: builds that were
   * made in a hurry and must not be mistaken for those that are shipped. May change while it runs.
   */
  readonly standIns?: ReadonlyMap<string, string>
  /**
   * Leads from the file of a module to that of its debug build, on which a failed call runs again for its
   * whole stack; null when it knows none. Then it is `NAME.debug.wasm` beside `NAME.wasm`, if that is there.
   */
  readonly debugBuildOf?: (file: string) => Promise<string | null>
  /** Hears of servers whose port was taken. */
  readonly onMoved: (moved: MovedServer) => void
}

/** A running gateway, to be embedded or served by the command. */
export interface Gateway {
  readonly control: Control
  readonly adminPort: number | null
  /** What has recorded exchanges; null unless `development` was asked for. */
  readonly inspector: Inspector | null
  /** The port an HTTPServer has bound; undefined when there is no such server. */
  portOf(server: string): number | undefined
  /**
   * Reads files and modules again now, without waiting for the watch, and tries again what had failed to
   * start. Answers why it was refused, in the words of the log; empty when everything is live.
   */
  reload(): Promise<readonly string[]>
  /** Stops accepting, lets running exchanges end, frees everything. Idempotent. */
  close(): Promise<void>
}

/** How often objects that failed to start are tried again. */
const RETRY_MS = 2_000

/**
 * Wires a gateway together and starts it: the one place where parts meet. Fails with ConfigError when the
 * configuration is not valid; an object that cannot start is reported by its status instead.
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { log } = options
  const dataDir = resolve(options.dataDir)
  const drainMs = options.drainMs ?? 30_000
  const plugins = new PluginHost(
    new PluginStore(dataDir),
    options.threads ?? defaultThreads(),
    log,
    options.dataWaitMs,
  )
  const metrics = new Metrics()
  for (const family of pluginMetrics(
    () => plugins.monitors,
    () => plugins.status(),
  )) {
    metrics.add(family)
  }
  const certificates = new AutoCertificates()
  metrics.add(certificateMetrics(certificates))
  const traceMeter = new TraceMeter()
  metrics.add(traceMeter.family())
  plugins.meters.onFamily = (family) => metrics.add(family)
  plugins.hooks.functions = hostCallsByName(options.hostCalls ?? [])
  const development = options.development ?? null
  const inspector =
    development === null
      ? null
      : new Inspector({
          servers: () => serversOf(supervisor),
          portOf: (server) => portOf(supervisor, server),
          parametersOf: (pipeline, filter) => parametersOf(control, pipeline, filter),
          givenTo: (pipeline, filter) => givenTo(control, pipeline, filter),
        })
  if (development?.standIns !== undefined) plugins.standIns = development.standIns
  if (development !== null) {
    plugins.hooks.debugBuildOf = async (file) =>
      (await development.debugBuildOf?.(file)) ?? debugBuildBeside(file)
  }
  if (inspector !== null) plugins.hooks.onGuestLog = (line) => inspector.recorder.log(line)
  const overload = new Overload(
    options.overloadProbe ?? new ProcessProbe(),
    OVERLOAD_THRESHOLDS,
    (level, sample) => log.warn({ level, ...sample }, `overload: ${OVERLOAD_LEVELS[level]}`),
  )
  overload.start()
  for (const family of overloadMetrics(overload)) metrics.add(family)
  const engine = overloadEngine(httpEngine(options.httpEngine ?? 'native'), overload)
  const supervisor = new Supervisor(
    {
      accessLog: options.accessLog,
      traceMeter,
      engine: development === null ? engine : movingEngine(engine, development.onMoved),
      clients: new UsagePool(),
      listeners: new UsagePool(),
      registries: new RegistryHub(),
      plugins,
      certificates,
      dataDir,
      observer: inspector?.recorder ?? null,
      isEasegress: options.compat === 'easegress',
      drainMs,
    },
    log,
  )
  for (const family of generationMetrics(supervisor)) metrics.add(family)
  const control = new ControlPlane({
    files: options.files,
    dataDir,
    supervisor,
    plugins,
    store: new FileObjectStore(dataDir),
    ignoresUnknownFields: options.compat === 'easegress',
    log,
  })
  plugins.hooks.onSuspended = (suspension) => void control.rollbackFailing(suspension)
  let admin: AdminServer | null = null
  const closers: (() => void | Promise<void>)[] = [
    () => overload.stop(),
    () => plugins.close(),
    // After the listeners: until the last request has ended it says that nothing more should be sent here.
    () => admin?.close(),
    () => supervisor.close(),
  ]
  const close = async (): Promise<void> => {
    control.beginStop()
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer()
  }
  let adminPort = options.admin?.port ?? -1
  try {
    // Asked when a plugin connects somewhere: by then there may be others than now.
    plugins.hooks.isOwnListener = (address, port) =>
      isThisMachine(address) &&
      (port === adminPort || serversOf(supervisor).some((server) => server.port === port))
    const outcome = await control.start()
    for (const { name, reason } of outcome.failed) log.error({ object: name }, reason)
    if (options.admin !== null) {
      admin = await createAdminServer({
        ...options.admin,
        dataDir,
        control,
        log,
        metrics: () => metrics.text(),
        takesFreePort: development !== null,
        inspector,
        page: development?.page ?? null,
      })
      adminPort = admin.port
    }
    if (inspector !== null) {
      // Before the admin API: whoever looks on would keep it open until it is cut.
      closers.push(() => inspector.close())
    }
    const follow = (changed: readonly string[]): Promise<readonly string[]> =>
      followChanges(control, supervisor, log, changed, development !== null)
    if (options.watch ?? true) closers.push(await watch(options.files, plugins, supervisor, follow))
    closers.push(retryFailures(supervisor, log), judgeTrials(control))
    return {
      control,
      adminPort: admin?.port ?? null,
      inspector,
      portOf: (name) => portOf(supervisor, name),
      reload: async () => {
        await supervisor.retryFailed()
        return await follow([...plugins.files, ...supervisor.files])
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function portOf(supervisor: Supervisor, server: string): number | undefined {
  const generation = supervisor.generation(server)
  return generation instanceof HttpServerGeneration ? generation.port : undefined
}

function serversOf(supervisor: Supervisor): { name: string; port: number }[] {
  return [...supervisor.objects.keys()].flatMap((name) => {
    const port = portOf(supervisor, name)
    return port === undefined ? [] : [{ name, port }]
  })
}

function writtenFilter(control: Control, pipeline: string, filter: string): unknown {
  const filters = valueAt(control.get(pipeline)?.spec, ['filters'])
  const list: readonly unknown[] = Array.isArray(filters) ? filters : []
  return list.find((one) => valueAt(one, ['name']) === filter)
}

/** Names, and the public keys that stand in the configuration themselves. */
function givenTo(control: Control, pipeline: string, filter: string): GivenInSecret {
  const found = writtenFilter(control, pipeline, filter)
  const namesIn = (field: string): string[] => {
    const value = valueAt(found, [field])
    return isJsonObject(value) ? Object.keys(value) : []
  }
  const keys = namesIn('keys').map((name) => {
    const written = valueAt(found, ['keys', name, 'publicKey'])
    const isText = typeof written === 'string' && !written.includes('${')
    const algorithm = String(valueAt(found, ['keys', name, 'algorithm']))
    return { name, algorithm, publicKey: isText ? written : '' }
  })
  return { secrets: namesIn('secrets'), keys }
}

/** As they are written: an environment variable that stands in one is not looked up. */
function parametersOf(
  control: Control,
  pipeline: string,
  filter: string,
): Record<string, string | number | boolean> {
  const parameters = valueAt(writtenFilter(control, pipeline, filter), ['parameters'])
  if (!isJsonObject(parameters)) return {}
  return Object.fromEntries(
    Object.entries(parameters).filter((entry): entry is [string, string | number | boolean] =>
      ['string', 'number', 'boolean'].includes(typeof entry[1]),
    ),
  )
}

async function watch(
  files: readonly string[],
  plugins: PluginHost,
  supervisor: Supervisor,
  follow: (changed: readonly string[]) => Promise<unknown>,
): Promise<() => void> {
  const configured = files.filter((file) => file !== '-').map((file) => resolve(file))
  const fileWatch = new FileWatch(
    () => [...configured, ...plugins.files, ...supervisor.files],
    async (changed) => void (await follow(changed)),
  )
  await fileWatch.start()
  return () => fileWatch.close()
}

/** A save becomes a change: of the configuration, or of the pipelines whose module it is. */
async function followChanges(
  control: ControlPlane,
  supervisor: Supervisor,
  log: Logger,
  changed: readonly string[],
  // Whoever develops has a line of his own for what is live.
  isQuiet: boolean,
): Promise<readonly string[]> {
  const reloads = supervisor.usersOf(new Set(changed))
  try {
    const outcome = await control.reload(reloads)
    for (const { name, reason } of outcome.failed) {
      log.error({ object: name }, `change refused, the former version goes on: ${reason}`)
    }
    if (outcome.failed.length > 0) return outcome.failed.map(({ reason }) => reason)
    const { created, updated, deleted } = outcome
    if (created.length + updated.length + deleted.length === 0) return []
    log[isQuiet ? 'debug' : 'info'](
      { created, updated, deleted, ms: Math.round(outcome.durationMs) },
      `live: ${[...created, ...updated, ...deleted].join(', ')}`,
    )
    return []
  } catch (error) {
    const reason = error instanceof ConfigError ? `\n${error.message}` : ` ${reasonOf(error)}`
    log.error(`change refused, the former configuration goes on:${reason}`)
    return [reason.trim()]
  }
}

function judgeTrials(control: ControlPlane): () => void {
  const timer = setInterval(() => void control.judgeTrials(), ROLLOUT_JUDGE_MS)
  timer.unref()
  return () => clearInterval(timer)
}

function retryFailures(supervisor: Supervisor, log: Logger): () => void {
  const timer = setInterval(() => {
    void supervisor.retryFailed()?.then((outcome) => {
      for (const name of [...outcome.created, ...outcome.updated]) {
        log.info({ object: name }, `${name} runs now`)
      }
    })
  }, RETRY_MS)
  timer.unref()
  return () => clearInterval(timer)
}
