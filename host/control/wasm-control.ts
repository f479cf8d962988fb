import { GatewayError } from '../errors.ts'
import { type DataValue, valueFromJson, valueToJson } from '../wasm/data/data-value.ts'
import type { PluginHost } from '../wasm/plugin-host.ts'
import type { ApplyOutcome } from './control.ts'
import type { PluginFilter, PluginFilters } from './plugin-filters.ts'
import type { Supervisor } from './supervisor.ts'

/**
 * What Easegress's `wasm` commands do: read the code of all WasmHost filters again, and look after the
 * key-value data of one of them. The caller sees to it that one change happens at a time.
 */
export class WasmControl {
  readonly #filters: PluginFilters
  readonly #supervisor: Supervisor
  readonly #plugins: PluginHost

  constructor(filters: PluginFilters, supervisor: Supervisor, plugins: PluginHost) {
    this.#filters = filters
    this.#supervisor = supervisor
    this.#plugins = plugins
  }

  /**
   * Makes anew the pipelines whose code is another one now, wherever it is from. A module that cannot be
   * read or run is `failed`, and then nothing was changed.
   */
  async reloadCode(): Promise<ApplyOutcome> {
    const changed = new Set<string>()
    for (const one of this.#filters.all()) {
      if (await this.#hasOtherCode(one)) changed.add(one.pipeline)
    }
    return this.#supervisor.apply(this.#supervisor.objects, { reloads: changed })
  }

  /** Every key of the filter's namespace, sorted. OBJECT_NOT_FOUND when no plugin runs there. */
  listData(pipeline: string, filter: string): Readonly<Record<string, DataValue>> {
    const entries = this.#plugins.data.list(this.#namespaceOf(pipeline, filter))
    return Object.fromEntries(entries.map(([key, value]) => [key, valueToJson(value)]))
  }

  /** Writes these keys, for ever; others stay. DATA_LIMIT writes nothing. Returns how many. */
  applyData(pipeline: string, filter: string, values: Readonly<Record<string, DataValue>>): number {
    const entries = Object.entries(values).map(
      ([key, value]) => [key, valueFromJson(value)] as const,
    )
    this.#plugins.data.write(this.#namespaceOf(pipeline, filter), new Map(entries))
    return entries.length
  }

  /** Deletes every key; how many there were. */
  deleteData(pipeline: string, filter: string): number {
    return this.#plugins.data.clear(this.#namespaceOf(pipeline, filter))
  }

  async #hasOtherCode({ pipeline, filter, reference, baseDir }: PluginFilter): Promise<boolean> {
    try {
      const place = { pipeline, filter, baseDir, ...reference }
      return (await this.#plugins.digestNow(place)) !== this.#filters.digest(pipeline, filter)
    } catch {
      // What is wrong with it is told when its pipeline is made anew.
      return true
    }
  }

  #namespaceOf(pipeline: string, filter: string): string {
    const namespace = this.#filters.detail(pipeline, filter)?.['data']
    if (typeof namespace === 'string') return namespace
    throw new GatewayError('OBJECT_NOT_FOUND', {
      name: `the plugin in the filter ${filter} of the pipeline ${pipeline}`,
    })
  }
}
