import { GatewayError } from '../../host/errors.ts'
import { CRASH_BUDGET } from '../../host/resilience/crash-budget.ts'
import { failedOutcome, outcomeOf } from '../../host/wasm/outcome.ts'
import { PluginMonitor, type Suspension } from '../../host/wasm/plugin-monitor.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('wasm/plugin-monitor')

const NAMES = { pipeline: 'main', filter: 'plugin', plugin: 'p', version: '1.0.0', digest: 'd' }

interface Rig {
  readonly monitor: PluginMonitor
  readonly clock: FakeClock
  readonly suspensions: Suspension[]
  /** The code of the failure a call gets without running; null when it may run. */
  refused(): string | null
}

function rig(): Rig {
  const clock = new FakeClock()
  const suspensions: Suspension[] = []
  const monitor = new PluginMonitor(NAMES, clock, (one) => suspensions.push(one))
  return { monitor, clock, suspensions, refused: () => monitor.refusal()?.code ?? null }
}

const trap = () => failedOutcome(new GatewayError('GUEST_TRAPPED', { reason: 'unreachable' }), 1)
const good = (runMs: number) => outcomeOf(0, false, null, runMs)

test('a version that keeps failing waits twice as long each time, and is forgiven when it works', () => {
  const { monitor, clock, suspensions, refused } = rig()
  for (let i = 0; i < CRASH_BUDGET.failures; i++) monitor.observe(trap())
  let waitMs = CRASH_BUDGET.backoffMs
  for (let round = 1; round <= 9; round++) {
    assert.is(suspensions.at(-1)?.count, round)
    assert.is(refused(), 'GUEST_SUSPENDED')
    clock.advance(waitMs - 1)
    assert.is(refused(), 'GUEST_SUSPENDED', `round ${round}`)
    clock.advance(1)
    assert.is(refused(), null, 'one call is the trial')
    waitMs = Math.min(CRASH_BUDGET.maxBackoffMs, waitMs * 2)
    if (round < 9) monitor.observe(trap())
  }
  assert.is(waitMs, CRASH_BUDGET.maxBackoffMs)
  monitor.observe(good(1))
  assert.is(refused(), null)
  for (let i = 1; i < CRASH_BUDGET.failures; i++) monitor.observe(trap())
  assert.is(refused(), null, 'the count starts anew')
})

test('one version is left alone, another of the same filter is not', () => {
  const { monitor, clock } = rig()
  const other = new PluginMonitor({ ...NAMES, digest: 'e' }, clock, () => undefined)
  for (let i = 0; i < CRASH_BUDGET.failures; i++) monitor.observe(trap())
  assert.ok(monitor.isSuspended)
  assert.not(other.isSuspended)
})

test('a filter past its running time of a second is refused with a reason, counted, and recovers', () => {
  const { monitor, clock, suspensions, refused } = rig()
  monitor.cpu.perSecondMs = 50
  monitor.observe(good(60))
  const refusal = monitor.refusal()
  assert.is(refusal?.code, 'GUEST_CPU')
  assert.match(refusal?.message ?? '', /p has used the 50 ms/)
  for (let i = 0; i < 100; i++) monitor.observe(failedOutcome(monitor.refusal() ?? NONE))
  assert.is(monitor.failures.get('GUEST_CPU'), 100)
  assert.is(suspensions.length, 0, 'a filter that is busy is not one that fails')
  clock.advance(1_000)
  assert.is(refused(), null)
})

const NONE = new GatewayError('GUEST_FUEL', {})

test('calls that did not run are no measurement of running and waiting', () => {
  const { monitor } = rig()
  monitor.observe(outcomeOf(0, false, null, 2, 3, 4_000))
  monitor.observe(failedOutcome(new GatewayError('GUEST_SUSPENDED', { plugin: 'p' })))
  assert.is(monitor.runSeconds.sum, 0.002)
  assert.is(monitor.queueSeconds.sum, 0.003)
  assert.is(monitor.fuel.sum, 4_000)
  assert.is(
    monitor.runSeconds.counts.reduce((sum, one) => sum + one, 0),
    1,
  )
})
