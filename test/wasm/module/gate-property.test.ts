import { isGatewayError } from '../../../host/errors.ts'
import { gateModule } from '../../../host/wasm/module/gate.ts'
import { readModule } from '../../../host/wasm/module/reader.ts'
import { BUSY_SOURCE, compileAssemblyScript } from '../../support/as-module.ts'
import { createPrng, testSeed } from '../../support/prng.ts'
import { assert, suite } from '../../support/suite.ts'
import { wat } from '../../support/wat.ts'

const test = suite('wasm/module/gate-property', { timeoutMs: 120_000 })

/** Null when it was refused as it should be; anything else that is thrown is a fault. */
function attempt<T>(action: () => T): T | null {
  try {
    return action()
  } catch (error) {
    if (isGatewayError(error) && error.code.startsWith('GUEST_MODULE_')) return null
    throw error
  }
}

function isValid(bytes: Uint8Array): boolean {
  return WebAssembly.validate(Uint8Array.from(bytes))
}

test('flipped bytes never make the reader fail in another way than by refusing', async () => {
  const original = await compileAssemblyScript(BUSY_SOURCE)
  const prng = createPrng(testSeed())
  let accepted = 0
  for (let i = 0; i < 8_000; i += 1) {
    const bytes = original.slice()
    for (let flips = 1 + prng.below(4); flips > 0; flips -= 1) {
      // Sections before the code are short, and most of what the reader looks at.
      const range = prng.below(2) === 0 ? 400 : bytes.length
      bytes[prng.below(range)] = prng.below(256)
    }
    const cut = prng.below(8) === 0 ? prng.below(bytes.length) : bytes.length
    if (attempt(() => readModule(bytes.subarray(0, cut))) !== null) accepted += 1
  }
  assert.ok(accepted > 100 && accepted < 7_900, String(accepted))
})

test('the gate makes no invalid module valid, and no valid one invalid', async () => {
  const original = await compileAssemblyScript(BUSY_SOURCE)
  assert.ok(isValid(gateModule(original).bytes))
  const prng = createPrng(`${testSeed()}-validity`)
  const counts = { both: 0, neither: 0, refused: 0 }
  for (let i = 0; i < 1_000; i += 1) {
    const bytes = original.slice()
    bytes[prng.below(bytes.length)] = prng.below(256)
    const gated = attempt(() => gateModule(bytes))
    if (gated === null) {
      counts.refused += 1
      continue
    }
    const before = isValid(bytes)
    // A start section of the wrong type and the like is found by the reader; the rest must agree.
    assert.is(isValid(gated.bytes), before, `flip ${i}`)
    counts[before ? 'both' : 'neither'] += 1
  }
  assert.ok(counts.both > 50 && counts.neither > 20 && counts.refused > 50, JSON.stringify(counts))
})

/** What may follow an opcode: nothing, indices, a block type, a memory access, constants, lanes. */
const IMMEDIATES: readonly (readonly number[])[] = [
  [],
  [0],
  [0, 0],
  [0x40, 0x0b],
  [0x40],
  [0x70],
  [1, 0x7f],
  [0, 0, 0],
  [0, 0, 0, 0],
  [0, 0, 0, 0, 0, 0, 0, 0],
  new Array<number>(16).fill(0),
]

/** In unreachable code the operands of an instruction may be anything, so only its encoding counts. */
function moduleWith(code: readonly number[]): Uint8Array {
  const content = [1, code.length + 4, 0, 0x00, ...code, 0x00, 0x0b]
  const template = wat(`(module (type (func)) (import "" "" (func)) (memory 1) (table 1 funcref)
    (global (mut i32) (i32.const 0)) (data "") (elem funcref (ref.null func)) (elem declare func 0)
    (func (type 0) (local i32) (data.drop 0)))`)
  const info = readModule(template)
  const section = info.sections.find((entry) => entry.id === 10)
  assert.ok(section)
  return Uint8Array.from([
    ...template.subarray(0, section.start),
    ...[10, content.length, ...content],
    ...template.subarray(section.end),
  ])
}

function encodings(): number[][] {
  const all = Array.from({ length: 256 }, (_, opcode) => [opcode])
  for (let code = 0; code < 64; code += 1) all.push([0xfc, code])
  for (let code = 0; code < 320; code += 1) all.push([0xfd, (code & 0x7f) | 0x80, code >> 7])
  return all.filter(([first], i) => i < 256 || first === 0xfc || first === 0xfd)
}

test('every instruction the gate takes is one the engine takes with the same bytes behind it', () => {
  const taken: string[] = []
  const onlyGate: string[] = []
  const onlyEngine: string[] = []
  for (const opcode of encodings()) {
    let byGate = false
    let byEngine = false
    let byBoth = false
    for (const immediate of IMMEDIATES) {
      const bytes = moduleWith([...opcode, ...immediate])
      const valid = isValid(bytes)
      const gated = attempt(() => gateModule(bytes))
      if (gated !== null) assert.is(isValid(gated.bytes), valid, `${opcode} + ${immediate}`)
      byGate ||= gated !== null
      byEngine ||= valid
      byBoth ||= valid && gated !== null
    }
    const name = opcode.map((byte) => byte.toString(16)).join(' ')
    if (byBoth) taken.push(name)
    else if (byGate) onlyGate.push(name)
    else if (byEngine) onlyEngine.push(name)
  }
  process.stdout.write(
    `taken ${taken.length}; known to the engine only: ${onlyEngine.join(', ')}\n`,
  )
  // Legacy and new exceptions, typed references and relaxed SIMD are refused, all else is taken.
  assert.equal(onlyGate, [])
  assert.is(taken.length, 436)
})
