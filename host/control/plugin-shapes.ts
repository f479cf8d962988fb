import type { ModuleSheet } from '../wasm/module-sheet.ts'
import type { CatalogEvent } from '../wasm/plugin-catalog.ts'
import type { HistoryEntry } from '../wasm/plugin-store.ts'

// What the admin API and the command line say and hear about plugins. JSON data.

/** Who asks for a change, and why; both end up in the history. */
export interface Because {
  /** An address and whom it says it is, or `gateway` for what happens by itself. */
  readonly by: string
  readonly reason: string
}

/** Begins a trial instead of a swap. */
export interface TrialOptions {
  /** Of the clients, more than 0 and at most 100. */
  readonly percent: number
  /** `client`, `header:NAME` or `cookie:NAME`. */
  readonly sticky: string
  /** Promoted when the gates have held for this long; null for only by hand. */
  readonly promoteAfterMs: number | null
}

/** What a filter or the filters of a plugin run now. */
export interface PushOutcome {
  /** The module that was pushed, promoted or gone back to: `sha256:` and 64 hex digits. */
  readonly digest: string
  /** The one that ran before; with a trial, the one that goes on beside it. "" when none did. */
  readonly previousDigest: string
  readonly pipeline: string
  readonly filter: string
  /** Of the clients that get `digest`; null for all of them. */
  readonly percent: number | null
  readonly durationMs: number
}

/** What became of a stored plugin. */
export interface StoredOutcome {
  readonly name: string
  readonly version: string
  readonly digest: string
  /** False when it was there already. */
  readonly isNew: boolean
  /** The version that `plugin: name` runs now. */
  readonly promoted: string
  /** Of the clients that get `version`; null without a trial. */
  readonly percent: number | null
  /** Pipelines that were made anew. */
  readonly reloaded: readonly string[]
}

/** A version on trial, and how it does. */
export interface TrialStatus {
  /** `PIPELINE/FILTER` or the name of the plugin. */
  readonly subject: string
  readonly digest: string
  readonly version: string | null
  readonly percent: number
  readonly sticky: string
  readonly promoteAfterMs: number | null
  readonly at: string
  readonly by: string
  /** `waiting` for requests, `holding` for `heldMs`, or `bad`; `idle` while no filter takes part. */
  readonly state: 'idle' | 'waiting' | 'holding' | 'bad'
  readonly heldMs: number
  /** Since the trial or the gateway began. */
  readonly requests: number
  readonly failures: number
  readonly errors: number
}

/** One plugin in one filter, as `plugin ls` shows it. */
export interface PluginStatus {
  readonly pipeline: string
  readonly filter: string
  /** What the filter reports of itself. */
  readonly detail: Readonly<Record<string, unknown>>
  readonly trial: TrialStatus | null
  /** Oldest first. */
  readonly history: readonly HistoryEntry[]
}

/** One stored version. */
export interface StoredVersionStatus {
  readonly version: string
  readonly digest: string
  readonly bytes: number
  readonly at: string
  readonly by: string
  readonly isPromoted: boolean
  /** Why it was rolled back; null while it is none the worse. */
  readonly withdrawn: string | null
  /** Filters that run it by name, `PIPELINE/FILTER`. */
  readonly usedBy: readonly string[]
  /** Those of them that are pinned to it. */
  readonly pinnedBy: readonly string[]
}

/** Everything that is stored under one name. */
export interface StoredPluginStatus {
  readonly name: string
  readonly promoted: string
  readonly trial: TrialStatus | null
  readonly versions: readonly StoredVersionStatus[]
  /** Oldest first. */
  readonly history: readonly CatalogEvent[]
}

/** A module with everything that is known about it. */
export interface InspectedPlugin {
  readonly module: ModuleSheet
  /** The filter that runs it, when a filter was asked about. */
  readonly running: PluginStatus | null
  /** Where it is stored, when a name was asked about. */
  readonly stored: StoredPluginStatus | null
}

/** Versions of plugins by name; the errors are those of PluginCatalog unless something else is said. */
export interface StoredPlugins {
  list(): Promise<readonly StoredPluginStatus[]>
  /** The promoted version when none is named. */
  inspect(name: string, version: string | null): Promise<InspectedPlugin>
  /** Keeps a module; its name and version are those of its description unless others are given. */
  push(
    bytes: Uint8Array,
    options: Because & {
      readonly name: string | null
      readonly version: string | null
      readonly trial: TrialOptions | null
    },
  ): Promise<StoredOutcome>
  /**
   * Makes a version what `plugin: name` runs, or with `trial` what a share of the clients gets. Without a
   * version: the one on trial; PLUGIN_NO_CANARY when there is none.
   */
  promote(
    name: string,
    options: Because & { readonly version: string | null; readonly trial: TrialOptions | null },
  ): Promise<StoredOutcome>
  /** Ends the trial, or goes back to the version before; PLUGIN_NO_PREVIOUS when there is none. */
  rollback(name: string, because: Because): Promise<StoredOutcome>
  /** Without a version: all of them. PLUGIN_IN_USE says who needs it. */
  remove(name: string, version: string | null, because: Because): Promise<readonly string[]>
}
