import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ASUtil } from '@assemblyscript/loader'
import { GatewayError, reasonOf } from '../errors.ts'
import {
  type FunctionShape,
  idName,
  type PassedType,
  passedType,
} from '../toolchain/function-types.ts'
import { penstockV1 } from '../wasm/abi/penstock-v1-guest.ts'
import { NO_DATA } from '../wasm/data/data-operation.ts'
import { GuestData } from '../wasm/data/guest-data.ts'
import { GuestCall } from '../wasm/guest-call.ts'
import { GuestMemory } from '../wasm/guest-memory.ts'
import { HOST_SEAMS } from '../wasm/instance.ts'
import { GuestMetrics } from '../wasm/metrics/guest-metrics.ts'

/** What `loadFunctions` gives when nobody says more. */
export type Functions = Readonly<Record<string, (...args: never[]) => unknown>>

type Exports = ASUtil & Record<string, unknown>

/**
 * Compiles the exported functions of a file of a filter, for tests of their own. Numbers, bool, strings,
 * texts of the SDK and arrays of them cross; `i64` is a bigint. What a function throws is thrown.
 *
 *     const { mask } = await loadFunctions<{ mask(card: string): string }>('mask.ts')
 *     assert.equal(mask('4111 1111'), '**** 1111')
 *
 * For a module that is compiled already (with `--exportRuntime`), `signatures` says what its functions take:
 * `{ join: '(parts: string[], glue: string) => string' }`; for each array type it exports a constant like
 * `export const idof_string_array = idof<string[]>()`.
 */
export async function loadFunctions<T = Functions>(
  source: string | URL,
  signatures: Readonly<Record<string, string>> = {},
): Promise<T> {
  const path = resolve(source instanceof URL ? fileURLToPath(source) : source)
  const { wasm, functions, refused } = path.endsWith('.wasm')
    ? await readFunctions(path, signatures)
    : await compileFrom(path)
  const exports = await instantiate(wasm)
  const called = functions.map((shape) => [shape.name, callerOf(exports, shape)] as const)
  const others = [...refused].map(
    ([name, reason]) =>
      [
        name,
        (): never => {
          throw new GatewayError('TESTING_SIGNATURE', { name, reason })
        },
      ] as const,
  )
  // Which functions there are is known at run time only; T is what the author says about them.
  return Object.fromEntries([...called, ...others]) as T
}

async function compileFrom(path: string) {
  // Loaded when it is used: it brings the compiler.
  const { compileFunctions } = await import('../toolchain/compile-functions.ts')
  return await compileFunctions(path)
}

async function readFunctions(path: string, signatures: Readonly<Record<string, string>>) {
  const functions = Object.entries(signatures).map(([name, text]) => parseSignature(name, text))
  return { wasm: await readFile(path), functions, refused: new Map<string, string>() }
}

function parseSignature(name: string, text: string): FunctionShape {
  const parts = /^\(([^)]*)\)\s*=>\s*(.+)$/.exec(text.trim())
  const types = (parts?.[1] ?? '').split(',').filter((part) => part.trim() !== '')
  const parameters = types.map((part) => passedType(part.replace(/^\s*\w+\s*:/, '')))
  const returns = passedType(parts?.[2] ?? '?')
  if (returns === null || parameters.includes(null)) {
    const reason = `"${text}" is no signature such as (parts: string[], glue: string) => string`
    throw new GatewayError('TESTING_SIGNATURE', { name, reason })
  }
  return { name, parameters: parameters.filter((type) => type !== null), returns }
}

async function instantiate(wasm: Uint8Array): Promise<Exports> {
  const loader = await loadLoader()
  const memory = new GuestMemory()
  // Functions of a filter may log; there is no request they could look at.
  const call = new GuestCall()
  const { imports } = penstockV1.link({
    memory,
    call,
    data: new GuestData(NO_DATA, memory, call),
    metrics: new GuestMetrics(call),
    calls: null,
    functions: [],
    canLookUp: false,
    parameters: new Map(),
    secrets: new Map(),
    random: HOST_SEAMS.random,
    wallMs: HOST_SEAMS.wallMs,
    log: () => undefined,
  })
  const { exports } = await loader.instantiate<Record<string, unknown>>(Uint8Array.from(wasm), {
    penstock_v1: imports['penstock_v1'] ?? {},
  })
  if (exports.memory !== undefined) memory.attach(exports.memory)
  if (typeof exports['_initialize'] === 'function') exports['_initialize']()
  return exports
}

