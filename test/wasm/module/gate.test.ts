import { GatewayError } from '../../../host/errors.ts'
import { gateModule } from '../../../host/wasm/module/gate.ts'
import { FUEL_EXPORT, RESERVED_PREFIX, START_EXPORT } from '../../../host/wasm/module/gate-names.ts'
import {
  DEFAULT_MODULE_LIMITS,
  type ModuleLimits,
} from '../../../host/wasm/module/module-limits.ts'
import { readModule } from '../../../host/wasm/module/reader.ts'
import { gateText, openGuest } from '../../support/gated-guest.ts'
import { assert, suite } from '../../support/suite.ts'
import { wat, withCustomSection } from '../../support/wat.ts'

const test = suite('wasm/module/gate')

function refusal(module: string | Uint8Array, limits: Partial<ModuleLimits> = {}): GatewayError {
  try {
    const bytes = typeof module === 'string' ? wat(module, { check: false }) : module
    gateModule(bytes, { ...DEFAULT_MODULE_LIMITS, ...limits })
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
  throw new Error('the module was accepted')
}

/** One function with this body, before its `end`. */
function body(...bytes: readonly number[]): Uint8Array {
  const code = [0, ...bytes, 0x0b]
  const size = [code.length & 0x7f, code.length >> 7].filter((byte, i) => i === 0 || byte > 0)
  if (size.length === 2) size[0] = (size[0] ?? 0) | 0x80
  const content = [1, ...size, ...code]
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, 4, 1, 0x60, 0, 0],
    ...[3, 2, 1, 0],
    ...[5, 3, 1, 0, 1],
    ...[7, 5, 1, 1, 0x66, 0, 0],
    ...[
      10,
      ...(content.length < 128
        ? [content.length]
        : [(content.length & 0x7f) | 0x80, content.length >> 7]),
    ],
    ...content,
  ])
}

test('a memory without a maximum gets the limit, and cannot grow past it', () => {
  const guest = openGuest(`(module (memory (export "memory") 1)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`)
  assert.equal(guest.gated.report.memory, { minimum: 1, maximum: 256 })
  assert.is(guest.run(10_000_000, 'grow', 256).result, -1)
  assert.is(guest.run(10_000_000, 'grow', 255).result, 1)
})

test('a declared maximum above the limit is lowered, one below is kept', () => {
  assert.is(gateText('(module (memory 1 1000))').report.memory?.maximum, 256)
  assert.is(gateText('(module (memory 1 7))').report.memory?.maximum, 7)
  assert.is(gateText('(module (memory 1))', { memoryPages: 4 }).report.memory?.maximum, 4)
})

test('a memory that starts above the limit is refused (W13)', () => {
  const error = refusal('(module (memory 65536))')
  assert.is(error.code, 'GUEST_MODULE_LIMIT')
  assert.match(error.message, /past the limit memoryPages: 65536, at most 256/)
})

test('a table without a maximum gets the limit: growing past it fails (W21)', () => {
  const guest = openGuest(`(module (table 1 externref)
    (func (export "grow") (param i32) (result i32) (table.grow (ref.null extern) (local.get 0))))`)
  assert.is(guest.run(1_000_000_000, 'grow', 9_000_000).result, -1)
  assert.is(guest.run(1_000_000_000, 'grow', 9_999).result, 1)
  assert.is(guest.run(1_000_000_000, 'grow', 1).result, -1)
})

test('tables that start above the limit are refused, also together (W20)', () => {
  assert.match(
    refusal('(module (table 10000000 funcref))').message,
    /tableElems: 10000000, at most 10000/,
  )
  const two = '(module (table 6000 funcref) (table 6000 externref))'
  assert.match(refusal(two).message, /tableElems: 12000, at most 10000/)
})

test('imported memories and tables are held to the same limits', () => {
  const { bytes } = gateText(`(module (import "env" "f" (func)) (import "env" "memory" (memory 1))
    (import "env" "table" (table 2 500000 funcref)) (import "env" "g" (global i32)))`)
  assert.equal(
    readModule(bytes).imports.map(({ name, type }) => ({ name, type })),
    [
      { name: 'f', type: { kind: 'function', params: [], results: [] } },
      { name: 'memory', type: { kind: 'memory', minimum: 1, maximum: 256 } },
      { name: 'table', type: { kind: 'table', element: 'funcref', minimum: 2, maximum: 10_000 } },
      { name: 'g', type: { kind: 'global', value: 'i32', mutable: false } },
    ],
  )
})

const FEATURES: readonly (readonly [row: string, feature: string, text: string])[] = [
  ['W18', 'threads', '(module (memory 1 1 shared))'],
  [
    'W19',
    'threads',
    '(module (memory 1) (func (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))',
  ],
  ['W16', 'memory64', '(module (memory i64 1))'],
  ['W22', 'garbage collection', '(module (type $a (array (mut i32))))'],
  ['', 'exception handling', '(module (func (try (do) (catch_all))))'],
  [
    '',
    'relaxed SIMD',
    `(module (func (param v128) (result v128)
    (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))`,
  ],
]

