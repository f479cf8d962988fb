import fc from 'fast-check'
import {
  type BreakerState,
  CircuitBreaker,
  type CircuitBreakerSpec,
  REFUSED,
} from '../../host/resilience/circuit-breaker.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('resilience/circuit-breaker')

const spec: CircuitBreakerSpec = {
  slidingWindowType: 'COUNT_BASED',
  slidingWindowSize: 4,
  failureRateThreshold: 50,
  slowCallRateThreshold: 100,
  slowCallDurationThreshold: 1_000,
  permittedNumberOfCallsInHalfOpenState: 2,
  minimumNumberOfCalls: 4,
  maxWaitDurationInHalfOpenState: 0,
  waitDurationInOpenState: 10_000,
}

function setUp(changes: Partial<CircuitBreakerSpec> = {}) {
  const clock = new FakeClock()
  const breaker = new CircuitBreaker({ ...spec, ...changes }, clock)
  const call = (isFailure: boolean, durationMs = 1): void =>
    breaker.record(breaker.acquire(), isFailure, durationMs)
  return { clock, breaker, call }
}

test('opens at the failure rate, not before the minimum number of calls', () => {
  const { breaker, call } = setUp()
  for (let i = 0; i < 3; i++) call(true)
  assert.is(breaker.state, 'closed')
  call(false)
  assert.is(breaker.state, 'open')
  assert.is(breaker.acquire(), REFUSED)
  assert.is(breaker.refused, 1)
})

test('opens at the slow-call rate too; a call as long as the limit is not slow', () => {
  const { breaker, call } = setUp({ slowCallRateThreshold: 75 })
  for (const ms of [1_000, 1_001, 1_001]) call(false, ms)
  assert.is(breaker.state, 'closed')
  call(false, 1_001)
  assert.is(breaker.state, 'open')
})

test('goes half open after the wait, lets the permitted calls through and closes when they are well', () => {
  const { clock, breaker, call } = setUp()
  for (let i = 0; i < 4; i++) call(true)
  clock.advance(9_999)
  assert.is(breaker.acquire(), REFUSED)
  clock.advance(1)
  const first = breaker.acquire()
  const second = breaker.acquire()
  assert.is(breaker.state, 'halfOpen')
  assert.is(breaker.acquire(), REFUSED)
  breaker.record(first, false, 1)
  assert.is(breaker.state, 'halfOpen')
  breaker.record(second, false, 1)
  assert.is(breaker.state, 'closed')
})

test('opens again when the calls of the half-open state fail', () => {
  const { clock, breaker, call } = setUp()
  for (let i = 0; i < 4; i++) call(true)
  clock.advance(10_000)
  call(true)
  call(false)
  assert.is(breaker.state, 'open')
})

test('the window is empty again after the breaker has closed', () => {
  const { clock, breaker, call } = setUp()
  for (let i = 0; i < 4; i++) call(true)
  clock.advance(10_000)
  for (let i = 0; i < 2; i++) call(false)
  for (let i = 0; i < 3; i++) call(true)
  assert.is(breaker.state, 'closed')
})

test('a call that was cancelled in the half-open state gives its place back', () => {
  const { clock, breaker, call } = setUp()
  for (let i = 0; i < 4; i++) call(true)
  clock.advance(10_000)
  breaker.cancel(breaker.acquire())
  assert.not(breaker.acquire() === REFUSED)
  assert.not(breaker.acquire() === REFUSED)
  assert.is(breaker.acquire(), REFUSED)
})

test('the half-open state ends open when it lasts too long', () => {
  const { clock, breaker, call } = setUp({ maxWaitDurationInHalfOpenState: 500 })
  for (let i = 0; i < 4; i++) call(true)
  clock.advance(10_000)
  breaker.acquire()
  clock.advance(500)
  assert.is(breaker.acquire(), REFUSED)
  assert.is(breaker.state, 'open')
})

test('what a call of an older state comes to is discarded', () => {
  const { clock, breaker, call } = setUp()
  const old = breaker.acquire()
  for (let i = 0; i < 4; i++) call(true)
  breaker.record(old, false, 1)
  assert.is(breaker.state, 'open')
  clock.advance(10_000)
  call(false)
  breaker.record(old, true, 1)
  assert.is(breaker.state, 'halfOpen')
})

test('a window of time forgets what is older than its seconds', () => {
  const { clock, breaker, call } = setUp({ slidingWindowType: 'TIME_BASED' })
  for (let i = 0; i < 3; i++) call(true)
  clock.advance(4_000)
  for (let i = 0; i < 3; i++) call(true)
  assert.is(breaker.state, 'closed')
  call(true)
  assert.is(breaker.state, 'open')
})

/** The same machine with a list of calls, counted anew for each of them. */
class NaiveBreaker {
  state: BreakerState = 'closed'
  epoch = 1
  sinceMs: number
  given = 0
  calls: { atMs: number; isFailure: boolean; isSlow: boolean }[] = []
  readonly spec: CircuitBreakerSpec
  readonly clock: FakeClock

