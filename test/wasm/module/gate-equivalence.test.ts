import { compareGenerated } from '../../support/gate-equivalence.ts'
import { suite } from '../../support/suite.ts'

/** test/system runs 1,000; here as many as fit into a few seconds. */
const MODULES = Number(process.env['PENSTOCK_GENERATED_MODULES'] ?? 120)

const test = suite('wasm/module/gate-equivalence', { timeoutMs: 900_000 })

test('generated modules behave the same after the gate, and stop when the fuel is halved', () =>
  compareGenerated(MODULES))
