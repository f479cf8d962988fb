import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BUSY_SOURCE, compileAssemblyScript } from '../../support/as-module.ts'
import type { HostileOutcome } from '../../support/hostile-runner.ts'
import { createPrng, testSeed } from '../../support/prng.ts'
import { assert, suite } from '../../support/suite.ts'
import { wat } from '../../support/wat.ts'

const test = suite('wasm/module/hostile', { timeoutMs: 240_000 })

/** The case asks for 10,000; PENSTOCK_FLIPPED_MODULES=10000 runs them all. */
const FLIPPED = Number(process.env['PENSTOCK_FLIPPED_MODULES'] ?? 1_500)

interface Line {
  readonly outcome: HostileOutcome
  readonly calls: number
  readonly stopped: number
  readonly reason: string
  readonly ms: number
}

/** Runs the modules in a process of their own; it must end with 0 and a line for each. */
async function run(modules: readonly Uint8Array[]): Promise<Line[]> {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-hostile-'))
  const file = join(directory, 'modules')
  writeFileSync(
    file,
    Buffer.concat(
      modules.flatMap((module) => {
        const length = Buffer.alloc(4)
        length.writeUInt32LE(module.length)
        return [length, module]
      }),
    ),
  )
  const runner = join(import.meta.dirname, '../../support/hostile-runner.ts')
  try {
    const output = await new Promise<string>((resolve, reject) => {
      const options = { maxBuffer: 1 << 26, timeout: 200_000 }
      execFile(process.execPath, [runner, file], options, (error, stdout, stderr) =>
        error === null ? resolve(stdout) : reject(new Error(`${error.message}\n${stderr}`)),
      )
    })
    const lines = output.trimEnd().split('\n')
    assert.is(lines.length, modules.length, 'every module ended')
    return lines.map((line) => JSON.parse(line) as Line)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The text tool knows no arrays: `(loop (drop (array.new_default 0 (i32.const 20000000))) (br 0))`. */
const GC_ARRAYS = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 7, 2, 0x5e, 0x7f, 1, 0x60, 0, 0],
  ...[3, 2, 1, 1],
  ...[7, 5, 1, 1, 0x66, 0, 0],
  ...[
    10, 18, 1, 16, 0, 0x03, 0x40, 0x41, 0x80, 0xda, 0xc4, 0x09, 0xfb, 0x07, 0, 0x1a, 0x0c, 0, 0x0b,
    0x0b,
  ],
])

type Hostile = readonly [row: string, outcome: HostileOutcome, module: string | Uint8Array]

const HOSTILE: readonly Hostile[] = [
  [
    'W21 a table grown by 9,000,000',
    'ran',
    `(module (table $t 1 funcref) (func (export "f")
      (drop (table.grow $t (ref.null func) (i32.const 9000000)))
      (loop $l (drop (table.grow $t (ref.null func) (i32.const 100000))) (br $l))))`,
  ],
  [
    'W21 a table grown for ever',
    'ran',
    `(module (table $t 1 externref) (func (export "f")
      (loop $l (drop (table.grow $t (ref.null extern) (i32.const 100))) (br $l))))`,
  ],
  ['W22 GC arrays for ever', 'refused', GC_ARRAYS],
  ['W13 a memory of 4 GiB', 'refused', '(module (memory 65536))'],
  [
    'a memory grown for ever',
    'ran',
    `(module (memory 1) (func (export "f") (loop $l (drop (memory.grow (i32.const 1))) (br $l))))`,
  ],
  [
    'W19 a wait without end',
    'refused',
    `(module (memory 1 1 shared) (func (export "f")
      (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))`,
  ],
  ['W24 a start function that loops', 'ran', '(module (func $s (loop $l (br $l))) (start $s))'],
  ['W25 a start function that traps', 'ran', '(module (func $s unreachable) (start $s))'],
  [
    'W33 recursion without end',
    'ran',
    '(module (func $f (export "f") (result i32) (i32.add (call $f) (i32.const 1))))',
  ],
  [
    'recursion through a table',
    'ran',
    `(module (type $v (func)) (table funcref (elem $f))
      (func $f (export "f") (call_indirect (type $v) (i32.const 0)) (call_indirect (type $v) (i32.const 0))))`,
  ],
  [
    'recursion of twice as many calls each level',
    'ran',
    `(module (func $f (export "f") (param i32)
      (if (i32.lt_u (local.get 0) (i32.const 60)) (then
        (call $f (i32.add (local.get 0) (i32.const 1))) (call $f (i32.add (local.get 0) (i32.const 1)))))))`,
  ],
  [
    'memory.fill in a loop',
    'ran',
    `(module (memory 256) (func (export "f")
      (loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 16777216)) (br $l))))`,
  ],
  [
    'table.fill in a loop',
    'ran',
    `(module (table $t 9999 funcref) (elem declare func $f) (func $f (export "f")
      (loop $l (table.fill $t (i32.const 0) (ref.func $f) (i32.const 9999)) (br $l))))`,
  ],
  [
    'a segment outside of the memory',
    'unlinkable',
    '(module (memory 1) (data (i32.const 65530) "0123456789"))',
  ],
  ['the largest table', 'ran', '(module (table 10000 funcref) (func (export "f")))'],
]

function binaryOf(module: string | Uint8Array): Uint8Array {
  return typeof module === 'string' ? wat(module, { check: false }) : module
}

test('hostile modules are refused or run inside their limits, and no process ends', async () => {
  const lines = await run(HOSTILE.map(([, , module]) => binaryOf(module)))
  for (const [i, [row, outcome]] of HOSTILE.entries()) {
    const line = lines[i]
    assert.is(line?.outcome, outcome, `${row}: ${line?.reason}`)
    assert.ok((line?.ms ?? 0) < 10_000, `${row}: ${line?.ms} ms`)
  }
  const endless = lines.filter((_, i) => /loop \$l|60/.test(String(HOSTILE[i]?.[2])))
  for (const line of endless) assert.ok(line.outcome === 'refused' || line.stopped > 0, line.reason)
  assert.ok(WebAssembly.validate(Uint8Array.from(GC_ARRAYS)), 'the engine would have taken it')
})

test('modules with 1 to 3 flipped bytes are refused or run inside their limits (W04)', async () => {
  const seed = testSeed()
  process.stdout.write(`seed ${seed}, ${FLIPPED} modules\n`)
  const original = await compileAssemblyScript(BUSY_SOURCE)
  const prng = createPrng(seed)
  const modules = Array.from({ length: FLIPPED }, () => {
    const bytes = original.slice()
    for (let flips = 1 + prng.below(3); flips > 0; flips -= 1) {
      bytes[prng.below(bytes.length)] = prng.below(256)
    }
    return bytes
  })
  const lines = await run([original, ...modules])
  assert.is(lines[0]?.outcome, 'ran', lines[0]?.reason)
  const counts = new Map<string, number>()
  for (const { outcome } of lines) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  process.stdout.write(`${JSON.stringify(Object.fromEntries(counts))}\n`)
  assert.ok((counts.get('ran') ?? 0) > 10 && (counts.get('refused') ?? 0) > 10)
  const slowest = Math.max(...lines.map((line) => line.ms))
  assert.ok(slowest < 20_000, `${slowest} ms`)
})
