import { DataStore } from '../../host/wasm/data/data-store.ts'
import type { PluginSetup } from '../../host/wasm/executor.ts'
import type { GuestCall } from '../../host/wasm/guest-call.ts'
import { type GuestInput, Phase } from '../../host/wasm/guest-input.ts'
import { GuestMemory } from '../../host/wasm/guest-memory.ts'
import { HOST_SEAMS, Instance } from '../../host/wasm/instance.ts'
import { itemThat } from './obedient-guest.ts'
import { wat } from './wat.ts'

/** A host call as JavaScript sees it: numbers, and bigints for `i64`. */
type HostCall = (...args: (number | bigint)[]) => unknown

/** Guests that do nothing: it is the test that makes their host calls, with whatever arguments it likes. */
const GUESTS = {
  penstock_v1: `(module (memory (export "memory") 2 8)
    (func (export "penstock_on_request") (result i32) (i32.const 0))
    (func (export "penstock_on_response") (result i32) (i32.const 0)))`,
  easegress: `(module (memory (export "memory") 2 8)
    (global $next (mut i32) (i32.const 65536))
    (func (export "wasm_alloc") (param i32) (result i32)
      (local $at i32)
      (local.set $at (global.get $next))
      (global.set $next (i32.and (i32.add (i32.add (local.get $at) (local.get 0)) (i32.const 15)) (i32.const 0x1fff0)))
      (local.get $at))
    (func (export "wasm_free") (param i32))
    (func (export "wasm_run") (result i32) (i32.const 0)))`,
} as const

export type TestedAbi = keyof typeof GUESTS

/** Bytes of the memory of these guests. */
export const GUEST_BYTES = 2 * 65_536

export interface HostCalls {
  /** Every host call of the ABI by its name; those of other import modules too. */
  readonly calls: ReadonlyMap<string, HostCall>
  readonly store: DataStore
  readonly logs: string[]
  /** The changes and the view of the call that is under way, as they are now. */
  readonly guest: GuestCall
  /** Ends the call that is under way; it has what was changed. */
  end(): GuestCall
  /** Fuel of the call that is under way. */
  fuelUsed(): number
  /** A call of this input begins; until the next one, host calls belong to it. */
  begin(input?: Partial<GuestInput>): void
  /** Makes a host call; throws what it throws. */
  call(name: string, ...args: (number | bigint)[]): unknown
  /** Writes text (latin1) into the guest's memory; its pointer and length. */
  text(text: string): [pointer: number, length: number]
  /** The guest's memory, as it is now. */
  memory(): Buffer
}

/** Links a guest to the real host calls and hands them out. */
export function openHostCalls(
  abi: TestedAbi,
  fields: Partial<PluginSetup> = {},
  { canLookUp = true, isLocal = false } = {},
): HostCalls {
  const calls = new Map<string, HostCall>()
  const logs: string[] = []
  const store = new DataStore()
  const module = new WebAssembly.Module(new Uint8Array(wat(GUESTS[abi])))
  const setup: PluginSetup = {
    id: 1,
    name: 'guest',
    abi,
    module,
    parameters: new Map([['color', 'blue']]),
    fuel: 1_000_000_000,
    data: 'guest',
    reset: 'never',
    ...fields,
  }
  let memory: WebAssembly.Memory | null = null
  const instance = new Instance(
    setup,
    (level, message) => void logs.push(`${level} ${message}`),
    store.port('guest'),
    {
      ...HOST_SEAMS,
      canLookUp,
      wrap: (imports) => {
        for (const [name, value] of Object.entries(imports)) {
          if (typeof value === 'function') calls.set(name, value as HostCall)
        }
        return imports
      },
      memory: new (class extends GuestMemory {
        override attach(attached: WebAssembly.Memory): void {
          memory = attached
          super.attach(attached)
        }
      })(),
    },
    undefined,
    isLocal,
  )
  let at = 1_024
  const view = (): Buffer => Buffer.from(memory?.buffer ?? new ArrayBuffer(0))
  return {
    calls,
    store,
    logs,
    get guest() {
      instance.call.settle()
      return instance.call
    },
    end() {
      instance.call.finish()
      return instance.call
    },
    fuelUsed: () => instance.fuelUsed,
    begin: (input = {}) => {
      at = 1_024
      instance.run({ ...itemThat('x'), phase: Phase.request, ...input })
    },
    call: (name, ...args) => {
      const call = calls.get(name)
      if (call === undefined) throw new Error(`there is no host call ${name}`)
      return call(...args)
    },
    text: (text) => {
      const pointer = at
      at += text.length
      view().latin1Write(text, pointer)
      return [pointer, text.length]
    },
    memory: view,
  }
}
