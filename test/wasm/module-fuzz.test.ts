import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FuzzedModule } from '../support/fuzz-runner.ts'
import { loopingGuest, versionGuest } from '../support/guests.ts'
import { OBEDIENT } from '../support/obedient-guest.ts'
import { createPrng, type Prng, testSeed } from '../support/prng.ts'
import { assert, suite } from '../support/suite.ts'
import { wat } from '../support/wat.ts'
import { randomGuest } from '../support/wat-generator.ts'

const test = suite('wasm/module-fuzz', { timeoutMs: 3_600_000 })

/** Modules of each kind; PENSTOCK_FUZZED_MODULES=20000 for a long run. */
const MODULES = Number(process.env['PENSTOCK_FUZZED_MODULES'] ?? 150)

/** Ends of a call that are not a guest's own doing: a module must not come to one of these. */
const UNEXPECTED = ['GUEST_QUEUE_FULL', 'GUEST_SUSPENDED', 'GUEST_CPU']

/** Runs the modules in a process of their own, which must end with 0 and a line for each. */
async function run(modules: readonly Uint8Array[]): Promise<FuzzedModule[]> {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-fuzz-'))
  const file = join(directory, 'modules')
  const parts = modules.flatMap((module) => {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(module.length)
    return [length, module]
  })
  writeFileSync(file, Buffer.concat(parts))
  const runner = join(import.meta.dirname, '../support/fuzz-runner.ts')
  try {
    const output = await new Promise<string>((resolve, reject) => {
      const options = { maxBuffer: 1 << 28, timeout: 3_000_000 }
      execFile(process.execPath, [runner, file], options, (error, stdout, stderr) => {
        const reached = `after module ${stdout.split('\n').length - 2}`
        if (error === null) resolve(stdout)
        else
          reject(new Error(`${error.message.slice(0, 400)} ${reached}\n${stderr.slice(0, 4_000)}`))
      })
    })
    const lines = output.trimEnd().split('\n')
    assert.is(lines.length, modules.length, 'every module ended')
    return lines.map((line) => JSON.parse(line) as FuzzedModule)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function report(kind: string, lines: readonly FuzzedModule[]): { ran: number; refused: number } {
  const counts: Record<string, number> = {}
  for (const { refused, inline, worker } of lines) {
    for (const end of refused === null ? [...inline, ...worker] : [refused]) {
      assert.not(UNEXPECTED.includes(end), end)
      counts[end] = (counts[end] ?? 0) + 1
    }
  }
  const slowest = Math.max(...lines.map(({ ms }) => ms))
  process.stdout.write(
    `seed ${testSeed()}, ${lines.length} ${kind}: ${JSON.stringify(counts)}, slowest ${slowest} ms\n`,
  )
  // Four starts and calls in two executors, each held by fuel; the rest is a busy machine.
  assert.ok(slowest < 20_000, `${slowest} ms`)
  const refused = lines.filter((line) => line.refused !== null).length
  return { ran: lines.length - refused, refused }
}

/** Changes a module as a disk, a network or an attacker would. */
function mutate(module: Uint8Array, others: readonly Uint8Array[], prng: Prng): Uint8Array {
  const bytes = [...module]
  for (let changes = 1 + prng.below(3); changes > 0; changes -= 1) {
    const at = prng.below(bytes.length)
    switch (prng.below(6)) {
      case 0:
        bytes.splice(at, 1 + prng.below(4))
        break
      case 1:
        bytes.splice(at, 0, ...bytes.slice(at, at + prng.below(16)))
        break
      case 2: {
        const other = others[prng.below(others.length)] as Uint8Array
        const from = prng.below(other.length)
        bytes.splice(at, 8, ...other.subarray(from, from + 8))
        break
      }
      default:
        bytes[at] = prng.below(3) === 0 ? (bytes[at] ?? 0) ^ (1 << prng.below(8)) : prng.below(256)
    }
  }
  return Uint8Array.from(bytes)
}

test('mutated modules are refused or run inside their limits in both executors, and no process ends', async () => {
  const prng = createPrng(`${testSeed()}/mutated`)
  const guests = [wat(OBEDIENT), versionGuest('1'), loopingGuest()]
  const written = Array.from({ length: 5 }, () => wat(randomGuest(prng)))
  const originals = [...guests, ...written]
  const mutated = Array.from({ length: MODULES }, (_, i) =>
    mutate(originals[i % originals.length] as Uint8Array, originals, prng),
  )
  const lines = await run([...guests, ...mutated])
  assert.ok(lines.slice(0, guests.length).every((line) => line.refused === null))
  const { ran, refused } = report('mutated modules', lines)
  assert.ok(ran > MODULES / 50 && refused > MODULES / 10, `${ran} ran, ${refused} were refused`)
})

test('random guests run inside their limits in both executors, and no process ends', async () => {
  const prng = createPrng(`${testSeed()}/random`)
  const lines = await run(Array.from({ length: MODULES }, () => wat(randomGuest(prng))))
  const { ran } = report('random guests', lines)
  assert.is(ran, MODULES)
})
