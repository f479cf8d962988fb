import { ChangeLog } from '../../host/wasm/change-log.ts'
import { knownOutcome, outcomeOf } from '../../host/wasm/outcome.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('wasm/outcome')

for (const { names, last } of [
  { names: 0, last: 9 },
  { names: 3, last: 9 },
  { names: 12, last: 12 },
]) {
  test(`with ${names} results that have names, ${last} is a result and ${last + 1} is a failure`, () => {
    const outcome = (result: number) =>
      knownOutcome(outcomeOf(result, false, new ChangeLog(), 2), names)
    assert.is(outcome(last).kind, 'result')
    const refused = outcome(last + 1)
    assert.is(refused.kind, 'failed')
    assert.is(refused.failure?.code, 'GUEST_RESULT')
    assert.is(refused.changes, null)
    assert.is(refused.runMs, 2)
  })
}
