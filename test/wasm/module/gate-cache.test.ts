import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isGatewayError } from '../../../host/errors.ts'
import { gateModule } from '../../../host/wasm/module/gate.ts'
import { GateCache } from '../../../host/wasm/module/gate-cache.ts'
import { DEFAULT_MODULE_LIMITS } from '../../../host/wasm/module/module-limits.ts'
import { assert, suite } from '../../support/suite.ts'
import { wat } from '../../support/wat.ts'

const test = suite('wasm/module/gate-cache')

const LIMITS = DEFAULT_MODULE_LIMITS
const MODULE = wat('(module (memory 1) (func (export "f") (loop (br_if 0 (i32.const 0)))))')

let directory = ''
let problems: unknown[] = []
test.before.each(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'penstock-gate-')), 'modules')
  problems = []
})
test.after.each(() => rm(join(directory, '..'), { recursive: true, force: true }))

const open = (maximum?: number): GateCache =>
  new GateCache(directory, (error) => problems.push(error), maximum)

async function files(): Promise<string[]> {
  return (await readdir(directory)).sort((a, b) => (a < b ? -1 : 1))
}

test('a module is gated once, and read back the same after a restart', async () => {
  const first = await open().gate(MODULE, LIMITS)
  assert.equal(first.bytes, gateModule(MODULE).bytes)
  const [file = ''] = await files()
  const { mtimeMs } = await stat(join(directory, file))
  const second = await open().gate(MODULE, LIMITS)
  assert.equal(second.bytes, first.bytes)
  assert.equal(second.report, first.report)
  assert.equal(second.offsetMap.encode(), first.offsetMap.encode())
  assert.is((await stat(join(directory, file))).mtimeMs, mtimeMs, 'it was not written again')
  assert.equal(problems, [])
})

test('other limits and other bytes are other entries', async () => {
  const cache = open()
  const wide = await cache.gate(MODULE, LIMITS)
  const narrow = await cache.gate(MODULE, { ...LIMITS, memoryPages: 2 })
  assert.equal([wide.report.memory?.maximum, narrow.report.memory?.maximum], [256, 2])
  await cache.gate(wat('(module (memory 1))'), LIMITS)
  assert.is((await files()).length, 3)
})

test('the same module asked for at the same time is gated once', async () => {
  const cache = open()
  const runs = Array.from({ length: 20 }, () => cache.gate(MODULE.slice(), LIMITS))
  const [first, ...others] = await Promise.all(runs)
  for (const other of others) assert.is(other, first)
})

test('the digest, the check and the result are of the same bytes (W35)', async () => {
  const bytes = MODULE.slice()
  const running = open().gate(bytes, LIMITS)
  // Whoever still holds the buffer may change it while the cache looks on the disk.
  bytes.fill(0)
  assert.equal((await running).bytes, gateModule(MODULE).bytes)
})

test('a damaged file is reported, made anew and written again', async () => {
  await open().gate(MODULE, LIMITS)
  const [file = ''] = await files()
  const path = join(directory, file)
  const good = await readFile(path)
  for (const damage of [good.subarray(0, 10), Buffer.alloc(0), flip(good, 40), flip(good, -1)]) {
    await writeFile(path, damage)
    problems = []
    const gated = await open().gate(MODULE, LIMITS)
    assert.equal(gated.bytes, gateModule(MODULE).bytes)
    assert.is(problems.length, 1)
    assert.equal(await readFile(path), good)
  }
})

function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  const index = at < 0 ? copy.length + at : at
  copy[index] = (copy[index] ?? 0) ^ 1
  return copy
}

test('a refusal is given each time and leaves no file', async () => {
  const cache = open()
  for (let i = 0; i < 2; i += 1) {
    try {
      await cache.gate(wat('(module (memory 300))'), LIMITS)
      assert.unreachable('it was accepted')
    } catch (error) {
      assert.ok(isGatewayError(error, 'GUEST_MODULE_LIMIT'))
    }
  }
  assert.equal(await readdir(join(directory, '..')), [])
})

test('a large module is gated in a thread, with the same result and the same refusals', async () => {
  const data = `(data (i32.const 0) "${'x'.repeat(600_000)}")`
  const large = wat(
    `(module (memory 10) ${data} (func (export "f") (loop (br_if 0 (i32.const 0)))))`,
  )
  const expected = gateModule(large)
  const gated = await open().gate(large, LIMITS)
  assert.equal(Buffer.compare(gated.bytes, expected.bytes), 0)
  assert.equal(gated.report, expected.report)
  assert.equal(gated.offsetMap.encode(), expected.offsetMap.encode())
  try {
    await open().gate(large, { ...LIMITS, memoryPages: 9 })
    assert.unreachable('it was accepted')
  } catch (error) {
    assert.ok(isGatewayError(error, 'GUEST_MODULE_LIMIT'))
    assert.match(String(error), /memoryPages: 10, at most 9/)
  }
})

test('a directory that cannot be written only costs the cache', async () => {
  await writeFile(directory, 'a file stands where the directory should be')
  const gated = await open().gate(MODULE, LIMITS)
  assert.equal(gated.bytes, gateModule(MODULE).bytes)
  assert.ok(problems.length > 0)
})

test('past the maximum the entries written longest ago are removed', async () => {
  const cache = open(3)
  for (let pages = 1; pages <= 5; pages += 1) {
    await cache.gate(wat(`(module (memory ${pages}))`), LIMITS)
    for (const [i, file] of (await files()).entries()) {
      const path = join(directory, file)
      const { mtimeMs } = await stat(path)
      // Entries age by an hour each round, whatever the clock of the file system can tell apart.
      await utimes(path, new Date(mtimeMs - 3_600_000 - i), new Date(mtimeMs - 3_600_000 - i))
    }
  }
  assert.is((await files()).length, 3)
  const kept = await files()
  await cache.gate(wat('(module (memory 5))'), LIMITS)
  assert.equal(await files(), kept, 'the newest was kept')
})
