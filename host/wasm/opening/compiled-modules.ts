import { reasonOf } from '../../errors.ts'
import type { Logger } from '../../observe/log.ts'
import { type Usage, UsagePool } from '../../usage-pool.ts'
import { checkAbi } from '../abi/check-abi.ts'
import { compileModule } from '../module/compile.ts'
import { type PluginDescription, readDescription } from '../module/description.ts'
import type { GateReport } from '../module/gate.ts'
import { GateCache } from '../module/gate-cache.ts'
import type { ModuleInfo } from '../module/module-info.ts'
import { DEFAULT_MODULE_LIMITS } from '../module/module-limits.ts'
import type { OffsetMap } from '../module/offset-map.ts'
import { readModule } from '../module/reader.ts'
import { type ModuleSheet, moduleSheet } from '../module-sheet.ts'
import { digestOf } from '../plugin-store.ts'
import { findSourceMap, type SourceMapFiles } from '../source-map.ts'
import type { PluginHooks } from './plugin-hooks.ts'

/** A module that has passed the gate and can be made instances of. */
export interface CompiledModule {
  /** Of the bytes as they arrived. */
  readonly digest: string
  readonly description: PluginDescription
  readonly module: WebAssembly.Module
  readonly report: GateReport
  /** Of the bytes as they arrived. */
  readonly info: ModuleInfo
  readonly offsetMap: OffsetMap
}

/** From bytes to compiled code: read, held against the ABI, through the gate. Once for whoever uses it. */
export class CompiledModules {
  readonly #hooks: PluginHooks
  readonly #gate: GateCache
  readonly #pool = new UsagePool()

  /** `gateCacheDir` remembers what the gate has made. */
  constructor(gateCacheDir: string, hooks: PluginHooks, log: Logger) {
    this.#hooks = hooks
    this.#gate = new GateCache(gateCacheDir, (error) => {
      log.warn({ err: error }, `the cache of checked modules: ${reasonOf(error)}`)
    })
  }

  /** For all filters that use the same bytes under the same limit. The value fails with a GUEST_* error. */
  acquire(bytes: Buffer, memoryPages: number): Usage<Promise<CompiledModule>> {
    return this.#pool.acquire(
      `${digestOf(bytes)} ${memoryPages}`,
      () => this.compile(bytes, memoryPages),
      () => undefined,
    )
  }

  /** Shared with nobody. The gate and the ABI see the very bytes the digest is made of. */
  async compile(bytes: Buffer, memoryPages: number): Promise<CompiledModule> {
    const limits = { ...DEFAULT_MODULE_LIMITS, memoryPages }
    const info = readModule(bytes, limits)
    const description = readDescription(info)
    checkAbi(info, description, new Set(this.#hooks.functions.keys()))
    const gated = await this.#gate.gate(bytes, limits)
    const { report, offsetMap } = gated
    const module = await compileModule(gated)
    return { digest: digestOf(bytes), description, module, report, info, offsetMap }
  }

  /** What a module is and says of itself; `maps` may hold its source map. */
  async inspect(bytes: Buffer, maps: SourceMapFiles): Promise<ModuleSheet> {
    const usage = this.acquire(bytes, DEFAULT_MODULE_LIMITS.memoryPages)
    try {
      const { digest, description, info, report } = await usage.value
      return moduleSheet(digest, description, info, report, findSourceMap(info, maps))
    } finally {
      usage.release()
    }
  }
}
