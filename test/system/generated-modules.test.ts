import { compareGenerated } from '../support/gate-equivalence.ts'
import { suite } from '../support/suite.ts'

const test = suite('system/generated-modules', { timeoutMs: 900_000 })

test('1,000 generated modules behave the same after the gate', () => compareGenerated(1_000))
