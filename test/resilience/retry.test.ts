import fc from 'fast-check'
import { GIVE_UP, mayRetry, Retry, type RetrySpec } from '../../host/resilience/retry.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('resilience/retry')

const spec: RetrySpec = {
  maxAttempts: 3,
  waitDuration: 500,
  backOffPolicy: 'random',
  randomizationFactor: 0,
  retryBudget: { budgetPercent: 20, minRetryConcurrency: 3 },
}

test('the first attempt counts, and nothing is waited for after the last', () => {
  const retry = new Retry(spec, () => 0.5)
  retry.begin()
  assert.is(retry.next(1), 500)
  retry.endRetry()
  assert.is(retry.next(2), 500)
  retry.endRetry()
  assert.is(retry.next(3), GIVE_UP)
  assert.is(new Retry({ ...spec, maxAttempts: 1 }, () => 0).next(1), GIVE_UP)
})

test('exponential makes each wait half as long again; the factor spreads it both ways', () => {
  const waits = (random: number): number[] => {
    const retry = new Retry(
      { ...spec, maxAttempts: 9, backOffPolicy: 'exponential', randomizationFactor: 0.2 },
      () => random,
    )
    return [1, 2, 3].map((attempts) => Math.round(retry.next(attempts)))
  }
  assert.equal(waits(0.5), [500, 750, 1125])
  assert.equal(waits(0), [400, 600, 900])
  assert.equal(waits(1), [600, 900, 1350])
})

test('every wait lies in the range its fields name', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.integer({ min: 1, max: 10 }),
      fc.constantFrom('random' as const, 'exponential' as const),
      (randomizationFactor, random, attempts, backOffPolicy) => {
        const made = { ...spec, maxAttempts: 99, randomizationFactor, backOffPolicy }
        const waitMs = new Retry(made, () => random).next(attempts)
        let baseMs = 500
        for (let i = 1; backOffPolicy === 'exponential' && i < attempts; i++) baseMs *= 1.5
        assert.ok(waitMs >= baseMs * (1 - randomizationFactor) - 1e-6)
        assert.ok(waitMs <= baseMs * (1 + randomizationFactor) + 1e-6)
      },
    ),
  )
})

test('no more retries run at once than the budget has, like a naive count', () => {
  const moves = fc.array(fc.constantFrom('begin', 'begin', 'end', 'retry', 'retry', 'endRetry'), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(moves, fc.integer({ min: 0, max: 100 }), fc.nat(5), (list, percent, minimum) => {
      const retry = new Retry(
        { ...spec, retryBudget: { budgetPercent: percent, minRetryConcurrency: minimum } },
        () => 0,
      )
      let requests = 0
      let retries = 0
      let refused = 0
      for (const move of list) {
        if (move === 'begin') {
          retry.begin()
          requests += 1
        } else if (move === 'end' && requests > 0) {
          retry.end()
          requests -= 1
        } else if (move === 'endRetry' && retries > 0) {
          retry.endRetry()
          retries -= 1
        } else if (move === 'retry') {
          const isFree = retries + 1 <= (requests * percent) / 100 || retries + 1 <= minimum
          assert.is(retry.next(1) !== GIVE_UP, isFree)
          if (isFree) retries += 1
          else refused += 1
        }
      }
      assert.is(retry.overBudget, refused)
    }),
  )
})

test('only what is idempotent or was not sent is tried again, and only while the body is here', () => {
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']) {
    assert.ok(mayRetry(method, true, true))
    assert.not(mayRetry(method, true, false))
  }
  for (const method of ['POST', 'PATCH', 'CONNECT', 'get', 'LINK']) {
    assert.not(mayRetry(method, true, true))
    assert.ok(mayRetry(method, false, true))
    assert.not(mayRetry(method, false, false))
  }
})
