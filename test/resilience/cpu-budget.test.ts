import { CpuBudget } from '../../host/resilience/cpu-budget.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('resilience/cpu-budget')

test('a filter that uses no more than its share is never refused', () => {
  const clock = new FakeClock()
  const budget = new CpuBudget(clock, 100)
  for (let i = 0; i < 1_000; i++) {
    assert.not(budget.isSpent())
    budget.spend(1)
    clock.advance(10)
  }
})

test('past its share calls are refused until time has paid for them', () => {
  const clock = new FakeClock()
  const budget = new CpuBudget(clock, 100)
  budget.spend(100)
  assert.ok(budget.isSpent())
  clock.advance(10)
  assert.not(budget.isSpent(), 'a tenth of a second earns a tenth')
  budget.spend(51)
  assert.ok(budget.isSpent())
  clock.advance(400)
  assert.ok(budget.isSpent(), 'a debt of 50 takes half a second')
  clock.advance(101)
  assert.not(budget.isSpent())
})

test('what is left over is kept for one second and no longer', () => {
  const clock = new FakeClock()
  const budget = new CpuBudget(clock, 100)
  clock.advance(60_000)
  budget.spend(100)
  assert.not(budget.isSpent(), 'the second that has passed is earned')
  budget.spend(100)
  assert.ok(budget.isSpent())
})

test('a smaller share takes what is over it', () => {
  const clock = new FakeClock()
  const budget = new CpuBudget(clock, 1_000)
  budget.perSecondMs = 10
  budget.spend(10)
  assert.ok(budget.isSpent())
})
