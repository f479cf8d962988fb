import type { DebugRun } from './debug-run.ts'
import type { Executor, GuestOutcome, Isolation } from './executor.ts'
import type { Grant } from './grant/grant.ts'
import type { GrantSpec } from './grant/grant-spec.ts'
import type { GrantView } from './grant/grant-view.ts'
import type { JwtKeysSpec } from './jwt/jwt-keys-spec.ts'
import type { MeterSet } from './metrics/plugin-meters.ts'
import type { PluginDescription } from './module/description.ts'
import type { GateReport } from './module/gate.ts'
import type { ModuleOrigin, ModuleRequest } from './plugin-resolver.ts'
import type { Canary } from './rollout/canary.ts'
import type { RolloutMeter } from './rollout/rollout-meter.ts'
import type { SourcePlaces } from './source-places.ts'

/** What a WasmHost filter asks for. */
export interface PluginRequest extends ModuleRequest {
  readonly parameters: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly queueTimeoutMs: number
  /** Running time of all its calls in one second. */
  readonly cpuPerSecondMs: number
  readonly maxConcurrency: number
  readonly queueLength: number
  readonly isolation: Isolation
  readonly reset: 'never' | 'request'
  /** Fuel of one call; null for the default of the isolation. */
  readonly fuel: number | null
  /** Pages of 64 KiB the guest's memory may grow to. */
  readonly memoryPages: number
  /** The largest body it is given, whatever its description asks for. */
  readonly bodyBytes: number
  /** What the operator grants; null for nothing said. */
  readonly grant: GrantSpec | null
  /** Secrets by name; their values are shown to nobody but the guest. */
  readonly secrets: Readonly<Record<string, string>>
  /** Keys to verify tokens with, by name; shown to nobody. Default none. */
  readonly keys?: JwtKeysSpec
}

/** One plugin version, ready to be called for one generation of a filter. */
export interface OpenPlugin {
  readonly digest: string
  readonly name: string
  readonly description: PluginDescription
  /** The namespace of its key-value data. */
  readonly dataNamespace: string
  /** `store` by name, `override` when it was pushed in place of what the configuration names. */
  readonly origin: ModuleOrigin['origin']
  /** The file it was read from; null when there is none to watch. */
  readonly file: string | null
  readonly executor: Executor
  /** What the gate found and changed. */
  readonly report: GateReport
  /** Where in its sources a guest trapped, innermost first. */
  readonly places: SourcePlaces
  /** Runs a failed call again for its whole stack; null outside of development. */
  readonly debugRun: DebugRun | null
  /** What it may do. */
  readonly grant: Grant
  /** The same for people, with what it asks for. */
  readonly grantView: GrantView
  /** Takes what it counts. */
  readonly meters: Pick<MeterSet, 'record'>
  /**
   * Counts how a call has ended, once what it wrote was applied or refused: for the metrics, and to leave a
   * version alone that fails too often. For every outcome of `executor`, also of a call that was refused.
   */
  observe(outcome: GuestOutcome): void
  /** True while it is left alone because it failed too often. */
  isSuspended(): boolean
  /** One more user; each calls `close` once. */
  retain(): void
  /** Frees its instances when the last user has closed it, and the last exchange that uses it has ended. */
  close(): Promise<void>
}

/** Everything one filter runs: one version, or two while one of them is on trial. */
export interface OpenVersions {
  readonly stable: OpenPlugin
  readonly trial: OpenTrial | null
}

/** The version on trial. */
export interface OpenTrial {
  readonly plugin: OpenPlugin
  readonly canary: Canary
  readonly meter: RolloutMeter
}
