import { resolve } from 'node:path'
import type { LoadPage } from './admin/page.ts'
import { type AdminServer, createAdminServer } from './admin/server.ts'
import { ConfigError } from './config/issues.ts'
import { isJsonObject, valueAt } from './config/json.ts'
import type { Control } from './control/control.ts'
import { ControlPlane } from './control/control-plane.ts'
import { FileObjectStore } from './control/object-store.ts'
import { Supervisor } from './control/supervisor.ts'
import { reasonOf } from './errors.ts'
import { FileWatch } from './file-watch.ts'
import { httpEngine } from './http/engines.ts'
import { type MovedServer, movingEngine } from './http/moving-engine.ts'
import { Inspector } from './inspect/inspector.ts'
import { HttpServerGeneration } from './objects/http-server.ts'
import { PipelineGeneration } from './objects/pipeline.ts'
import type { Logger } from './observe/log.ts'
import { Metrics } from './observe/metrics.ts'
import type { AccessLog } from './traffic/access-log.ts'
import { UsagePool } from './usage-pool.ts'
import { PluginHost } from './wasm/plugin-host.ts'
import { pluginMetrics } from './wasm/plugin-metrics.ts'
import { PluginStore } from './wasm/plugin-store.ts'
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
  /** Default `node`. */
  readonly httpEngine?: string
  /** Threads for plugins; default one less than there are cores. */
  readonly threads?: number
  /** Follow changes of the configuration and of every module. Default true. */
  readonly watch?: boolean
  /** Time running exchanges get when a listener closes. Default 30 s. */
  readonly drainMs?: number
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
  /** Reads files and modules again now, without waiting for the watch. */
  reload(): Promise<void>
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
  const plugins = new PluginHost(new PluginStore(dataDir), options.threads ?? defaultThreads(), log)
  const metrics = new Metrics()
  for (const family of pluginMetrics(
    () => plugins.monitors,
    () => plugins.status(),
  )) {
    metrics.add(family)
  }
  const development = options.development ?? null
  const inspector =
    development === null
      ? null
      : new Inspector({
          portOf: (server) => portOf(supervisor, server),
          parametersOf: (pipeline, filter) => parametersOf(control, pipeline, filter),
        })
  if (inspector !== null) plugins.onGuestLog = (line) => inspector.recorder.log(line)
  const engine = httpEngine(options.httpEngine ?? 'node')
  const supervisor = new Supervisor(
    {
      accessLog: options.accessLog,
      engine: development === null ? engine : movingEngine(engine, development.onMoved),
      clients: new UsagePool(),
      listeners: new UsagePool(),
      plugins,
      observer: inspector?.recorder ?? null,
      drainMs,
    },
    log,
  )
  const control = new ControlPlane({
    files: options.files,
    dataDir,
    supervisor,
    plugins,
    store: new FileObjectStore(dataDir),
    log,
  })
  plugins.onSuspended = (suspension) => void control.rollbackFailing(suspension)
  const closers: (() => void | Promise<void>)[] = [() => plugins.close(), () => supervisor.close()]
  const close = async (): Promise<void> => {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer()
  }
  try {
    const outcome = await control.start()
    for (const { name, reason } of outcome.failed) log.error({ object: name }, reason)
    let admin: AdminServer | null = null
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
      closers.push(() => admin?.close())
    }
    if (inspector !== null) {
      // Before the admin API: whoever looks on would keep it open until it is cut.
      closers.push(() => inspector.close())
    }
    const follow = (changed: readonly string[]): Promise<void> =>
      followChanges(control, supervisor, plugins, log, changed)
    if (options.watch ?? true) closers.push(await watch(options.files, plugins, follow))
    closers.push(retryFailures(supervisor, log))
    return {
      control,
      adminPort: admin?.port ?? null,
      inspector,
      portOf: (name) => portOf(supervisor, name),
      reload: () => follow(plugins.files),
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

/** As they are written: an environment variable that stands in one is not looked up. */
function parametersOf(
  control: Control,
  pipeline: string,
  filter: string,
): Record<string, string | number | boolean> {
  const filters = valueAt(control.get(pipeline)?.spec, ['filters'])
  const list: readonly unknown[] = Array.isArray(filters) ? filters : []
  const found = list.find((one) => valueAt(one, ['name']) === filter)
  const parameters = valueAt(found, ['parameters'])
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
  follow: (changed: readonly string[]) => Promise<void>,
): Promise<() => void> {
  const configured = files.filter((file) => file !== '-').map((file) => resolve(file))
  const fileWatch = new FileWatch(() => [...configured, ...plugins.files], follow)
  await fileWatch.start()
  return () => fileWatch.close()
}

/** A save becomes a change: of the configuration, or of the pipelines whose module it is. */
async function followChanges(
  control: ControlPlane,
  supervisor: Supervisor,
  plugins: PluginHost,
  log: Logger,
  changed: readonly string[],
): Promise<void> {
  const modules = new Set(changed.filter((file) => plugins.files.includes(file)))
  const reloads = modules.size === 0 ? new Set<string>() : pipelinesUsing(supervisor, modules)
  try {
    const outcome = await control.reload(reloads)
    for (const { name, reason } of outcome.failed) {
      log.error({ object: name }, `change refused, the former version goes on: ${reason}`)
    }
    if (outcome.failed.length > 0) return
    const { created, updated, deleted } = outcome
    if (created.length + updated.length + deleted.length === 0) return
    log.info(
      { created, updated, deleted, ms: Math.round(outcome.durationMs) },
      `live: ${[...created, ...updated, ...deleted].join(', ')}`,
    )
  } catch (error) {
    if (error instanceof ConfigError) {
      log.error(`change refused, the former configuration goes on:\n${error.message}`)
    } else log.error(`change refused, the former configuration goes on: ${reasonOf(error)}`)
  }
}

/** The pipelines with a filter whose module was read from one of these files. */
function pipelinesUsing(supervisor: Supervisor, files: ReadonlySet<string>): Set<string> {
  const names = new Set<string>()
  for (const name of supervisor.objects.keys()) {
    const generation = supervisor.generation(name)
    if (!(generation instanceof PipelineGeneration)) continue
    for (const filter of generation.filters.values()) {
      for (const file of filter.files ?? []) if (files.has(file)) names.add(name)
    }
  }
  return names
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
