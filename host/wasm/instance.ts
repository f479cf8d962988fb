import { GatewayError, reasonOf } from '../errors.ts'
import { penstockV1Imports } from './abi/penstock-v1-calls.ts'
import type { PluginSetup } from './executor.ts'
import { GuestCall, type GuestInput, Phase } from './guest-call.ts'
import { GuestMemory } from './guest-memory.ts'

/** Raised by `env.abort`: AssemblyScript's way to say why it traps. */
class GuestAbort extends Error {
  constructor(message: string, file: string, line: number, column: number) {
    super(`${message === '' ? 'abort' : message} (${file}:${line}:${column})`)
    this.name = 'GuestAbort'
  }
}

type PhaseExport = (() => number) | null

/**
 * One instance of a module with its own memory. It keeps nothing between calls that the host relies on;
 * after a call that threw, its state is unknown and it must be dropped.
 */
export class Instance {
  readonly call = new GuestCall()
  readonly #memory = new GuestMemory()
  readonly #phases: readonly [PhaseExport, PhaseExport, PhaseExport]

  /** Instantiates, initializes and configures. Fails with GUEST_START. Bounded by the caller's deadline. */
  constructor(setup: PluginSetup, log: (level: number, message: string) => void) {
    let lastError = ''
    const imports: WebAssembly.Imports = {
      penstock_v1: penstockV1Imports({
        memory: this.#memory,
        call: this.call,
        parameters: setup.parameters,
        log: (level, message) => {
          if (level >= 3) lastError = message
          log(level, message)
        },
      }),
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
    } catch (error) {
      throw new GatewayError('GUEST_START', { reason: reasonOf(error) }, error)
    }
  }

  /** Bytes of the instance's memory now. */
  get memoryBytes(): number {
    return this.#memory.byteLength
  }

  /**
   * Runs one phase and returns what the guest returned; its changes are in `call.changes`. Throws
   * whatever stopped the guest.
   */
  run(input: GuestInput): number {
    const phase = this.#phases[input.phase as 0 | 1 | 2]
    this.call.load(input)
    if (phase === null || phase === undefined) return 0
    const result = phase()
    if (input.phase === Phase.done) return 0
    if (result < 0 && !this.call.hasReplied)
      throw new GatewayError('GUEST_RESULT', { value: result })
    return result
  }
}

function exported(exports: WebAssembly.Exports, name: string): (() => number) | null {
  const value = exports[name]
  // The gate has checked the signature of every export it knows.
  return typeof value === 'function' ? (value as () => number) : null
}
