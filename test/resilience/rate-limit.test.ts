import fc from 'fast-check'
import { LIMITED, RateLimit } from '../../host/resilience/rate-limit.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('resilience/rate-limit')

test('gives the permits of a period at once, then those of later periods until the timeout', () => {
  const clock = new FakeClock()
  const limit = new RateLimit(
    { limitForPeriod: 2, limitRefreshPeriod: 10, timeoutDuration: 15 },
    clock,
  )
  const take = (count: number): number[] => Array.from({ length: count }, () => limit.acquire())
  assert.equal(take(5), [0, 0, 10, 10, LIMITED])
  clock.advance(5)
  assert.equal(take(3), [15, 15, LIMITED])
  clock.advance(5)
  assert.equal(take(1), [LIMITED])
  clock.advance(100)
  assert.equal(take(3), [0, 0, 10])
})

test('without a timeout nobody waits, and a refused caller takes nothing', () => {
  const clock = new FakeClock()
  const limit = new RateLimit(
    { limitForPeriod: 1, limitRefreshPeriod: 10, timeoutDuration: 0 },
    clock,
  )
  assert.is(limit.acquire(), 0)
  for (let i = 0; i < 9; i++) assert.is(limit.acquire(), LIMITED)
  clock.advance(10)
  assert.is(limit.acquire(), 0)
})

test('gives each caller the first period with a permit left, like a naive table of periods', () => {
  const arrivals = fc.array(fc.oneof(fc.constant(0), fc.nat(15), fc.nat(100)), { maxLength: 150 })
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 20 }),
      fc.nat(70),
      arrivals,
      (limitForPeriod, limitRefreshPeriod, timeoutDuration, waits) => {
        const clock = new FakeClock()
        const limit = new RateLimit({ limitForPeriod, limitRefreshPeriod, timeoutDuration }, clock)
        const table = new Map<number, number>()
        let nowMs = 0
        for (const waitMs of waits) {
          clock.advance(waitMs)
          nowMs += waitMs
          let period = Math.floor(nowMs / limitRefreshPeriod)
          while ((table.get(period) ?? 0) >= limitForPeriod) period += 1
          const expected = Math.max(0, period * limitRefreshPeriod - nowMs)
          const isLate = expected > timeoutDuration
          if (!isLate) table.set(period, (table.get(period) ?? 0) + 1)
          assert.is(limit.acquire(), isLate ? LIMITED : expected)
        }
      },
    ),
  )
})
