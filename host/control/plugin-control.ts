import type { JsonObject } from '../config/json.ts'
import { GatewayError } from '../errors.ts'
import { PipelineGeneration } from '../objects/pipeline.ts'
import type { Logger } from '../observe/log.ts'
import type { PluginHost } from '../wasm/plugin-host.ts'
import type { Suspension } from '../wasm/plugin-monitor.ts'
import type { HistoryEntry } from '../wasm/plugin-store.ts'
import type { PushOutcome } from './control.ts'
import type { Supervisor } from './supervisor.ts'

/** A version that fails within this time after it came is taken back by itself. */
export const ROLLBACK_WINDOW_MS = 10 * 60_000

/** One plugin in one filter, as `plugin ls` shows it. */
export interface PluginStatus {
  readonly pipeline: string
  readonly filter: string
  /** What the filter reports of itself; JSON data. */
  readonly detail: Readonly<Record<string, unknown>>
  readonly history: readonly HistoryEntry[]
}

/**
 * Versions of plugins: pushed, listed, taken back. The caller sees to it that one change happens at a time.
 */
export class PluginControl {
  readonly #supervisor: Supervisor
  readonly #plugins: PluginHost
  readonly #log: Logger

  constructor(supervisor: Supervisor, plugins: PluginHost, log: Logger) {
    this.#supervisor = supervisor
    this.#plugins = plugins
    this.#log = log
  }

  /** Stores a module and swaps it in. GUEST_REFUSED leaves the former one, also after a restart. */
  async push(bytes: Uint8Array, pipeline: string, filter: string): Promise<PushOutcome> {
    const { store } = this.#plugins
    const key = `${pipeline}/${filter}`
    const code = this.#codeOf(pipeline, filter)
    const former = (await store.override(key, code)) ?? null
    const previousDigest = this.#digestOf(pipeline, filter)
    const digest = await store.put(bytes)
    const at = new Date().toISOString()
    await store.setOverride(key, { digest, code, insteadOf: null, at, reason: 'pushed' })
    const durationMs = await this.#reload(pipeline, filter, () => store.setOverride(key, former))
    return { digest, previousDigest, pipeline, filter, durationMs }
  }

  /** Goes back to the version that ran before. PLUGIN_NO_PREVIOUS when there is none. */
  async rollback(pipeline: string, filter: string, reason: string): Promise<PushOutcome> {
    const { store } = this.#plugins
    const key = `${pipeline}/${filter}`
    const code = this.#codeOf(pipeline, filter)
    const current = this.#digestOf(pipeline, filter)
    const former = (await store.override(key, code)) ?? null
    const history = await store.history(key)
    const target = history.findLast((entry) => entry.digest !== current && entry.withdrawn === null)
    if (target === undefined || (await store.get(target.digest)) === undefined) {
      throw new GatewayError('PLUGIN_NO_PREVIOUS', { filter: key })
    }
    await store.withdraw(key, current, reason)
    const { digest } = target
    // A pushed module is replaced for good; one of a file only until the file holds something else.
    const insteadOf = former === null ? current : former.insteadOf
    const at = new Date().toISOString()
    await store.setOverride(key, { digest, code, insteadOf, at, reason })
    const durationMs = await this.#reload(pipeline, filter, () => store.setOverride(key, former))
    return { digest, previousDigest: current, pipeline, filter, durationMs }
  }

  /** A version failed too often: when it came a short while ago, the one before it comes back. */
  async rollbackFailing({ pipeline, filter, digest, reason, count }: Suspension): Promise<void> {
    const key = `${pipeline}/${filter}`
    const because = `failed too often: ${reason}`
    const history = await this.#plugins.store.history(key)
    const newest = history.at(-1)
    const isNew =
      newest?.digest === digest && Date.now() - Date.parse(newest.at) < ROLLBACK_WINDOW_MS
    if (count > 1 || !isNew || this.#digestOf(pipeline, filter) !== digest) {
      this.#log.error({ filter: key, digest }, `${key} is left alone for a while: it ${because}`)
      return
    }
    try {
      const outcome = await this.rollback(pipeline, filter, because)
      this.#log.error(
        { filter: key, from: digest, to: outcome.digest },
        `${key} was rolled back: its new version ${because}`,
      )
    } catch (error) {
      this.#log.error({ err: error, filter: key }, `${key} ${because}; it cannot be rolled back`)
    }
  }

  async list(): Promise<PluginStatus[]> {
    const found: PluginStatus[] = []
    for (const pipeline of this.#supervisor.objects.keys()) {
      const generation = this.#supervisor.generation(pipeline)
      if (!(generation instanceof PipelineGeneration)) continue
      for (const [filter, running] of generation.filters) {
        const detail = running.status?.()
        if (!isPlugin(detail)) continue
        const history = await this.#plugins.store.history(`${pipeline}/${filter}`)
        found.push({ pipeline, filter, detail, history })
      }
    }
    return found
  }

  async #reload(pipeline: string, filter: string, undo: () => Promise<void>): Promise<number> {
    const outcome = await this.#supervisor.apply(this.#supervisor.objects, {
      reloads: new Set([pipeline]),
    })
    const failed = outcome.failed[0]
    if (failed === undefined) return outcome.durationMs
    await undo()
    throw new GatewayError('GUEST_REFUSED', {
      filter: `${pipeline}/${filter}`,
      reason: failed.reason,
    })
  }

  /** The digest of the module that a filter runs now; "" when it is not known. */
  #digestOf(pipeline: string, filter: string): string {
    const generation = this.#supervisor.generation(pipeline)
    if (!(generation instanceof PipelineGeneration)) return ''
    const detail = generation.filters.get(filter)?.status?.()
    return isPlugin(detail) ? String(detail['digest']) : ''
  }

  /** What the configuration of a WasmHost filter names as its code, references replaced. */
  #codeOf(pipeline: string, filter: string): string {
    const object = this.#supervisor.objects.get(pipeline)
    if (object?.kind !== 'Pipeline') {
      throw new GatewayError('OBJECT_NOT_FOUND', { name: `the pipeline ${pipeline}` })
    }
    const filters = object.resolved['filters']
    const found = (Array.isArray(filters) ? filters : []).find(
      (candidate) => (candidate as JsonObject)['name'] === filter,
    ) as JsonObject | undefined
    if (found?.['kind'] !== 'WasmHost') {
      throw new GatewayError('OBJECT_NOT_FOUND', {
        name: `the WasmHost filter ${filter} of the pipeline ${pipeline}`,
      })
    }
    return String(found['code'])
  }
}

function isPlugin(detail: unknown): detail is Record<string, unknown> {
  return typeof detail === 'object' && detail !== null && 'digest' in detail && 'plugin' in detail
}
