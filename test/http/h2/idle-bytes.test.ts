import { BURST_BYTES, BYTES_PER_SECOND, IdleBytes } from '../../../host/http/h2/idle-bytes.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('http/h2/idle-bytes')

test('bytes that serve no request are let pass up to a limit, and no further', () => {
  const idle = new IdleBytes(0)
  assert.is(idle.isTooMuch(0, BURST_BYTES, 0), false)
  assert.is(idle.isTooMuch(0, BURST_BYTES + 1, 0), true)
})

test('bytes of requests cost nothing', () => {
  const idle = new IdleBytes(0)
  idle.used(10 * BURST_BYTES)
  assert.is(idle.isTooMuch(0, 10 * BURST_BYTES, 0), false)
  assert.is(idle.isTooMuch(0, 12 * BURST_BYTES, 0), true)
})

test('what is used is earned again with time, and never more than the limit', () => {
  const idle = new IdleBytes(0)
  assert.is(idle.isTooMuch(0, BURST_BYTES, 0), false)
  assert.is(idle.isTooMuch(1_000, BURST_BYTES + BYTES_PER_SECOND, 0), false)
  assert.is(idle.isTooMuch(1_000, BURST_BYTES + BYTES_PER_SECOND + 1, 0), true)
  const rested = new IdleBytes(0)
  assert.is(rested.isTooMuch(1_000_000, 0, 0), false)
  assert.is(rested.isTooMuch(1_000_000, BURST_BYTES + 1, 0), true)
})

test('a client that takes a lot may say a lot about it', () => {
  const idle = new IdleBytes(0)
  assert.is(idle.isTooMuch(0, BURST_BYTES, 0), false)
  assert.is(idle.isTooMuch(0, 2 * BURST_BYTES, 4 * BURST_BYTES), false)
})
