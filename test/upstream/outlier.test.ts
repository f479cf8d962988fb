import { Availability } from '../../host/upstream/availability.ts'
import { EndpointState } from '../../host/upstream/endpoint-state.ts'
import { OutlierDetector, type OutlierSpec } from '../../host/upstream/outlier.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { assert, suite } from '../support/suite.ts'
import { fakeEndpoints } from './support.ts'

const test = suite('upstream/outlier')

const spec: OutlierSpec = {
  consecutive5xx: 3,
  baseEjectionTime: 1_000,
  maxEjectionTime: 3_500,
  maxEjectionPercent: 50,
}

function setUp(count: number, changes: Partial<OutlierSpec> = {}) {
  const clock = new FakeClock()
  const detector = new OutlierDetector({ ...spec, ...changes }, clock)
  const states = Array.from({ length: count }, () => new EndpointState())
  const record = (at: number, isFailure: boolean): boolean =>
    detector.record(states[at] as EndpointState, isFailure, states)
  const fail = (at: number, times = 3): boolean => {
    let isEjected = false
    for (let i = 0; i < times; i++) isEjected = record(at, true) || isEjected
    return isEjected
  }
  return { clock, states, record, fail }
}

test('ejects at the last of so many failures in a row', () => {
  const { states, record, fail, clock } = setUp(4)
  assert.not(fail(0, 2))
  record(0, false)
  assert.not(fail(0, 2))
  assert.ok(record(0, true))
  assert.is(states[0]?.ejectedUntilMs, clock.monotonicMs() + 1_000)
})

test('each ejection lasts longer, up to the longest, and shorter again after a good time', () => {
  const { states, fail, clock } = setUp(2)
  const eject = (): number => {
    assert.ok(fail(0))
    const ms = (states[0]?.ejectedUntilMs ?? 0) - clock.monotonicMs()
    clock.advance(ms)
    return ms
  }
  assert.equal([eject(), eject(), eject(), eject(), eject()], [1_000, 2_000, 3_000, 3_500, 3_500])
  clock.advance(5_000 * 3)
  assert.is(eject(), 3_000)
})

test('not more than the greatest share at once, but one in any case', () => {
  const { fail, clock } = setUp(4)
  assert.ok(fail(0))
  assert.ok(fail(1))
  assert.not(fail(2))
  clock.advance(1_000)
  assert.ok(fail(2))
  assert.ok(setUp(5, { maxEjectionPercent: 0 }).fail(0))
})

test('failures of requests that were under way change nothing after the ejection', () => {
  const { states, fail, clock } = setUp(2)
  fail(0)
  const until = states[0]?.ejectedUntilMs
  clock.advance(500)
  assert.not(fail(0, 9))
  assert.is(states[0]?.ejectedUntilMs, until)
})

test('an ejected endpoint is not available until its time is over, and begins with a clean record', () => {
  const clock = new FakeClock()
  const endpoints = fakeEndpoints(3)
  const states = endpoints.map(({ state }) => state)
  const detector = new OutlierDetector(spec, clock)
  const availability = new Availability(endpoints, 0, clock)
  assert.equal(availability.list(), endpoints)
  assert.not(availability.isStale)
  const [first] = states as [EndpointState]
  for (let i = 0; i < 5; i++) detector.record(first, true, states)
  assert.ok(availability.isStale)
  assert.equal(availability.list(), endpoints.slice(1))
  assert.not(availability.isStale)
  clock.advance(1_000)
  assert.ok(availability.isStale)
  assert.equal(availability.list(), endpoints)
  assert.not(detector.record(first, true, states))
  availability.close()
})

test('below the panic threshold every endpoint is used; a threshold of 0 never panics', () => {
  const clock = new FakeClock()
  const endpoints = fakeEndpoints(4)
  const panicking = new Availability(endpoints, 50, clock)
  const calm = new Availability(endpoints, 0, clock)
  endpoints[0]?.state.setHealthy(false, 0)
  endpoints[1]?.state.setHealthy(false, 0)
  assert.is(panicking.list().length, 2)
  assert.not(panicking.isPanicking)
  endpoints[2]?.state.setHealthy(false, 0)
  assert.ok(panicking.isStale)
  assert.is(panicking.list().length, 4)
  assert.ok(panicking.isPanicking)
  assert.is(calm.list().length, 1)
  endpoints[3]?.state.setHealthy(false, 0)
  assert.is(calm.list().length, 0)
  for (const { state } of endpoints.slice(1)) state.setHealthy(true, 0)
  assert.is(panicking.list().length, 3)
  assert.not(panicking.isPanicking)
})
