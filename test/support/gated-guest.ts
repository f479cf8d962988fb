import { type GatedModule, gateModule } from '../../host/wasm/module/gate.ts'
import { FUEL_EXPORT } from '../../host/wasm/module/gate-names.ts'
import { DEFAULT_MODULE_LIMITS, type ModuleLimits } from '../../host/wasm/module/module-limits.ts'
import { wat } from './wat.ts'

type GuestFunction = (...args: unknown[]) => unknown

/** An instance of a gated module, as a test drives it. */
export interface GatedGuest {
  readonly gated: GatedModule
  readonly original: Uint8Array
  readonly exports: WebAssembly.Exports
  fuel: bigint
  has(name: string): boolean
  /** Calls an export; throws what it throws. */
  call(name: string, ...args: unknown[]): unknown
  /** Calls an export with this fuel; how it ended and what it used. */
  run(fuel: number | bigint, name: string, ...args: unknown[]): GuestRun
}

export interface GuestRun {
  readonly result: unknown
  readonly error: Error | null
  readonly used: number
  readonly isOutOfFuel: boolean
}

export function gateText(text: string, limits: Partial<ModuleLimits> = {}): GatedModule {
  return gateModule(wat(text), { ...DEFAULT_MODULE_LIMITS, ...limits })
}

/** Gates and instantiates; the start function is not called. */
export function openGuest(
  module: string | Uint8Array,
  imports: WebAssembly.Imports = {},
  limits: Partial<ModuleLimits> = {},
): GatedGuest {
  const bytes = typeof module === 'string' ? wat(module) : module
  const gated = gateModule(bytes, { ...DEFAULT_MODULE_LIMITS, ...limits })
  const compiled = new WebAssembly.Module(Uint8Array.from(gated.bytes))
  const { exports } = new WebAssembly.Instance(compiled, imports)
  const global = exports[FUEL_EXPORT] as WebAssembly.Global
  const call = (name: string, ...args: unknown[]): unknown =>
    (exports[name] as GuestFunction)(...args)
  return {
    gated,
    original: bytes,
    exports,
    get fuel() {
      return global.value as bigint
    },
    set fuel(value) {
      global.value = value
    },
    has: (name) => name in exports,
    call,
    run(fuel, name, ...args) {
      const budget = BigInt(fuel)
      global.value = budget
      let result: unknown
      let error: Error | null = null
      try {
        result = call(name, ...args)
      } catch (thrown) {
        error = thrown as Error
      }
      const left = global.value as bigint
      return {
        result,
        error,
        used: Number(budget - left),
        isOutOfFuel: error !== null && left < 0n,
      }
    },
  }
}
