import { createHash } from 'node:crypto'
import { isGatewayError } from '../../host/errors.ts'
import { ByteReader } from '../../host/wasm/module/byte-reader.ts'
import { ByteWriter } from '../../host/wasm/module/byte-writer.ts'
import { type GatedModule, gateModule } from '../../host/wasm/module/gate.ts'
import { FUEL_EXPORT, START_EXPORT } from '../../host/wasm/module/gate-names.ts'
import type { ModuleInfo } from '../../host/wasm/module/module-info.ts'
import { readModule } from '../../host/wasm/module/reader.ts'
import type { FunctionType, ValueType } from '../../host/wasm/module/value-type.ts'
import { createModuleGenerator } from './module-generator.ts'
import { createPrng, type Prng, testSeed } from './prng.ts'
import { assert } from './suite.ts'

const CALLS = 12
const PLENTY = 1n << 50n
/** How far past its budget a call may end well: the code between two checks. */
const OVERSHOOT = 2_000n

/** What a comparison did, so that a test can tell that it compared something. */
interface Comparison {
  modules: number
  /** The generator sometimes uses a proposal it was not asked for. */
  refused: number
  calls: number
  traps: number
  /** Frames of traps that the offset map led to the same place. */
  frames: number
  /** Left alone after this call: how deep a stack is, is no property of the module. */
  overflows: number
  /** Runs with half of the fuel, and how many of them were stopped by it. */
  lowered: number
  stopped: number
}

function newComparison(): Comparison {
  return {
    modules: 0,
    refused: 0,
    calls: 0,
    traps: 0,
    frames: 0,
    overflows: 0,
    lowered: 0,
    stopped: 0,
  }
}

/**
 * Runs a module as it is and through the gate with the same random inputs: results, traps, host
 * calls, memory and globals must be equal after every call. Then again with half of the fuel each
 * call took: it must stop there.
 */
function compareGated(original: Uint8Array, seed: string, totals: Comparison): void {
  const bytes = exposeState(original)
  const info = readModule(bytes)
  const gated = gateUnlessRefused(bytes)
  if (gated === null) {
    totals.refused += 1
    return
  }
  totals.modules += 1
  const before = new Run(bytes, info)
  const after = new Run(gated.bytes, info)
  assert.is(after.startError, before.startError, 'instantiation')
  if (before.startError !== null) return

  const prng = createPrng(seed)
  const names = before.functions()
  const history: { name: string; args: unknown[] }[] = []
  for (let call = 0; call < CALLS && names.length > 0; call += 1) {
    const name = names[prng.below(names.length)] ?? ''
    const args = randomArguments(before.typeOf(name), prng)
    const expected = before.call(name, args)
    const actual = after.callWithFuel(name, args, PLENTY)
    totals.calls += 1
    if (expected.isOverflow || actual.isOverflow) {
      totals.overflows += 1
      return
    }
    if (expected.isTrap) totals.traps += 1
    assert.equal(actual.outcome, expected.outcome, `${name}(${args.map(String).join(', ')})`)
    assert.equal(after.state(), before.state(), `state after ${name}`)
    const frames = actual.frames.map((offset) => gated.offsetMap.toOriginal(offset))
    assert.equal(frames, expected.frames, `frames of the trap in ${name}`)
    totals.frames += frames.length

    const used = PLENTY - after.fuel
    if (used >= 4n) {
      totals.lowered += 1
      const half = new Run(gated.bytes, info)
      for (const earlier of history) half.callWithFuel(earlier.name, earlier.args, PLENTY)
      const lowered = half.callWithFuel(name, args, used / 2n)
      if (lowered.isTrap) totals.stopped += 1
      assert.ok(half.fuel < 0n, `${name} used ${used}, with half of it ${half.fuel} was left`)
      const isBounded = lowered.isTrap || half.fuel > -OVERSHOOT
      assert.ok(isBounded, `${name} ended ${-half.fuel} past its budget`)
    }
    history.push({ name, args })
  }
}

function gateUnlessRefused(bytes: Uint8Array): GatedModule | null {
  try {
    return gateModule(bytes)
  } catch (error) {
    if (isGatewayError(error, 'GUEST_MODULE_FEATURE')) return null
    throw error
  }
}

