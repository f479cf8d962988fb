import { CrashBudget } from '../../host/resilience/crash-budget.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('resilience/crash-budget')

const OPTIONS = { failures: 3, share: 0.5, windowMs: 1_000, backoffMs: 100, maxBackoffMs: 350 }

function budgetAt(): { budget: CrashBudget; pass: (ms: number) => void } {
  let now = 1_000_000
  const clock = { monotonicMs: () => now, wallMs: () => now }
  return {
    budget: new CrashBudget(clock, OPTIONS),
    pass: (ms) => {
      now += ms
    },
  }
}

test('failures that are far apart never suspend', () => {
  const { budget, pass } = budgetAt()
  for (let i = 0; i < 20; i++) {
    assert.not(budget.failed())
    pass(600)
  }
  assert.not(budget.isSuspended())
})

test('the last failure the window allows suspends, until the back-off is over', () => {
  const { budget, pass } = budgetAt()
  assert.equal([budget.failed(), budget.failed(), budget.failed()], [false, false, true])
  assert.ok(budget.isSuspended())
  pass(99)
  assert.ok(budget.isSuspended())
  pass(1)
  assert.not(budget.isSuspended())
})

test('a trial that fails doubles the back-off, up to its limit; one that works forgets', () => {
  const { budget, pass } = budgetAt()
  for (let i = 0; i < 3; i++) budget.failed()
  for (const wait of [100, 200, 350, 350]) {
    assert.ok(budget.isSuspended())
    pass(wait - 1)
    assert.ok(budget.isSuspended(), `${wait}`)
    pass(1)
    assert.not(budget.isSuspended())
    assert.ok(budget.failed())
  }
  pass(350)
  assert.not(budget.isSuspended())
  budget.succeeded()
  assert.is(budget.suspensions, 0)
  assert.equal([budget.failed(), budget.failed(), budget.failed()], [false, false, true])
})

test('a small share of failures never suspends, however many there are', () => {
  const { budget } = budgetAt()
  for (let i = 0; i < 500; i++) {
    assert.not(budget.failed())
    for (let good = 0; good < 2; good++) budget.succeeded()
  }
  assert.not(budget.isSuspended())
})

test('failures of items that were under way do not count twice', () => {
  const { budget } = budgetAt()
  for (let i = 0; i < 3; i++) budget.failed()
  for (let i = 0; i < 10; i++) assert.not(budget.failed())
  assert.is(budget.suspensions, 1)
})
