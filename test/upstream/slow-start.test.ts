import { EndpointState } from '../../host/upstream/endpoint-state.ts'
import { SlowStart } from '../../host/upstream/slow-start.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { createPrng, testSeed } from '../support/prng.ts'
import { assert, suite } from '../support/suite.ts'
import { seeded } from './support.ts'

const test = suite('upstream/slow-start')

test('the share grows from the least to all of it in the time of the window', () => {
  const clock = new FakeClock()
  const random = seeded(createPrng(testSeed()).next)
  const slowStart = new SlowStart({ slowStartWindow: 10_000, minWeightPercent: 10 }, clock, random)
  const state = new EndpointState()
  const share = (): number => {
    let admitted = 0
    for (let i = 0; i < 4_000; i++) if (slowStart.admits(state)) admitted += 1
    return Math.round((admitted / 4_000) * 20) / 20
  }
  assert.is(share(), 1)
  state.warmSinceMs = clock.monotonicMs()
  assert.is(share(), 0.1)
  clock.advance(3_000)
  assert.is(share(), 0.3)
  clock.advance(4_500)
  assert.is(share(), 0.75)
  clock.advance(2_500)
  assert.is(share(), 1)
  assert.is(state.warmSinceMs, -1)
})
