import { GatewayError } from '../../errors.ts'
import { defineAbi, exportOf, type RunPhase } from './abi.ts'
import { EASEGRESS } from './easegress.ts'
import { easegressImports } from './easegress-calls.ts'
import { EasegressMemory } from './easegress-memory.ts'
import { abortImport } from './env-abort.ts'
import { GuestExit, wasiImports } from './wasi-calls.ts'

/** Results a guest can return: 0 goes on, the others are `wasmResult1` to `wasmResult9`. */
const MAX_RESULT = 9

/** Modules that were built for Easegress's WasmHost. */
export const easegress = defineAbi({
  table: EASEGRESS,
  link(env) {
    const values = new EasegressMemory(env.memory)
    const start = (exports: WebAssembly.Exports): RunPhase => {
      // `checkAbi` has seen that both are there.
      const run = exportOf<() => number>(exports, 'wasm_run') ?? (() => 0)
      values.attach(exportOf<(size: number) => number>(exports, 'wasm_alloc') ?? (() => 0))
      initialize(exports)
      const init = exportOf<(parameters: number) => void>(exports, 'wasm_init')
      if (init !== null) {
        const pairs = [...env.parameters].flat().map((text) => Buffer.from(text, 'utf8'))
        init(values.returnArray(pairs))
      }
      return () => {
        const result = run()
        if (result < 0 || result > MAX_RESULT) {
          throw new GatewayError('GUEST_RESULT', { value: result })
        }
        return result
      }
    }
    return {
      imports: {
        easegress: easegressImports(env, values),
        wasi_snapshot_preview1: wasiImports(env),
        env: abortImport(env.memory),
      },
      start,
    }
  },
})

/** What a toolchain's runtime needs before anything else: a library has `_initialize`, a program `_start`. */
function initialize(exports: WebAssembly.Exports): void {
  const initialize = exportOf(exports, '_initialize') ?? exportOf(exports, '_start')
  try {
    initialize?.()
  } catch (error) {
    // A program's `main` may end by leaving with success; what it has set up stays.
    if (!(error instanceof GuestExit) || error.code !== 0) throw error
  }
}
