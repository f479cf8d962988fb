import { gzipSync } from 'node:zlib'
import { GatewayError } from '../../../host/errors.ts'
import { customContent } from '../../../host/wasm/module/module-info.ts'
import {
  DEFAULT_MODULE_LIMITS,
  type ModuleLimits,
} from '../../../host/wasm/module/module-limits.ts'
import { readModule } from '../../../host/wasm/module/reader.ts'
import { assert, suite } from '../../support/suite.ts'
import { wat } from '../../support/wat.ts'

const test = suite('wasm/module/reader')

const PREAMBLE = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]

/** A module of raw sections. */
function binary(...sections: readonly (readonly [id: number, ...content: number[]])[]): Uint8Array {
  return Uint8Array.from([
    ...PREAMBLE,
    ...sections.flatMap(([id, ...content]) => [id, content.length, ...content]),
  ])
}

function refusal(bytes: Uint8Array, limits?: Partial<ModuleLimits>): GatewayError {
  try {
    readModule(bytes, { ...DEFAULT_MODULE_LIMITS, ...limits })
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
  throw new Error('the module was accepted')
}

const SAMPLE = wat(
  `(module
    (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
    (import "env" "base" (global i64))
    (memory (export "memory") 1 3)
    (table $t 2 9 funcref)
    (global $count (mut f32) (f32.const 1.5))
    (func $run (export "run") (param i64 f64) (result i32) (local i32 i32 v128) (i32.const 7))
    (func $start)
    (export "count" (global $count))
    (start $start)
    (elem (i32.const 0) $run $start)
    (data (i32.const 8) "text"))`,
  { names: true },
)

test('tells imports, exports, memories, tables, globals and the start function with their types', () => {
  const info = readModule(SAMPLE)
  assert.equal(
    info.imports.map(({ module, name, type }) => ({ module, name, type })),
    [
      {
        module: 'env',
        name: 'abort',
        type: { kind: 'function', params: ['i32', 'i32', 'i32', 'i32'], results: [] },
      },
      { module: 'env', name: 'base', type: { kind: 'global', value: 'i64', mutable: false } },
    ],
  )
  assert.equal(
    info.exports.map(({ name, index, type }) => ({ name, index, type })),
    [
      { name: 'memory', index: 0, type: { kind: 'memory', minimum: 1, maximum: 3 } },
      {
        name: 'run',
        index: 1,
        type: { kind: 'function', params: ['i64', 'f64'], results: ['i32'] },
      },
      { name: 'count', index: 1, type: { kind: 'global', value: 'f32', mutable: true } },
    ],
  )
  assert.equal(info.tables, [{ kind: 'table', element: 'funcref', minimum: 2, maximum: 9 }])
  assert.is(info.start, 2)
  assert.equal([...info.referenced], [1, 2])
  assert.equal(
    info.bodies.map((body) => body.locals),
    [3, 0],
  )
})

test('gives the content of a custom section without copying it', () => {
  const bytes = binary([0, 2, 0x68, 0x69, 1, 2, 3])
  const info = readModule(bytes)
  const [section] = info.customSections
  assert.ok(section)
  assert.is(section.name, 'hi')
  const content = customContent(info, section)
  assert.equal([...content], [1, 2, 3])
  assert.is(content.buffer, bytes.buffer)
})

const WRONG_FILES: readonly (readonly [what: string, bytes: Uint8Array, says: RegExp])[] = [
  ['an empty file', new Uint8Array(0), /the file is empty/],
  ['a file cut in its mark', Uint8Array.from([0, 0x61, 0x73, 0x6d, 1]), /ends inside its first 8/],
  ['a web page', Buffer.from('  <!DOCTYPE html><p>404'), /this is a web page/],
  ['a gzip file', gzipSync(SAMPLE), /this is a gzip file: unpack it/],
  ['a zip file', Buffer.from('PK\x03\x04abc'), /this is a zip file/],
  ['WebAssembly text', Buffer.from('(module)'), /this is WebAssembly text: convert it/],
  ['base64', Buffer.from(Buffer.from(SAMPLE).toString('base64')), /this is base64 text/],
  ['source text', Buffer.from('export function run(): void {}\n'), /this is a text file/],
  ['random bytes', Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]), /does not start with the mark/],
  ['a component', Uint8Array.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]), /this is a component/],
  ['a later version', Uint8Array.from([0, 0x61, 0x73, 0x6d, 2, 0, 0, 0]), /unknown version/],
]

for (const [what, bytes, says] of WRONG_FILES) {
  test(`refuses ${what} with a sentence of its own`, () => {
    const error = refusal(bytes)
    assert.is(error.code, 'GUEST_MODULE_INVALID')
    assert.match(error.message, says)
  })
}

