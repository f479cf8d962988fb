import { RunClock, TIMED_CALLS } from '../../../host/wasm/fuel/run-clock.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/fuel/run-clock')

/** A clock that is looked at so often, and a call that takes `ms`. */
function open(): { call(ms: number, fuel: number): number; readonly looks: number } {
  let nowMs = 1_000
  let looks = 0
  const clock = new RunClock(() => {
    looks += 1
    return nowMs
  })
  return {
    call(ms, fuel) {
      clock.start()
      nowMs += ms
      return clock.stop(fuel)
    },
    get looks() {
      return looks
    },
  }
}

test('one call in eight is timed, and the others are as long as their fuel says', () => {
  const clock = open()
  assert.is(clock.call(4, 1_000), 4)
  for (let i = 1; i < TIMED_CALLS; i++) assert.is(clock.call(99, i * 500), i * 2)
  assert.is(clock.looks, 2)
  assert.is(clock.call(2, 1_000), 2)
  assert.is(clock.call(99, 1_000), 2)
})

test('a call that the machine held up makes the next ones twice as long, not a thousand times', () => {
  const clock = open()
  clock.call(4, 1_000)
  for (let i = 1; i < TIMED_CALLS; i++) clock.call(4, 1_000)
  assert.is(clock.call(4_000, 1_000), 4_000)
  assert.is(clock.call(4, 1_000), 8)
})

test('while nothing says what fuel takes, every call is timed', () => {
  const clock = open()
  for (let i = 0; i < 20; i++) assert.is(clock.call(3, 0), 3)
  assert.is(clock.call(4, 1_000), 4)
  assert.is(clock.call(99, 1_000), 4)
})
