import { CRASH_BUDGET } from '../../host/resilience/crash-budget.ts'
import { ChangeLog } from '../../host/wasm/change-log.ts'
import type { Executor, GuestItem } from '../../host/wasm/executor.ts'
import { MonitoredExecutor } from '../../host/wasm/monitored-executor.ts'
import { failedOutcome, outcomeOf, trapOf } from '../../host/wasm/outcome.ts'
import { PluginMonitor } from '../../host/wasm/plugin-monitor.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('wasm/monitored-executor')

const NAMES = { pipeline: 'main', filter: 'plugin', plugin: 'p', version: '1.0.0', digest: 'd' }

// What is in the item is the guest's business; here every call gives the same.
const ITEM = {} as GuestItem

/** Every call of it returns `result`, and has something to apply. */
function returning(result: number): Executor {
  return {
    start: async () => undefined,
    submit: () => outcomeOf(result, false, new ChangeLog(), 2),
    status: () => {
      throw new Error('nobody asks for it')
    },
    close: async () => undefined,
  }
}

for (const { names, last } of [
  { names: 0, last: 9 },
  { names: 3, last: 9 },
  { names: 12, last: 12 },
]) {
  test(`with ${names} results that have names, ${last} is a result and ${last + 1} is a failure`, async () => {
    const monitor = new PluginMonitor(NAMES, new FakeClock(), () => undefined)
    const submit = (result: number) =>
      new MonitoredExecutor(returning(result), monitor, names).submit(ITEM)
    assert.is((await submit(last)).kind, 'result')
    const refused = await submit(last + 1)
    assert.is(refused.kind, 'failed')
    assert.is(refused.failure?.code, 'GUEST_RESULT')
    assert.is(refused.changes, null)
    assert.is(refused.runMs, 2)
  })
}

test('a version that was suspended is not run', async () => {
  const monitor = new PluginMonitor(NAMES, new FakeClock(), () => undefined)
  const executor = new MonitoredExecutor(returning(0), monitor, 0)
  const trapped = failedOutcome(trapOf(new Error('unreachable')))
  for (let i = 0; i < CRASH_BUDGET.failures; i++) monitor.observe(trapped)
  assert.is((await executor.submit(ITEM)).failure?.code, 'GUEST_SUSPENDED')
})
