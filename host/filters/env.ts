import type { HttpEngine } from '../http/engine.ts'
import type { Logger } from '../observe/log.ts'
import type { PolicySet } from '../resilience/policies.ts'
import type { Dict } from '../template/value.ts'
import type { RegistryHub } from '../upstream/discovery/registry-hub.ts'
import type { UsagePool } from '../usage-pool.ts'
import type { PluginHost } from '../wasm/plugin-host.ts'

/** What a filter is given when it is made: everything it needs from above or beside it. */
export interface FilterEnv {
  readonly pipeline: string
  /** The name of the filter in its pipeline. */
  readonly filter: string
  /** The folder that relative paths in the spec are resolved from. */
  readonly baseDir: string
  readonly log: Logger
  readonly engine: HttpEngine
  /** Expensive things that survive a change: upstream clients, keyed by what they are made from. */
  readonly clients: UsagePool
  /** The service registries that run, by name. */
  readonly registries: RegistryHub
  readonly plugins: PluginHost
  /** At the start of the gateway: what cannot be loaded is left out, instead of refused. */
  readonly isBoot: boolean
  /** The policies under `resilience` of the pipeline. */
  readonly policies: PolicySet
  /** True for a configuration that moves here and expects the answers of Easegress where ours differ. */
  readonly isEasegress: boolean
  /** What templates find under `.data.PIPELINE`. */
  readonly data: Dict
}