  constructor(ofSpec: CircuitBreakerSpec, clock: FakeClock) {
    this.spec = ofSpec
    this.clock = clock
    this.sinceMs = clock.monotonicMs()
  }

  go(state: BreakerState): void {
    this.state = state
    this.epoch += 1
    this.sinceMs = this.clock.monotonicMs()
    this.given = 0
    this.calls = []
  }

  lasted(ms: number): boolean {
    return this.clock.monotonicMs() - this.sinceMs >= ms
  }

  isStuck(): boolean {
    const limit = this.spec.maxWaitDurationInHalfOpenState
    return this.state === 'halfOpen' && limit > 0 && this.lasted(limit)
  }

  acquire(): number {
    if (this.state === 'open' && this.lasted(this.spec.waitDurationInOpenState)) this.go('halfOpen')
    else if (this.isStuck()) this.go('open')
    if (this.state === 'open') return 0
    if (this.state === 'halfOpen') {
      if (this.given === this.spec.permittedNumberOfCallsInHalfOpenState) return 0
      this.given += 1
    }
    return this.epoch
  }

  record(permit: number, isFailure: boolean, durationMs: number): void {
    if (permit !== this.epoch) return
    if (this.isStuck()) {
      this.go('open')
      return
    }
    const atMs = this.clock.monotonicMs()
    const isSlow = durationMs > this.spec.slowCallDurationThreshold
    this.calls.push({ atMs, isFailure, isSlow })
    const permitted = this.spec.permittedNumberOfCallsInHalfOpenState
    let recent = this.calls
    let minimum = this.spec.minimumNumberOfCalls
    if (this.state === 'halfOpen') {
      recent = this.calls.slice(-permitted)
      minimum = Math.min(minimum, permitted)
    } else if (this.spec.slidingWindowType === 'COUNT_BASED') {
      recent = this.calls.slice(-this.spec.slidingWindowSize)
    } else {
      const oldest = Math.floor(atMs / 1000) - this.spec.slidingWindowSize
      recent = this.calls.filter((call) => Math.floor(call.atMs / 1000) > oldest)
    }
    if (recent.length < minimum) return
    const rate = (isCounted: (call: { isFailure: boolean; isSlow: boolean }) => boolean): number =>
      (100 * recent.filter(isCounted).length) / recent.length
    if (
      rate((call) => call.isFailure) >= this.spec.failureRateThreshold ||
      rate((call) => call.isSlow) >= this.spec.slowCallRateThreshold
    ) {
      this.go('open')
    } else if (this.state === 'halfOpen') this.go('closed')
  }
}

const specs: fc.Arbitrary<CircuitBreakerSpec> = fc.record({
  slidingWindowType: fc.constantFrom('COUNT_BASED' as const, 'TIME_BASED' as const),
  slidingWindowSize: fc.integer({ min: 1, max: 8 }),
  failureRateThreshold: fc.integer({ min: 1, max: 100 }),
  slowCallRateThreshold: fc.integer({ min: 1, max: 100 }),
  slowCallDurationThreshold: fc.constant(100),
  permittedNumberOfCallsInHalfOpenState: fc.integer({ min: 1, max: 4 }),
  minimumNumberOfCalls: fc.integer({ min: 1, max: 6 }),
  maxWaitDurationInHalfOpenState: fc.constantFrom(0, 700),
  waitDurationInOpenState: fc.constantFrom(0, 1_500),
})

const moves = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('start' as const), waitMs: fc.nat(400) }),
    fc.record({
      kind: fc.constant('end' as const),
      waitMs: fc.nat(400),
      which: fc.nat(20),
      isFailure: fc.boolean(),
      durationMs: fc.constantFrom(50, 100, 101),
    }),
  ),
  { maxLength: 150 },
)

test('does what a naive breaker does, whatever happens in whatever order', () => {
  fc.assert(
    fc.property(specs, moves, (ofSpec, list) => {
      const clock = new FakeClock()
      const breaker = new CircuitBreaker(ofSpec, clock)
      const naive = new NaiveBreaker(ofSpec, clock)
      const running: [number, number][] = []
      for (const move of list) {
        clock.advance(move.waitMs)
        if (move.kind === 'start') {
          const permits: [number, number] = [breaker.acquire(), naive.acquire()]
          assert.is(permits[0] === REFUSED, permits[1] === 0)
          if (permits[0] !== REFUSED) running.push(permits)
        } else if (running.length > 0) {
          const [permit, other] = running.splice(move.which % running.length, 1)[0] ?? [0, 0]
          breaker.record(permit, move.isFailure, move.durationMs)
          naive.record(other, move.isFailure, move.durationMs)
        }
        assert.is(breaker.state, naive.state)
      }
    }),
    { numRuns: 400 },
  )
})