/** Compares as many generated modules, with the seed of `testSeed`, and prints the seed. */
export async function compareGenerated(modules: number): Promise<void> {
  const base = testSeed()
  process.stdout.write(`seed ${base}, ${modules} modules\n`)
  const generator = await createModuleGenerator()
  const totals = newComparison()
  try {
    for (let i = 0; totals.modules < modules; i += 1) {
      const seed = `${base}-${i}`
      const bytes = generator.generate(seed, 400 + ((i * 97) % 6_000))
      try {
        compareGated(bytes, seed, totals)
      } catch (error) {
        throw new Error(`module with seed ${seed}: ${String(error)}`, { cause: error })
      }
    }
  } finally {
    generator.close()
  }
  process.stdout.write(`${JSON.stringify(totals)}\n`)
  assert.ok(totals.calls > modules, 'calls were compared')
  assert.ok(totals.stopped > modules, 'lowered budgets stopped guests')
}

interface Outcome {
  readonly outcome: readonly string[]
  /** Offsets of a trap's frames in the module that ran, innermost first. */
  readonly frames: readonly number[]
  readonly isTrap: boolean
  readonly isOverflow: boolean
}

/** One instance with the imports the generator's modules ask for, all of them noted. */
class Run {
  readonly #info: ModuleInfo
  readonly #exports: WebAssembly.Exports = {}
  #trace: string[] = []
  #depth = 0
  #isStarting = true
  readonly startError: string | null = null