async function loadLoader(): Promise<typeof import('@assemblyscript/loader')> {
  try {
    return await import('@assemblyscript/loader')
  } catch (error) {
    throw new GatewayError('TOOLCHAIN_MISSING', { reason: reasonOf(error) }, error)
  }
}

function callerOf(exports: Exports, shape: FunctionShape): (...args: unknown[]) => unknown {
  const { name, parameters, returns } = shape
  const target = exports[name]
  if (typeof target !== 'function') {
    throw new GatewayError('TESTING_SIGNATURE', { name, reason: 'the module does not export it' })
  }
  return (...args) => {
    if (args.length !== parameters.length) {
      const reason = `it takes ${parameters.length} arguments, not ${args.length}`
      throw new GatewayError('TESTING_SIGNATURE', { name, reason })
    }
    const pinned: number[] = []
    const keep = (pointer: number): number => {
      pinned.push(exports.__pin(pointer))
      return pointer
    }
    try {
      const lowered = parameters.map((type, index) => lower(exports, type, args[index], keep, name))
      return lift(exports, returns, target(...lowered))
    } finally {
      for (const pointer of pinned) exports.__unpin(pointer)
    }
  }
}

/** A value of the test as the module takes it; objects stay pinned until the call has returned. */
function lower(
  exports: Exports,
  type: PassedType,
  value: unknown,
  keep: (pointer: number) => number,
  name: string,
): unknown {
  if (value === null && type.isNullable) return 0
  const wrong = (): GatewayError =>
    new GatewayError('TESTING_SIGNATURE', { name, reason: `${String(value)} is no ${type.name}` })
  if (type.isArray) {
    if (!Array.isArray(value)) throw wrong()
    const element = { ...type, isArray: false, isNullable: false }
    const values = value.map((one: unknown) => lower(exports, element, one, keep, name))
    return keep(exports.__newArray(idOf(exports, type, name), values as number[]))
  }
  switch (type.base) {
    case 'string':
    case 'Text':
      if (typeof value !== 'string') throw wrong()
      return keep(exports.__newString(value))
    case 'Uint8Array':
      if (!(value instanceof Uint8Array)) throw wrong()
      return keep(exports.__newArray(idOf(exports, type, name), value))
    case 'bigint':
      if (typeof value !== 'bigint') throw wrong()
      return value
    case 'bool':
      if (typeof value !== 'boolean') throw wrong()
      return value ? 1 : 0
    case 'number':
      if (typeof value !== 'number') throw wrong()
      return value
    case 'void':
      return undefined
  }
}

function lift(exports: Exports, type: PassedType, value: unknown): unknown {
  if (type.isNullable && value === 0) return null
  if (type.isArray) {
    const element = { ...type, isArray: false, isNullable: false }
    // A pointer, and the runtime knows the type of what it points at.
    return [...exports.__getArray(value as number)].map((one) => lift(exports, element, one))
  }
  switch (type.base) {
    case 'string':
    case 'Text':
      return exports.__getString(value as number)
    case 'Uint8Array':
      return exports.__getUint8Array(value as number)
    case 'bool':
      return value !== 0
    case 'bigint':
      return type.name === 'u64' ? BigInt.asUintN(64, value as bigint) : value
    case 'void':
      return undefined
    case 'number':
      return type.name === 'u32' || type.name === 'usize' ? (value as number) >>> 0 : value
  }
}

function idOf(exports: Exports, type: PassedType, name: string): number {
  const id = idName(type)
  const found = id === null ? undefined : exports[id]
  if (!(found instanceof WebAssembly.Global)) {
    const reason = `the module does not export ${id}, the number of the type`
    throw new GatewayError('TESTING_SIGNATURE', { name, reason })
  }
  return Number(found.value)
}
