import fc from 'fast-check'
import {
  CountWindow,
  type SlidingWindow,
  TimeWindow,
} from '../../host/resilience/sliding-window.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('resilience/sliding-window')

interface Call {
  readonly atMs: number
  readonly isFailure: boolean
  readonly isSlow: boolean
}

const steps = fc.array(
  fc.record({
    waitMs: fc.oneof(fc.nat(300), fc.nat(3_000), fc.nat(30_000)),
    isFailure: fc.boolean(),
    isSlow: fc.boolean(),
  }),
  { maxLength: 120 },
)

/** Every call in a list, counted anew each time. */
function count(calls: readonly Call[]): string {
  const failures = calls.filter((call) => call.isFailure).length
  return `${calls.length} ${failures} ${calls.filter((call) => call.isSlow).length}`
}

const seen = (window: SlidingWindow): string => `${window.total} ${window.failures} ${window.slow}`

test('a window of calls counts the last calls, like a list of all of them', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), steps, (size, list) => {
      const window = new CountWindow(size)
      const calls: Call[] = []
      for (const { waitMs, isFailure, isSlow } of list) {
        window.add(isFailure, isSlow, waitMs)
        calls.push({ atMs: 0, isFailure, isSlow })
        assert.is(seen(window), count(calls.slice(-size)))
      }
    }),
  )
})

test('a window of time counts the calls of its seconds, like a list of all of them', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(9_999), steps, (size, startMs, list) => {
      const window = new TimeWindow(size)
      const calls: Call[] = []
      let nowMs = startMs
      const current = (): Call[] =>
        calls.filter((call) => Math.floor(call.atMs / 1000) > Math.floor(nowMs / 1000) - size)
      for (const { waitMs, isFailure, isSlow } of list) {
        nowMs += waitMs
        window.advance(nowMs)
        assert.is(seen(window), count(current()))
        window.add(isFailure, isSlow, nowMs)
        calls.push({ atMs: nowMs, isFailure, isSlow })
        assert.is(seen(window), count(current()))
      }
    }),
  )
})
