import {
  clockOverheadMs,
  distributionOf,
  median,
  pairedDifference,
  quantile,
} from '../../host/bench/sampling.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('bench/sampling')

test('quantiles lie between the values around them', () => {
  const values = [1, 2, 3, 4, 5]
  assert.is(quantile(values, 0), 1)
  assert.is(quantile(values, 0.5), 3)
  assert.is(quantile(values, 0.625), 3.5)
  assert.is(quantile(values, 1), 5)
  assert.ok(Number.isNaN(quantile([], 0.5)))
  assert.is(median([9, 1, 5]), 5)
})

test('a distribution is sorted, in microseconds, and without what measuring takes', () => {
  const times = Array.from({ length: 101 }, (_, index) => (100 - index) / 1_000)
  assert.equal(distributionOf(times), { count: 101, p50Us: 50, p99Us: 99 })
  const less = distributionOf(times, 0.01)
  assert.ok(Math.abs(less.p50Us - 40) < 1e-9)
  assert.is(distributionOf([0.001], 1).p50Us, 0)
  assert.ok(clockOverheadMs() < 0.05)
})

test('the interval of a paired difference holds what it should', () => {
  const base = Array.from({ length: 40 }, (_, index) => 10 + (index % 7))
  const noise = (index: number): number => 1 + ((index * 37) % 11) / 100 - 0.05
  const slower = pairedDifference(
    base,
    base.map((time, index) => time * 1.2 * noise(index)),
  )
  assert.ok(slower.low < 0.2 && slower.high > 0.2, JSON.stringify(slower))
  assert.ok(slower.low > 0.15 && slower.high < 0.25, JSON.stringify(slower))
  const same = pairedDifference(base, base)
  assert.equal(same, { mean: 0, low: 0, high: 0 })
})
