import type { AutoCertificates } from '../acme/auto-certificates.ts'
import type { MissingPart } from '../filters/filter.ts'
import type { HttpEngine } from '../http/engine.ts'
import type { Logger } from '../observe/log.ts'
import type { TraceMeter } from '../observe/tracing/trace-meter.ts'
import type { AccessLog } from '../traffic/access-log.ts'
import type { TrafficObserver } from '../traffic/observer.ts'
import type { RegistryHub } from '../upstream/discovery/registry-hub.ts'
import type { UsagePool } from '../usage-pool.ts'
import type { PluginHost } from '../wasm/plugin-host.ts'
import type { GlobalFilterGeneration } from './global-filter.ts'
import type { PipelineGeneration } from './pipeline.ts'

/**
 * One running instance of an object. Immutable: a change makes the next one.
 *
 *     create ──▶ activate ──▶ (serves) ──▶ retire ──▶ closed
 *        │                                    │  ▲
 *        └── fails: nothing is left open      │  └── end: waits no longer
 *                                             └── waits for the exchanges that hold it
 */
export interface Generation {
  /** Takes over from `previous`. Synchronous and cannot fail: everything that can was done in create. */
  activate(): void
  /** No new exchange starts here; resolves when the last one has ended and everything is closed. */
  retire(): Promise<void>
  /** After `retire`: waits no longer. Returns how many exchanges were still in it. Absent where none are. */
  end?(): number
  /** How long it waits for them, once retired, at most; absent or 0 is as long as they take. */
  readonly drainTimeoutMs?: number
  /** What the admin API shows; JSON data. */
  status(): unknown
  /** Files it was made from beside its document: a change of one makes it anew. */
  readonly files?: readonly string[]
  /** What its filters could not load at the start; null when nothing is missing. */
  readonly missing?: readonly MissingPart[] | null
}

/** What objects are given when they are made. */
export interface ObjectEnv {
  readonly log: Logger
  readonly accessLog: AccessLog
  readonly traceMeter: TraceMeter
  readonly engine: HttpEngine
  readonly clients: UsagePool
  readonly listeners: UsagePool
  /** The service registries that run, by name. */
  readonly registries: RegistryHub
  readonly plugins: PluginHost
  /** What the AutoCertManager and the servers know of each other. */
  readonly certificates: AutoCertificates
  /** Where objects keep what must be there after a restart. */
  readonly dataDir: string
  /** At the start of the gateway: what cannot be loaded is left out, instead of refused. */
  readonly isBoot: boolean
  /** Whoever records exchanges; null for nobody. */
  readonly observer: TrafficObserver | null
  /** True for a configuration that moves here and expects the answers of Easegress where ours differ. */
  readonly isEasegress: boolean
  /** The pipeline of that name that runs now. */
  readonly pipeline: (name: string) => PipelineGeneration | undefined
  /** The GlobalFilter of that name that runs now. */
  readonly globalFilter: (name: string) => GlobalFilterGeneration | undefined
  /** The folder relative paths of this object are resolved from. */
  readonly baseDir: string
  /** Time running exchanges get to end when a listener is closed. */
  readonly drainMs: number
}
