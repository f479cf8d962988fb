import fc from 'fast-check'
import { RolloutGates, type Verdict } from '../../../host/wasm/rollout/rollout-gates.ts'
import { ROLLOUT_LIMITS } from '../../../host/wasm/rollout/rollout-limits.ts'
import type { VersionCounts } from '../../../host/wasm/rollout/rollout-meter.ts'
import { assert, suite } from '../../support/suite.ts'

const test = suite('wasm/rollout/rollout-gates')

const { minSample } = ROLLOUT_LIMITS
const NOTHING: VersionCounts = { calls: 0, failures: 0, runMs: 0, requests: 0, errors: 0 }

/** A trial whose windows are written down: what each version did in it. */
class Trial {
  #nowMs = 1_000
  #stable = NOTHING
  #candidate = NOTHING
  readonly #gates: RolloutGates

  constructor() {
    const clock = { monotonicMs: () => this.#nowMs, wallMs: () => this.#nowMs }
    this.#gates = new RolloutGates(clock, NOTHING, NOTHING)
  }

  window(candidate: Partial<VersionCounts>, stable: Partial<VersionCounts> = {}): Verdict {
    this.#nowMs += 1_000
    this.#candidate = plus(this.#candidate, { ...usual(minSample), ...candidate })
    this.#stable = plus(this.#stable, { ...usual(1_000), ...stable })
    return this.#gates.judge(this.#stable, this.#candidate)
  }
}

/** Requests that go well: one call each, a tenth of a millisecond. */
function usual(requests: number): VersionCounts {
  return { calls: requests, failures: 0, runMs: requests / 10, requests, errors: 0 }
}

function plus(a: VersionCounts, b: VersionCounts): VersionCounts {
  return {
    calls: a.calls + b.calls,
    failures: a.failures + b.failures,
    runMs: a.runMs + b.runMs,
    requests: a.requests + b.requests,
    errors: a.errors + b.errors,
  }
}

test('nothing is said before the sample is large enough', () => {
  const trial = new Trial()
  const few = { ...usual(minSample - 1), failures: 0 }
  assert.is(trial.window(few).kind, 'waiting')
})

test('a version that does well is holding since its first window began', () => {
  const trial = new Trial()
  assert.equal(trial.window({}), { kind: 'holding', heldMs: 1_000 })
  assert.equal(trial.window({}), { kind: 'holding', heldMs: 2_000 })
})

test('a limit that is passed a little needs two windows, one that is passed by far needs one', () => {
  const slightly = { failures: 2 }
  const trial = new Trial()
  assert.is(trial.window(slightly).kind, 'waiting')
  const verdict = trial.window(slightly)
  assert.is(verdict.kind, 'bad')
  assert.match(verdict.kind === 'bad' ? verdict.reason : '', /4% of its calls failed, against 0%/)
  const failing = new Trial().window({ failures: 25 })
  assert.match(failing.kind === 'bad' ? failing.reason : '', /50% of its calls failed/)
  const erring = new Trial().window({ errors: minSample })
  assert.match(erring.kind === 'bad' ? erring.reason : '', /100% of its requests ended in a 5xx/)
})

test('a good window between two bad ones forgives, one near the limit does not', () => {
  const bad = { failures: 2 }
  const near = { failures: 1 }
  const forgiven = new Trial()
  forgiven.window(bad)
  assert.is(forgiven.window({}).kind, 'holding')
  assert.is(forgiven.window(bad).kind, 'waiting', 'and a bad one ends the holding')
  const remembered = new Trial()
  remembered.window(bad)
  assert.is(remembered.window(near).kind, 'waiting')
  assert.is(remembered.window(bad).kind, 'bad')
})

test('a window near a limit neither begins nor ends the holding', () => {
  const near = { failures: 1 }
  const trial = new Trial()
  assert.is(trial.window(near).kind, 'waiting')
  trial.window({})
  assert.equal(trial.window(near), { kind: 'holding', heldMs: 2_000 })
})

test('calls that run longer are bad past a millisecond, or half as long again when that is more', () => {
  const slow = (ms: number) => ({ runMs: minSample * ms })
  const fast = new Trial()
  assert.is(fast.window(slow(0.7)).kind, 'holding', '0.6 ms more than 0.1')
  assert.is(fast.window(slow(1.3)).kind, 'waiting')
  const verdict = fast.window(slow(1.3))
  assert.match(
    verdict.kind === 'bad' ? verdict.reason : '',
    /1\.30 ms on average, against 0\.10 ms/,
  )
  const long = new Trial()
  const stable = { runMs: 1_000 * 10 }
  assert.is(long.window(slow(13), stable).kind, 'holding', '3 ms more than 10')
  assert.is(long.window(slow(16), stable).kind, 'waiting')
})

test('an upstream that fails for both is no fault of the version', () => {
  const trial = new Trial()
  const half = { errors: 500 }
  for (let i = 0; i < 5; i++) {
    assert.is(trial.window({ errors: minSample / 2 + 2 }, half).kind, 'holding')
  }
})

test('bad is for ever', () => {
  const trial = new Trial()
  trial.window({ failures: minSample })
  for (let i = 0; i < 3; i++) assert.is(trial.window({}).kind, 'bad')
})

test('a version on trial for everybody is compared with what the stable one has served before', () => {
  const trial = new Trial()
  trial.window({}, { errors: 400 })
  const nobody = { ...NOTHING }
  assert.is(trial.window({ errors: 20 }, nobody).kind, 'holding')
})

test('property: whatever the windows are, a version that never fails more or runs longer is never bad', () => {
  const part = fc.record({ failed: fc.nat(100), erred: fc.nat(100), extra: fc.nat(50) })
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (windows) => {
      const trial = new Trial()
      for (const { failed, erred, extra } of windows) {
        const requests = 2 * minSample + extra
        const rates = (n: number): VersionCounts => ({
          calls: n,
          failures: (n * failed) / 100,
          runMs: n,
          requests: n,
          errors: (n * erred) / 100,
        })
        if (trial.window(rates(requests), rates(10 * requests)).kind === 'bad') return false
      }
      return true
    }),
  )
})

test('property: a version that fails twice the limit more is bad after two full windows', () => {
  const share = fc.double({ min: 2 * ROLLOUT_LIMITS.failureRate + 0.001, max: 1, noNaN: true })
  fc.assert(
    fc.property(share, fc.nat(500), (rate, extra) => {
      const trial = new Trial()
      const requests = minSample + extra
      const counts = { ...usual(requests), failures: rate * requests }
      const first = trial.window(counts)
      return first.kind === 'bad' || trial.window(counts).kind === 'bad'
    }),
  )
})
