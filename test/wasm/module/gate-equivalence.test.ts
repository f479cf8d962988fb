import { compareGated, newComparison } from '../../support/gate-equivalence.ts'
import { createModuleGenerator } from '../../support/module-generator.ts'
import { testSeed } from '../../support/prng.ts'
import { assert, suite } from '../../support/suite.ts'

/** test/system runs 1,000; here as many as fit into a few seconds. */
const MODULES = Number(process.env['PENSTOCK_GENERATED_MODULES'] ?? 150)

const test = suite('wasm/module/gate-equivalence', { timeoutMs: 600_000 })

test('generated modules behave the same after the gate, and stop when the fuel is halved', async () => {
  const base = testSeed()
  process.stdout.write(`seed ${base}, ${MODULES} modules\n`)
  const generator = await createModuleGenerator()
  const totals = newComparison()
  try {
    for (let i = 0; totals.modules < MODULES; i += 1) {
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
  assert.ok(totals.calls > MODULES, 'calls were compared')
  assert.ok(totals.stopped > MODULES / 4, 'lowered budgets stopped guests')
})
