import type { GuestData } from '../data/guest-data.ts'
import type { GuestCall } from '../guest-call.ts'
import type { Phase } from '../guest-input.ts'
import type { GuestMemory } from '../guest-memory.ts'
import type { GuestMetrics } from '../metrics/guest-metrics.ts'
import type { GuestCalls } from '../outbound/guest-calls.ts'
import type { AbiTable } from './abi-table.ts'

/** What the host calls of one instance need from whoever runs it. */
export interface GuestEnv {
  readonly memory: GuestMemory
  readonly call: GuestCall
  readonly data: GuestData
  readonly metrics: GuestMetrics
  /** What the guest waits for; null for a module that imports nothing that could make it wait. */
  readonly calls: GuestCalls | null
  /** Names of the embedder's functions the module imports. */
  readonly functions: readonly string[]
  /** A `FieldLookup` may answer plain host calls, which then do not pass by `memory`. */
  readonly canLookUp: boolean
  readonly parameters: ReadonlyMap<string, string>
  /** Values of the secrets of the grant, by name. */
  readonly secrets: ReadonlyMap<string, string>
  /** Fills bytes with random ones that nobody can foretell. */
  readonly random: (bytes: Uint8Array) => void
  /** Milliseconds since 1970, as the guest is told. */
  readonly wallMs: () => number
  /** 0 debug, 1 info, 2 warn, 3 error. */
  log(level: number, message: string): void
}

/**
 * Runs one phase; what the guest returned: 0, or the number of a result. Throws what stopped the guest. A
 * promise for a guest that can wait, and for no other.
 */
export type RunPhase = (phase: Phase) => number | Promise<number>

/** The host's half of one instance. */
export interface LinkedGuest {
  readonly imports: WebAssembly.Imports
  /**
   * Called once, under the limits of a start, when the exports exist and memory is attached: initializes
   * and configures the guest. Throws the reason when it refuses.
   */
  start(exports: WebAssembly.Exports): RunPhase
}

/** A contract between modules and this host: its table, and what stands behind it. */
export interface Abi {
  readonly table: AbiTable
  link(env: GuestEnv): LinkedGuest
}

/** A new ABI is one of these and a line in `builtin.ts`. */
export function defineAbi(abi: Abi): Abi {
  return Object.freeze(abi)
}

/** A function the guest exports, or null. The gate has checked the signature of every export it knows. */
export function exportOf<F extends (...args: never[]) => unknown>(
  exports: WebAssembly.Exports,
  name: string,
): F | null {
  const value = exports[name]
  return typeof value === 'function' ? (value as unknown as F) : null
}
