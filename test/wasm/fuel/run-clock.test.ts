import { COLD_CALLS, RunClock, TIMED_CALLS } from '../../../host/wasm/fuel/run-clock.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/fuel/run-clock')

/** A clock, and how often it was looked at. */
function open(): { call(ms: number, fuel: number): number; idle(ms: number): void; looks: number } {
  let nowMs = 1_000
  const opened = {
    looks: 0,
    idle(ms: number): void {
      nowMs += ms
    },
    call(ms: number, fuel: number): number {
      clock.start()
      nowMs += ms
      return clock.stop(fuel)
    },
  }
  const clock = new RunClock(() => {
    opened.looks += 1
    return nowMs
  })
  return opened
}

/** One whose calls have taken 1/64 ms for each 1,000 of fuel. */
function openWarm(): ReturnType<typeof open> {
  const clock = open()
  for (let i = 0; i < COLD_CALLS; i++) clock.call(1 / 64, 1_000)
  return clock
}

test('the first calls are all timed, whatever the one before took', () => {
  const clock = open()
  assert.is(clock.call(8, 1_000), 8)
  assert.is(clock.call(16, 20_000_000), 16)
  for (let i = 2; i < COLD_CALLS; i++) assert.is(clock.call(i, 1), i)
})

test('then one call in eight is timed, and the others are as long as their fuel says', () => {
  const clock = openWarm()
  assert.is(clock.call(1 / 64, 1_000), 1 / 64)
  const { looks } = clock
  for (let i = 1; i < TIMED_CALLS; i++) assert.is(clock.call(99, i * 500), i / 128)
  assert.is(clock.looks, looks)
  assert.is(clock.call(1 / 128, 1_000), 1 / 128)
  assert.is(clock.call(99, 1_000), 1 / 128)
})

test('a call that the machine held up makes the next ones twice as long, not a thousand times', () => {
  const clock = openWarm()
  assert.is(clock.call(16, 1_000), 16)
  assert.is(clock.call(1 / 64, 1_000), 1 / 32)
})

test('a call with much fuel is long, but no longer than since the clock was looked at', () => {
  const clock = openWarm()
  clock.call(1 / 64, 1_000)
  clock.idle(1_000)
  assert.is(clock.call(100, 640_000), 10)
  assert.is(clock.call(2, 640_000), 2)
})

test('while nothing says what fuel takes, every call is timed', () => {
  const clock = open()
  for (let i = 0; i < COLD_CALLS * 2; i++) assert.is(clock.call(3, 0), 3)
})
