import { type JsonObject, valueAt } from '../config/json.ts'
import { GatewayError } from '../errors.ts'
import { PipelineGeneration } from '../objects/pipeline.ts'
import { type DataValue, valueFromJson, valueToJson } from '../wasm/data/data-value.ts'
import type { PluginHost } from '../wasm/plugin-host.ts'
import { referenceOf } from '../wasm/plugin-reference.ts'
import type { ApplyOutcome } from './control.ts'
import type { Supervisor } from './supervisor.ts'
import type { ValidObject } from './validate.ts'

/**
 * What Easegress's `wasm` commands do: read the code of all WasmHost filters again, and look after the
 * key-value data of one of them. The caller sees to it that one change happens at a time.
 */
export class WasmControl {
  readonly #supervisor: Supervisor
  readonly #plugins: PluginHost

  constructor(supervisor: Supervisor, plugins: PluginHost) {
    this.#supervisor = supervisor
    this.#plugins = plugins
  }

  /**
   * Makes anew the pipelines whose code is another one now, wherever it is from. A module that cannot be
   * read or run is `failed`, and then nothing was changed.
   */
  async reloadCode(): Promise<ApplyOutcome> {
    const changed = new Set<string>()
    for (const object of this.#supervisor.objects.values()) {
      if (await this.#hasOtherCode(object)) changed.add(object.name)
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

  async #hasOtherCode(object: ValidObject): Promise<boolean> {
    const filters = object.kind === 'Pipeline' ? object.resolved['filters'] : null
    for (const filter of Array.isArray(filters) ? (filters as JsonObject[]) : []) {
      if (filter['kind'] !== 'WasmHost') continue
      const name = String(filter['name'])
      const running = valueAt(this.#detailOf(object.name, name), ['digest'])
      try {
        const { baseDir } = object
        const where = { pipeline: object.name, filter: name, baseDir }
        const digest = await this.#plugins.digestNow({ ...where, ...referenceOf(filter) })
        if (digest !== running) return true
      } catch {
        // What is wrong with it is told when its pipeline is made anew.
        return true
      }
    }
    return false
  }

  #namespaceOf(pipeline: string, filter: string): string {
    const namespace = valueAt(this.#detailOf(pipeline, filter), ['data'])
    if (typeof namespace === 'string') return namespace
    throw new GatewayError('OBJECT_NOT_FOUND', {
      name: `the plugin in the filter ${filter} of the pipeline ${pipeline}`,
    })
  }

  /** What a running filter reports of itself. */
  #detailOf(pipeline: string, filter: string): unknown {
    const generation = this.#supervisor.generation(pipeline)
    if (!(generation instanceof PipelineGeneration)) return null
    return generation.filters.get(filter)?.status?.() ?? null
  }
}
