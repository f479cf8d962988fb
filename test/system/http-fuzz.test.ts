import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { assert, suite } from '../support/suite.ts'

/**
 * How long the two try together. Longer, and again with a seed that was printed:
 * `PENSTOCK_FUZZ_MS=600000 PENSTOCK_SEED=… node test/run.ts --system --file-timeout 900000 test/system/http-fuzz.test.ts`
 */
const FUZZ_MS = Number(process.env['PENSTOCK_FUZZ_MS'] ?? 60_000) / 2

/** Another one each time: what `npm test` tries is known to hold. */
const SEED = process.env['PENSTOCK_SEED'] ?? String(randomInt(2 ** 32))

const test = suite('system/http-fuzz', { timeoutMs: FUZZ_MS + 120_000 })

const root = join(import.meta.dirname, '../..')

for (const file of ['test/http/native/fuzz.test.ts', 'test/http/native/property.test.ts']) {
  test(`${file} finds nothing in ${FUZZ_MS / 1000} s, seed ${SEED}`, async () => {
    const child = spawn(process.execPath, [join(root, file)], {
      cwd: root,
      env: { ...process.env, PENSTOCK_FUZZ_MS: String(FUZZ_MS), PENSTOCK_SEED: SEED },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk
      })
    }
    const [code, signal] = await once(child, 'exit')
    process.stdout.write(`     ${/seed .*/.exec(output)?.[0] ?? 'no result'}\n`)
    assert.is(signal, null, output)
    assert.is(code, 0, output)
  })
}
