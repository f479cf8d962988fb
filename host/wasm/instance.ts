import { GatewayError, reasonOf } from '../errors.ts'
import { penstockV1Imports } from './abi/penstock-v1-calls.ts'
import type { PluginSetup } from './executor.ts'
import { GuestCall, type GuestInput, Phase } from './guest-call.ts'
import { GuestMemory } from './guest-memory.ts'
import { FUEL_EXPORT, GLOBAL_PREFIX, START_EXPORT } from './module/gate-names.ts'

/** Raised by `env.abort`: AssemblyScript's way to say why it traps. */
class GuestAbort extends Error {
  constructor(message: string, file: string, line: number, column: number) {
    super(`${message === '' ? 'abort' : message} (${file}:${line}:${column})`)
    this.name = 'GuestAbort'
  }
}

/** Optional: what the SDK exports for whoever looks for leaks. */
const LIVE_BYTES_EXPORT = 'penstock_live_bytes'

type PhaseExport = (() => number) | null

/** What a test or a measurement puts in place of the host's own; the gateway leaves it as it is. */
export interface InstanceSeams {
  /** The clock behind `now`. */
  readonly wallMs: () => number
  /** A window on the memory that looks at what passes; null for the usual one. */
  readonly memory: GuestMemory | null
  /** Stands around the host calls; null for none. */
  readonly wrap: ((calls: WebAssembly.ModuleImports) => WebAssembly.ModuleImports) | null
}

export const HOST_SEAMS: InstanceSeams = { wallMs: Date.now, memory: null, wrap: null }

/** A mutable i64 global, as JavaScript sees it. */
interface FuelGlobal {
  value: bigint
}

/**
 * One instance of a module with its own memory. It keeps nothing between calls that the host relies on;
 * after a call that threw, its state is unknown and it must be dropped.
 */
export class Instance {
  readonly call = new GuestCall()
  readonly #memory: GuestMemory
  readonly #phases: readonly [PhaseExport, PhaseExport, PhaseExport]
  readonly #budget: bigint
  /** The global the gate wrote in; null for a module that did not pass it (tests only). */
  readonly #fuel: FuelGlobal | null
  readonly #snapshot: Snapshot | null
  readonly #liveBytes: (() => number) | null

  /** Instantiates, initializes and configures. Fails with GUEST_START. Bounded by the caller's deadline. */
  constructor(
    setup: PluginSetup,
    log: (level: number, message: string) => void,
    seams: InstanceSeams = HOST_SEAMS,
  ) {
    let lastError = ''
    this.#memory = seams.memory ?? new GuestMemory()
    this.#budget = BigInt(setup.fuel)
    this.#memory.hostFuel = setup.fuel
    const calls = penstockV1Imports({
      memory: this.#memory,
      call: this.call,
      parameters: setup.parameters,
      wallMs: seams.wallMs,
      log: (level, message) => {
        if (level >= 3) lastError = message
        log(level, message)
      },
    })
    const imports: WebAssembly.Imports = {
      penstock_v1: seams.wrap === null ? calls : seams.wrap(calls),
      env: {
        abort: (message: number, file: number, line: number, column: number) => {
          throw new GuestAbort(
            this.#memory.managedString(message),
            this.#memory.managedString(file),
            line,
            column,
          )
        },
      },
    }
    try {
      const { exports } = new WebAssembly.Instance(setup.module, imports)
      this.#memory.attach(exports['memory'] as WebAssembly.Memory)
      this.#fuel = (exports[FUEL_EXPORT] as FuelGlobal | undefined) ?? null
      this.#refuel(setup.fuel)
      exported(exports, START_EXPORT)?.()
      exported(exports, '_initialize')?.()
      const refused = exported(exports, 'penstock_configure')?.() ?? 0
      if (refused !== 0) {
        throw new Error(lastError === '' ? `configure returned ${refused}` : lastError)
      }
      this.#phases = [
        exported(exports, 'penstock_on_request'),
        exported(exports, 'penstock_on_response'),
        exported(exports, 'penstock_on_done'),
      ]
      this.#liveBytes = exported(exports, LIVE_BYTES_EXPORT)
      this.#snapshot = setup.reset === 'request' ? new Snapshot(exports) : null
    } catch (error) {
      throw new GatewayError('GUEST_START', { reason: this.explain(error) }, error)
    }
  }

  /** What stopped the guest, in words. */
  explain(error: unknown): string {
    return this.isDry ? 'out of fuel' : reasonOf(error)
  }

  /** Did the guest run out of fuel? Asked after a call that threw. */
  get isDry(): boolean {
    return (this.#fuel !== null && this.#fuel.value < 0n) || this.#memory.hostFuel < 0
  }

  /** Fuel the last call has used: instructions and, for host calls, bytes. */
  get fuelUsed(): number {
    const guest = this.#fuel === null ? 0 : Number(this.#budget - this.#fuel.value)
    return guest + Number(this.#budget) - this.#memory.hostFuel
  }

  /** False when it cannot be made as it was: then it is dropped, and the next call gets a new one. */
  get canReset(): boolean {
    return this.#snapshot === null || this.#snapshot.fits
  }

  #refuel(budget: number): void {
    if (this.#fuel !== null) this.#fuel.value = this.#budget
    this.#memory.hostFuel = budget
  }

  /** Bytes of the instance's memory now. */
  get memoryBytes(): number {
    return this.#memory.byteLength
  }

  /** Bytes of the objects that are in use, after a collection; null for a module that cannot tell. */
  liveBytes(): number | null {
    if (this.#liveBytes === null) return null
    this.#refuel(Number(this.#budget))
    return this.#liveBytes()
  }

  /**
   * Runs one phase and returns what the guest returned; its changes are in `call.changes`. Throws
   * whatever stopped the guest.
   */
  run(input: GuestInput): number {
    const phase = this.#phases[input.phase as 0 | 1 | 2]
    this.call.load(input)
    if (phase === null || phase === undefined) return 0
    if (this.#snapshot !== null) this.#snapshot.restore()
    this.#refuel(Number(this.#budget))
    const result = phase()
    if (input.phase === Phase.done) return 0
    if (result < 0 && !this.call.hasReplied)
      throw new GatewayError('GUEST_RESULT', { value: result })
    return result
  }
}

/**
 * The state of an instance after its start: memory and mutable globals. Putting it back costs 0.5 to 2 us,
 * a new instance 60 to 80.
 */
class Snapshot {
  readonly #memory: WebAssembly.Memory
  readonly #bytes: Uint8Array
  readonly #globals: readonly { readonly global: WebAssembly.Global; readonly value: unknown }[]

  constructor(exports: WebAssembly.Exports) {
    this.#memory = exports['memory'] as WebAssembly.Memory
    this.#bytes = new Uint8Array(this.#memory.buffer).slice()
    this.#globals = Object.entries(exports)
      .filter(([name]) => name.startsWith(GLOBAL_PREFIX))
      .map(([, value]) => value as WebAssembly.Global)
      .map((global) => ({ global, value: global.value as unknown }))
  }

  /** Memory cannot shrink: an instance whose memory grew is never as it was. */
  get fits(): boolean {
    return this.#memory.buffer.byteLength === this.#bytes.length
  }

  restore(): void {
    new Uint8Array(this.#memory.buffer).set(this.#bytes)
    for (const { global, value } of this.#globals) global.value = value
  }
}

function exported(exports: WebAssembly.Exports, name: string): (() => number) | null {
  const value = exports[name]
  // The gate has checked the signature of every export it knows.
  return typeof value === 'function' ? (value as () => number) : null
}
