import { checkAbi } from '../wasm/abi/check-abi.ts'
import { limitEngine } from '../wasm/engine-limits.ts'
import { compileModule } from '../wasm/module/compile.ts'
import { type PluginDescription, readDescription } from '../wasm/module/description.ts'
import { type GatedModule, gateModule } from '../wasm/module/gate.ts'
import type { ModuleInfo } from '../wasm/module/module-info.ts'
import { readModule } from '../wasm/module/reader.ts'
import { digestOf } from '../wasm/plugin-store.ts'

/** A module that has passed what a gateway asks of it. */
export interface OpenedModule {
  readonly digest: string
  readonly info: ModuleInfo
  readonly description: PluginDescription
  readonly gated: GatedModule
  readonly module: WebAssembly.Module
}

/**
 * Reads, checks, gates and compiles a module as a gateway does, without a gateway's cache. Fails with the
 * GUEST_* error that says what is wrong.
 */
export async function openModule(bytes: Uint8Array): Promise<OpenedModule> {
  limitEngine()
  const info = readModule(bytes)
  const description = readDescription(info)
  // Which functions there are, the program knows that will run it.
  checkAbi(info, description, null)
  const gated = gateModule(bytes)
  const module = await compileModule(gated)
  return { digest: digestOf(bytes), info, description, gated, module }
}
