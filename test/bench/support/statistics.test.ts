import {
  intervalOfDifference,
  intervalOfMean,
  intervalOfRatio,
  judge,
  median,
} from '../../../bench/support/statistics.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('bench/statistics')

const around = (middle: number): number[] =>
  Array.from({ length: 15 }, (_, i) => middle * (1 + (i - 7) / 100))

test('holds the mean in its interval, the same for the same samples', () => {
  const interval = intervalOfMean(around(10))
  assert.ok(Math.abs(interval.estimate - 10) < 1e-9)
  assert.ok(interval.low < 10 && interval.high > 10)
  assert.ok(interval.high - interval.low < 0.6)
  assert.equal(intervalOfMean(around(10)), interval)
  assert.throws(() => intervalOfMean([]), /no samples/)
})

test('is not moved by samples that a neighbor has spoiled', () => {
  const spoiled = [...around(10).slice(0, 12), 100, 200, 300]
  assert.ok(Math.abs(intervalOfMean(spoiled).estimate - 10) < 0.5)
})

test('compares within pairs: what slows both down does not count', () => {
  const slow = Array.from({ length: 15 }, (_, i) => 1 + i / 5)
  const ours = slow.map((factor) => 10 * factor)
  const theirs = slow.map((factor) => 20 * factor)
  const ratio = intervalOfRatio(theirs, ours)
  for (const value of [ratio.estimate, ratio.low, ratio.high]) assert.ok(Math.abs(value - 2) < 1e-9)
  const difference = intervalOfDifference(
    ours.map((value) => value + 3),
    ours,
  )
  assert.ok(Math.abs(difference.estimate - 3) < 1e-9)
})

test('says "not shown" when the interval crosses the figure', () => {
  const interval = { estimate: 2, low: 1.8, high: 2.2 }
  assert.is(judge(interval, 'least', 1.5), 'held')
  assert.is(judge(interval, 'least', 2), 'not shown')
  assert.is(judge(interval, 'least', 3), 'missed')
  assert.is(judge(interval, 'most', 3), 'held')
  assert.is(judge(interval, 'most', 2), 'not shown')
  assert.is(judge(interval, 'most', 1), 'missed')
})

test('finds the middle of an odd and of an even number of samples', () => {
  assert.is(median([3, 1, 2]), 2)
  assert.is(median([4, 1, 2, 3]), 2.5)
})