for (const [row, feature, text] of FEATURES) {
  test(`refuses ${feature} in ${text.slice(8, 60).split('\n')[0]} ${row}`, () => {
    const error = refusal(text)
    assert.is(error.code, 'GUEST_MODULE_FEATURE')
    assert.match(error.message, new RegExp(`the module uses ${feature}, .*offset 0x`))
  })
}

const REFUSED_CODE: readonly (readonly [what: string, code: readonly number[], says: RegExp])[] = [
  ['an unknown opcode', [0x27], /function 0: 0x27 is no instruction/],
  ['an unknown opcode after 0xfc', [0xfc, 0x20], /0xfc 32 is no instruction/],
  ['an unknown opcode after 0xfd', [0xfd, 0x9a, 0x01], /0xfd 154 is no instruction/],
  ['GC code (W22)', [0xfb, 0x00], /garbage collection/],
  ['atomics (W19)', [0xfe, 0x01], /threads/],
  ['try_table', [0x1f, 0x40], /exception handling/],
  ['call_ref', [0x14, 0x00], /typed function references/],
  ['a second memory in an access (W17)', [0x41, 0, 0x28, 0x42, 1, 0, 0x1a], /multiple memories/],
  ['a label that is not there', [0x0c, 5], /there is no label 5/],
  ['else without if', [0x02, 0x40, 0x05, 0x0b], /else without if/],
  ['a block that never ends', [0x02, 0x40], /the bytes end too early/],
  ['code after the end', [0x0b, 0x01], /there is code after the last end/],
  ['a local that is not there', [0x20, 3, 0x1a], /there is no local 3/],
  ['a function that is not there', [0x10, 9], /there is no function 9/],
  ['a table that is not there', [0x41, 0, 0x25, 0, 0x1a], /there is no table 0/],
  ['a data segment that is not there', [0xfc, 9, 0], /there is no data segment 0/],
]

for (const [what, code, says] of REFUSED_CODE) {
  test(`refuses ${what}`, () => {
    assert.match(refusal(body(...code)).message, says)
  })
}

test('the fuel cannot be reached by the index it gets (global 0 of a module without globals)', () => {
  assert.match(refusal(body(0x42, 0x7f, 0x24, 0)).message, /there is no global 0/)
  assert.match(refusal(body(0x23, 0, 0x1a)).message, /there is no global 0/)
})

test('names of the host are refused, so a gated module does not pass again', () => {
  const error = refusal(`(module (func (export "${RESERVED_PREFIX}fuel")))`)
  assert.match(error.message, /the export "penstock:fuel" has a name of the host's own/)
  assert.is(refusal(gateText('(module (memory 1))').bytes).code, 'GUEST_MODULE_INVALID')
})

test('locals past the limit are refused (W09)', () => {
  const locals = `(local ${'i32 '.repeat(300)})`
  const functions = `(func ${locals})`.repeat(20)
  assert.match(
    refusal(`(module ${functions})`, { localsPerFunction: 299 }).message,
    /localsPerFunction: 300/,
  )
  // 50,000 of them in a group of 4 bytes.
  assert.match(
    refusal(
      Uint8Array.from([
        ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0],
        ...[10, 8, 1, 6, 1, 0xd0, 0x86, 0x03, 0x7f, 0x0b],
      ]),
    ).message,
    /localsPerFunction: 50000, at most 10000/,
  )
})

test('nesting past the limit is refused, and below it is done soon (W10)', () => {
  const nested = (depth: number): string =>
    `(module (func ${'(block '.repeat(depth)}${')'.repeat(depth)}))`
  assert.match(refusal(nested(101), { nesting: 100 }).message, /nesting: 101, at most 100/)
  gateText(nested(100), { nesting: 100 })
  assert.match(refusal(bodyOfBlocks(100_000)).message, /nesting: 50001, at most 50000/)
  const started = performance.now()
  const { bytes } = gateModule(bodyOfBlocks(50_000))
  assert.ok(WebAssembly.validate(Uint8Array.from(bytes)))
  assert.ok(performance.now() - started < 5_000)
})

test('large branch tables are done soon, larger ones refused (W11)', () => {
  const started = performance.now()
  const { bytes } = gateModule(bodyOfSwitches(50, 65_000))
  assert.ok(WebAssembly.validate(Uint8Array.from(bytes)))
  assert.ok(performance.now() - started < 5_000)
  assert.match(refusal(bodyOfSwitches(1, 65_521)).message, /switchTargets: 65521, at most 65520/)
})

test('a component is refused (W05), and a custom section of 100 MB by the size of the file (W07)', () => {
  assert.match(
    refusal(Uint8Array.of(0, 0x61, 0x73, 0x6d, 13, 0, 1, 0)).message,
    /this is a component/,
  )
  const huge = withCustomSection(wat('(module)'), 'big', new Uint8Array(100_000_000))
  assert.match(refusal(huge).message, /past the limit moduleBytes: 1000000\d\d, at most 33554432/)
})