  constructor(bytes: Uint8Array, info: ModuleInfo) {
    this.#info = info
    try {
      const module = new WebAssembly.Module(Uint8Array.from(bytes))
      this.#exports = new WebAssembly.Instance(module, this.#imports()).exports
      if (FUEL_EXPORT in this.#exports) this.#setFuel(PLENTY)
      // What was the start section of the module before.
      const start = this.#exports[START_EXPORT]
      if (typeof start === 'function') start()
    } catch (error) {
      this.startError = String(error).replace(/^.*?: /, '')
    }
    this.#isStarting = false
  }

  get fuel(): bigint {
    return (this.#exports[FUEL_EXPORT] as WebAssembly.Global).value as bigint
  }

  functions(): string[] {
    return this.#info.exports
      .filter(({ type }) => type.kind === 'function' && !takesVector(type))
      .map((entry) => entry.name)
  }

  typeOf(name: string): FunctionType {
    const type = this.#info.exports.find((entry) => entry.name === name)?.type
    if (type?.kind !== 'function') throw new Error(`${name} is no function`)
    return type
  }

  callWithFuel(name: string, args: readonly unknown[], fuel: bigint): Outcome {
    this.#setFuel(fuel)
    return this.call(name, args)
  }

  #setFuel(fuel: bigint): void {
    ;(this.#exports[FUEL_EXPORT] as WebAssembly.Global).value = fuel
  }

  call(name: string, args: readonly unknown[]): Outcome {
    this.#trace = []
    this.#depth = 0
    try {
      const result = (this.#exports[name] as (...values: unknown[]) => unknown)(...args)
      return {
        outcome: [...this.#trace, show(result)],
        frames: [],
        isTrap: false,
        isOverflow: false,
      }
    } catch (error) {
      const outcome = [...this.#trace, String(error)]
      const isOverflow = error instanceof RangeError
      return { outcome, frames: framesOf(error), isTrap: true, isOverflow }
    }
  }

  /** Memory by its hash, globals by value. */
  state(): unknown {
    const globals: string[] = []
    let memory = ''
    for (const { name, type } of this.#info.exports) {
      const value = this.#exports[name]
      if (value instanceof WebAssembly.Memory) {
        memory = createHash('sha256').update(new Uint8Array(value.buffer)).digest('hex')
      } else if (value instanceof WebAssembly.Global && type.kind === 'global') {
        if (type.value !== 'v128') globals.push(`${name}=${show(value.value)}`)
      }
    }
    return { memory, globals }
  }

  #imports(): WebAssembly.Imports {
    const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {}
    for (const { module, name, type } of this.#info.imports) {
      imports[module] ??= {}
      imports[module][name] =
        type.kind === 'global'
          ? new WebAssembly.Global(
              { value: valueTypeName(type.value), mutable: type.mutable },
              startValue(type.value),
            )
          : (...args: unknown[]) => this.#hostCall(name, args)
    }
    return imports
  }

  #hostCall(name: string, args: readonly unknown[]): unknown {
    this.#trace.push(`${name} ${args.map(show).join(' ')}`)
    if (name === 'sleep') return args[1]
    // From a start section no export can be reached yet, so from its replacement neither.
    if (this.#isStarting) return name === 'table-get' ? null : undefined
    switch (name) {
      case 'table-get':
        return (this.#exports['table'] as WebAssembly.Table).get(Number(args[0]) >>> 0)
      case 'table-set':
        return (this.#exports['table'] as WebAssembly.Table).set(Number(args[0]) >>> 0, args[1])
      case 'call-export':
      case 'call-ref':
        return this.#callBack(name, args[0])
      case 'call-export-catch':
      case 'call-ref-catch':
        return this.#catches(name, args[0])
      default:
        return undefined
    }
  }

  #catches(name: string, target: unknown): number {
    try {
      this.#callBack(name.replace('-catch', ''), target)
      return 0
    } catch (error) {
      // Not to be caught by the guest: where the stack ends differs, and out of fuel is out of fuel.
      if (error instanceof RangeError || this.#isOutOfFuel()) throw error
      return 1
    }
  }

  #isOutOfFuel(): boolean {
    return FUEL_EXPORT in this.#exports && this.fuel < 0n
  }

  #callBack(name: string, target: unknown): unknown {
    this.#depth += 1
    if (this.#depth > 20) throw new Error('too deep')
    if (name === 'call-ref') return typeof target === 'function' ? void target() : undefined
    const names = this.functions()
    const chosen = names[(Number(target) >>> 0) % names.length] ?? ''
    const args = this.typeOf(chosen).params.map(startValue)
    ;(this.#exports[chosen] as (...values: unknown[]) => unknown)(...args)
    return undefined
  }
}

function framesOf(error: unknown): number[] {
  const stack = error instanceof WebAssembly.RuntimeError ? (error.stack ?? '') : ''
  return [...stack.matchAll(/wasm-function\[\d+\]:0x([0-9a-f]+)/g)].map(([, offset]) =>
    Number.parseInt(offset ?? '', 16),
  )
}

function takesVector(type: FunctionType): boolean {
  return type.params.includes('v128') || type.results.includes('v128')
}

/** JavaScript's name of a type; Node's typings lack v128, which no import here has. */
function valueTypeName(type: ValueType): Exclude<ValueType, 'funcref' | 'v128'> | 'anyfunc' {
  return type === 'funcref' || type === 'v128' ? 'anyfunc' : type
}

function startValue(type: ValueType): unknown {
  if (type === 'i64') return 0n
  if (type === 'funcref') return null
  return type === 'externref' ? 'external' : 0
}

const EDGES = [0, 1, -1, 2, 7, 8, 31, 64, 255, 65_535, 65_536, 2_147_483_647, -2_147_483_648]

function randomArguments(type: FunctionType, prng: Prng): unknown[] {
  return type.params.map((param) => {
    const edge = EDGES[prng.below(EDGES.length)] ?? 0
    const value = prng.below(2) === 0 ? edge : prng.next() | 0
    if (param === 'i64') return BigInt(value) * (prng.below(2) === 0 ? 1n : 4_294_967_311n)
    if (param === 'funcref') return null
    if (param === 'externref') return `reference ${value}`
    return param === 'i32' ? value : value / 8
  })
}

function show(value: unknown): string {
  if (Array.isArray(value)) return value.map(show).join(',')
  if (Object.is(value, -0)) return '-0'
  return typeof value === 'function' ? 'function' : `${typeof value} ${String(value)}`
}

/** The module with its memory and all globals exported, so that a test can look at them. */
function exposeState(bytes: Uint8Array): Uint8Array {
  const info = readModule(bytes)
  const taken = new Set(info.exports.map((entry) => `${entry.kind} ${entry.index}`))
  const added: [name: string, kind: number, index: number][] = []
  if (info.memories.length > 0 && !taken.has('memory 0')) added.push(['exposed memory', 2, 0])
  for (const index of info.globals.keys()) {
    if (!taken.has(`global ${index}`)) added.push([`exposed global ${index}`, 3, index])
  }
  const section = info.sections.find((entry) => entry.id === 7)
  if (section === undefined) return bytes
  const content = new ByteWriter()
  const reader = new ByteReader(bytes, section.bodyStart, section.end)
  content.u32(reader.u32() + added.length)
  content.copy(bytes, reader.pos, section.end)
  for (const [name, kind, index] of added) {
    content.text(name)
    content.u8(kind)
    content.u32(index)
  }
  const output = new ByteWriter()
  output.copy(bytes, 0, section.start)
  output.section(7, content.view())
  output.copy(bytes, section.end, bytes.length)
  return output.view().slice()
}
