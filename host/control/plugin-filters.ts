import type { JsonObject } from '../config/json.ts'
import { GatewayError } from '../errors.ts'
import { PipelineGeneration } from '../objects/pipeline.ts'
import { type ModuleReference, parsePluginId, referenceOf } from '../wasm/plugin-reference.ts'
import type { Supervisor } from './supervisor.ts'

/** A WasmHost filter of the configuration, whether it runs or not. */
export interface PluginFilter {
  readonly pipeline: string
  readonly filter: string
  readonly reference: ModuleReference
  /** Paths are relative to this folder. */
  readonly baseDir: string
}

/** The WasmHost filters of everything that is configured: what they name, what they run, and making them anew. */
export class PluginFilters {
  readonly #supervisor: Supervisor

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor
  }

  all(): PluginFilter[] {
    const found: PluginFilter[] = []
    for (const { kind, name: pipeline, resolved, baseDir } of this.#supervisor.objects.values()) {
      const filters = kind === 'Pipeline' ? resolved['filters'] : null
      for (const filter of Array.isArray(filters) ? (filters as JsonObject[]) : []) {
        if (filter['kind'] !== 'WasmHost') continue
        const reference = referenceOf(filter)
        found.push({ pipeline, filter: String(filter['name']), reference, baseDir })
      }
    }
    return found
  }

  /** Filters that name a stored plugin, with the version they are pinned to or null. */
  usersOf(name: string): (PluginFilter & { readonly pin: string | null })[] {
    return this.all().flatMap((filter) => {
      const id = parsePluginId(filter.reference.plugin ?? '')
      return id?.name === name ? [{ ...filter, pin: id.version }] : []
    })
  }

  /** OBJECT_NOT_FOUND when there is no such WasmHost filter. */
  find(pipeline: string, filter: string): PluginFilter {
    if (this.#supervisor.objects.get(pipeline)?.kind !== 'Pipeline') {
      throw new GatewayError('OBJECT_NOT_FOUND', { name: `the pipeline ${pipeline}` })
    }
    const found = this.all().find((one) => one.pipeline === pipeline && one.filter === filter)
    if (found !== undefined) return found
    throw new GatewayError('OBJECT_NOT_FOUND', {
      name: `the WasmHost filter ${filter} of the pipeline ${pipeline}`,
    })
  }

  /** What a filter that runs reports of itself; null when it does not run a plugin. */
  detail(pipeline: string, filter: string): Readonly<Record<string, unknown>> | null {
    const generation = this.#supervisor.generation(pipeline)
    if (!(generation instanceof PipelineGeneration)) return null
    const detail = generation.filters.get(filter)?.status?.()
    return isPlugin(detail) ? detail : null
  }

  /** The digest of the module that a filter runs now; "" when it is not known. */
  digest(pipeline: string, filter: string): string {
    return String(this.detail(pipeline, filter)?.['digest'] ?? '')
  }

  /** Makes pipelines anew. When one of them cannot be, `undo` is run, nothing was changed, and it is GUEST_REFUSED. */
  async reload(
    what: string,
    pipelines: ReadonlySet<string>,
    undo: () => Promise<void>,
  ): Promise<number> {
    if (pipelines.size === 0) return 0
    const outcome = await this.#supervisor.apply(this.#supervisor.objects, { reloads: pipelines })
    const failed = outcome.failed[0]
    if (failed === undefined) return outcome.durationMs
    await undo()
    throw new GatewayError('GUEST_REFUSED', { filter: what, reason: failed.reason })
  }
}

function isPlugin(detail: unknown): detail is Record<string, unknown> {
  return typeof detail === 'object' && detail !== null && 'digest' in detail && 'plugin' in detail
}