test('the start function becomes an export that runs under fuel and sees memory (W24, W26)', () => {
  let seen = -1
  const guest = openGuest(
    `(module (import "env" "look" (func $look)) (memory (export "memory") 1)
      (global $turns (mut i32) (i32.const 0))
      (func $start (call $look) (loop (br 0)))
      (start $start) (data (i32.const 0) "\\2a"))`,
    {
      env: {
        look: () => {
          seen = new Uint8Array((guest.exports['memory'] as WebAssembly.Memory).buffer)[0] ?? -1
        },
      },
    },
  )
  assert.is(seen, -1, 'nothing ran at instantiation')
  assert.is(guest.gated.report.hasStart, true)
  const run = guest.run(100_000, START_EXPORT)
  assert.is(run.isOutOfFuel, true)
  assert.is(seen, 42)
})

test('a start function that traps does so when it is called, not at instantiation (W25)', () => {
  const guest = openGuest('(module (func $start unreachable) (start $start))')
  const run = guest.run(1_000, START_EXPORT)
  assert.match(String(run.error), /unreachable/)
  assert.is(run.isOutOfFuel, false)
})

test('a module without exports and globals gets both sections', () => {
  const guest = openGuest('(module (func))')
  assert.equal(Object.keys(guest.exports), [FUEL_EXPORT])
  assert.is(guest.fuel, 0n)
})

test('mutable globals are exported for snapshots, and what a snapshot misses is named', () => {
  const guest = openGuest(`(module (global i32 (i32.const 1)) (global (mut i64) (i64.const 5))
    (global $v (mut v128) (v128.const i64x2 1 2)) (global (mut f64) (f64.const 0.5))
    (table 1 externref) (memory 1)
    (data $d "x") (func (export "f") (table.set (i32.const 0) (ref.null extern)) (data.drop $d)))`)
  assert.equal(guest.gated.report.mutableGlobals, ['penstock:global:1', 'penstock:global:3'])
  assert.is((guest.exports['penstock:global:1'] as WebAssembly.Global).value, 5n)
  assert.equal(guest.gated.report.outsideSnapshot, [
    'globals of type v128',
    'tables',
    'dropped segments',
  ])
  assert.equal(
    gateText('(module (memory 1) (global (mut i32) (i32.const 0)))').report.outsideSnapshot,
    [],
  )
})

test('names and other custom sections stay, code metadata does not', () => {
  const plain = wat('(module (func $hello (export "f")))', { names: true })
  const marked = withCustomSection(
    withCustomSection(plain, 'metadata.code.branch_hint', Uint8Array.of(0)),
    'sourceMappingURL',
    Uint8Array.of(1, 0x78),
  )
  const { bytes, report } = gateModule(marked)
  assert.equal(
    readModule(bytes).customSections.map((section) => section.name),
    ['name', 'sourceMappingURL'],
  )
  assert.ok(report.notes.some((note) => note.includes('code metadata')))
})

test('the same module gives the same bytes', () => {
  const bytes = wat(
    `(module (memory 1) (func (export "f") (loop (br_if 0 (i32.load (i32.const 0))))))`,
  )
  assert.equal(gateModule(bytes).bytes, gateModule(bytes.slice()).bytes)
})

function bodyOfBlocks(depth: number): Uint8Array {
  const code = new Uint8Array(depth * 3 + 2)
  for (let i = 0; i < depth; i += 1) code.set([0x02, 0x40], 1 + i * 2)
  code.fill(0x0b, 1 + depth * 2)
  return withCode([code])
}

function bodyOfSwitches(functions: number, targets: number): Uint8Array {
  const head = [
    0,
    0x41,
    0,
    0x0e,
    (targets & 0x7f) | 0x80,
    ((targets >> 7) & 0x7f) | 0x80,
    targets >> 14,
  ]
  const code = new Uint8Array(head.length + targets + 2)
  code.set(head)
  code[code.length - 1] = 0x0b
  return withCode(Array.from({ length: functions }, () => code))
}

/** A module of functions `() -> ()` with these bodies, each with its locals and its `end`. */
function withCode(bodies: readonly Uint8Array[]): Uint8Array {
  const leb = (value: number): number[] => [
    (value & 0x7f) | 0x80,
    ((value >> 7) & 0x7f) | 0x80,
    ((value >> 14) & 0x7f) | 0x80,
    value >> 21,
  ]
  const content = Buffer.concat(bodies.flatMap((code) => [Buffer.from(leb(code.length)), code]))
  const count = bodies.length
  return Buffer.concat([
    Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0]),
    Buffer.from([3, count + 1, count, ...new Uint8Array(count)]),
    Buffer.from([10, ...leb(content.length + 1), count]),
    content,
  ])
}