const MALFORMED: readonly (readonly [what: string, bytes: Uint8Array, says: RegExp])[] = [
  ['a section longer than the file', binary([1, 0]).subarray(0, 10), /section header: 1 bytes/],
  ['an unknown section', binary([14]), /unknown section 14/],
  ['a section that stands twice', binary([1, 0], [1, 0]), /type section: it stands twice/],
  ['sections in the wrong order', binary([3, 0], [1, 0]), /type section: it stands in the wrong/],
  ['bytes after the last entry', binary([1, 0, 0]), /type section: 1 bytes are left over/],
  ['a count past the section', binary([1, 9, 0x60]), /type section: 9 entries are announced/],
  ['a number of 33 bits', binary([1, 0xff, 0xff, 0xff, 0xff, 0x1f]), /more than 32 bits/],
  ['a number that never ends', binary([1, 0x80, 0x80, 0x80, 0x80, 0x80, 0]), /more than 32 bits/],
  ['an unknown type', binary([1, 1, 0x60, 1, 0x11, 0]), /0x11 is not a value type/],
  ['a name that is not UTF-8', binary([0, 1, 0xff]), /custom section: a name is not valid UTF-8/],
  [
    'a function of a type that is missing',
    binary([3, 1, 5]),
    /function section: there is no type 5/,
  ],
  ['functions without code', binary([1, 1, 0x60, 0, 0], [3, 1, 0]), /1 functions are declared, 0/],
  ['an export of nothing', binary([7, 1, 1, 0x61, 0, 3]), /export section: there is no function 3/],
  ['a maximum below the minimum', binary([5, 1, 1, 3, 2]), /the maximum 2 is below the minimum 3/],
  ['5 GiB of memory', binary([5, 1, 0, 0x80, 0x80, 0x05]), /81920 pages are more than 4 GiB/],
  ['a data count that is wrong', binary([12, 2]), /2 segments are announced, 0 are there/],
  [
    'a start function with parameters',
    binary([1, 1, 0x60, 1, 0x7f, 0], [3, 1, 0], [8, 0]),
    /the start function takes/,
  ],
]

for (const [what, bytes, says] of MALFORMED) {
  test(`refuses ${what} and names the section`, () => {
    const error = refusal(bytes)
    assert.is(error.code, 'GUEST_MODULE_INVALID')
    assert.match(error.message, says)
  })
}

test('an export name that stands twice is refused with its name and offset', () => {
  const bytes = wat('(module (func (export "a")) (func (export "a")))', { check: false })
  assert.match(
    refusal(bytes).message,
    /export section: the name "a" stands twice \(offset 0x1[0-9a-f]\)/,
  )
})

const FEATURES: readonly (readonly [feature: string, text: string])[] = [
  ['memory64', '(module (memory i64 1))'],
  ['multiple memories', '(module (memory 1) (memory 1))'],
  ['threads', '(module (memory 1 2 shared))'],
  ['exception handling', '(module (tag (param i32)))'],
  ['exception handling', '(module (import "a" "b" (tag)))'],
  ['garbage collection', '(module (type (struct (field i32))))'],
  ['garbage collection', '(module (type (array (mut i32))))'],
]

for (const [feature, text] of FEATURES) {
  test(`refuses ${feature} by name: ${text}`, () => {
    const error = refusal(
      feature === 'multiple memories' ? TWO_MEMORIES : wat(text, { check: false }),
    )
    assert.is(error.code, 'GUEST_MODULE_FEATURE')
    assert.match(error.message, new RegExp(`the module uses ${feature}, .*offset 0x`))
  })
}

// The text tool writes no second memory.
const TWO_MEMORIES = binary([5, 2, 0, 1, 0, 1])

const LIMITS: readonly (readonly [limit: keyof ModuleLimits, at: number, bytes: Uint8Array])[] = [
  ['moduleBytes', SAMPLE.length, SAMPLE],
  ['types', 2, binary([1, 2, 0x60, 0, 0, 0x60, 0, 0])],
  ['valuesPerType', 3, binary([1, 1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f])],
  ['imports', 2, SAMPLE],
  ['exports', 3, SAMPLE],
  ['functions', 3, SAMPLE],
  ['tables', 2, binary([4, 2, 0x70, 0, 1, 0x70, 0, 1])],
  ['globals', 2, SAMPLE],
  ['elementSegments', 2, binary([9, 2, 1, 0, 0, 1, 0, 0])],
  ['elementItems', 2, SAMPLE],
  ['dataSegments', 2, binary([11, 2, 1, 0, 1, 0])],
  ['customSections', 2, binary([0, 1, 0x61], [0, 1, 0x61])],
  ['customBytes', 4, binary([0, 3, 0x61, 0x61, 0x61])],
  ['localsPerFunction', 3, SAMPLE],
  ['functionBytes', 8, SAMPLE],
  ['nameBytes', 6, SAMPLE],
]

for (const [limit, at, bytes] of LIMITS) {
  test(`the limit ${limit} holds: ${at} is allowed, one less is not`, () => {
    readModule(bytes, { ...DEFAULT_MODULE_LIMITS, [limit]: at })
    const error = refusal(bytes, { [limit]: at - 1 })
    assert.is(error.code, 'GUEST_MODULE_LIMIT')
    assert.match(error.message, new RegExp(`past the limit ${limit}: \\d+, at most ${at - 1}`))
  })
}

test('every limit that the reader checks has a default that a large module keeps', () => {
  for (const [limit, value] of Object.entries(DEFAULT_MODULE_LIMITS)) {
    assert.ok(Number.isSafeInteger(value) && value > 0, limit)
  }
  assert.is(DEFAULT_MODULE_LIMITS.moduleBytes, 32 * 1024 * 1024)
  assert.is(DEFAULT_MODULE_LIMITS.memoryPages, 256)
  assert.is(DEFAULT_MODULE_LIMITS.tableElems, 10_000)
})

test('a module cut anywhere is refused, with an offset inside of what is left', () => {
  // Cut between two sections the rest is a module again, only not one whose functions have code.
  const ends = new Set([8, ...readModule(SAMPLE).sections.map((section) => section.end)])
  for (let length = 0; length < SAMPLE.length; length += 1) {
    if (ends.has(length)) continue
    const error = refusal(SAMPLE.subarray(0, length))
    assert.is(error.code, 'GUEST_MODULE_INVALID', `cut at ${length}`)
    assert.ok((error.params as { offset: number }).offset <= length, `cut at ${length}`)
  }
})
