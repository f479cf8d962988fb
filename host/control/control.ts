import type { ConfigIssue } from '../config/issues.ts'
import type { DataValue } from '../wasm/data/data-value.ts'
import type {
  Because,
  InspectedPlugin,
  PluginStatus,
  PushOutcome,
  StoredPlugins,
  TrialOptions,
} from './plugin-shapes.ts'

/** An object's spec as it was written, with where it came from. Plain data: it may cross a process boundary. */
export interface ObjectSpec {
  readonly kind: string
  readonly name: string
  /** The whole document as JSON data, `kind` and `name` included. */
  readonly spec: Readonly<Record<string, unknown>>
  /** Objects that come from files are read-only for the API. */
  readonly source: 'file' | 'api'
  /** The folder relative paths are resolved from. */
  readonly baseDir: string
}

export type ObjectState = 'starting' | 'running' | 'failed' | 'closed'

export interface ObjectStatus {
  readonly kind: string
  readonly name: string
  readonly state: ObjectState
  /** Counts the generations of this object, from 1. */
  readonly generation: number
  /** Why it is `failed`, or why the last change was refused while the former generation goes on. */
  readonly error: string | null
  /** What the object itself reports; JSON data. */
  readonly detail: unknown
}

export interface ApplyOutcome {
  readonly created: readonly string[]
  readonly updated: readonly string[]
  readonly deleted: readonly string[]
  /** Names whose new generation could not be made; everything else in this apply was undone too. */
  readonly failed: readonly { readonly name: string; readonly reason: string }[]
  readonly durationMs: number
}

/** What the admin API and the file watcher ask of the control plane. Both go this one way. */
export interface Control {
  /** Counts every change that took effect. */
  readonly revision: number
  list(): readonly ObjectSpec[]
  get(name: string): ObjectSpec | undefined
  status(): readonly ObjectStatus[]
  statusOf(name: string): ObjectStatus | undefined
  /**
   * Creates or replaces objects of source `api`. Problems of every document come back together as a
   * ConfigError; a name that a file owns is ADMIN_CONFLICT. `mode` says what must be so before.
   */
  put(
    documents: readonly Readonly<Record<string, unknown>>[],
    mode: 'create' | 'update' | 'upsert',
  ): Promise<ApplyOutcome>
  /** Undefined when there is no such object; ADMIN_CONFLICT when a file owns it or another object needs it. */
  delete(name: string): Promise<ApplyOutcome | undefined>
  /** Stores a module by its digest and swaps it into one filter, or tries it there. */
  pushPlugin(
    bytes: Uint8Array,
    pipeline: string,
    filter: string,
    options?: Because & { readonly trial: TrialOptions | null },
  ): Promise<PushOutcome>
  /**
   * Keeps the source map of a module that was pushed, by the module's digest; bytes that are kept of it.
   * PLUGIN_SOURCE_MAP says what is wrong with a map, OBJECT_NOT_FOUND that the module is not stored.
   */
  putSourceMap(digest: string, bytes: Uint8Array): Promise<number>
  /** Gives what is on trial in a filter to all clients, or to `percent` of them; PLUGIN_NO_CANARY without a trial. */
  promotePlugin(
    pipeline: string,
    filter: string,
    options: Because & { readonly percent: number | null },
  ): Promise<PushOutcome>
  /** Ends the trial, or goes back to the version that ran before; PLUGIN_NO_PREVIOUS when there is none. */
  rollbackPlugin(
    pipeline: string,
    filter: string,
    reason: string,
    by?: string,
  ): Promise<PushOutcome>
  /** What a filter runs. OBJECT_NOT_FOUND when it runs no plugin. */
  inspectPlugin(pipeline: string, filter: string): Promise<InspectedPlugin>
  /** Plugins by name and version. */
  readonly storedPlugins: StoredPlugins
  /** Every plugin that runs in a filter. */
  plugins(): Promise<PluginStatus[]>
  /** Reads the code of every WasmHost filter again and swaps what has changed. */
  reloadCode(): Promise<ApplyOutcome>
  /** The key-value data of a filter's plugin. OBJECT_NOT_FOUND when none runs there, here and below. */
  listData(pipeline: string, filter: string): Promise<Readonly<Record<string, DataValue>>>
  /** Writes these keys beside those that are there, all or, with DATA_LIMIT, none; how many. */
  applyData(
    pipeline: string,
    filter: string,
    values: Readonly<Record<string, DataValue>>,
  ): Promise<number>
  /** Deletes every key; how many there were. */
  deleteData(pipeline: string, filter: string): Promise<number>
  readonly isReady: boolean
  /** The checks behind `isReady`, by name. */
  readinessChecks(): readonly {
    readonly name: string
    readonly ok: boolean
    readonly reason: string
  }[]
}

export type { ConfigIssue }
