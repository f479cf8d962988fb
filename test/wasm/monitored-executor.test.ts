import { CRASH_BUDGET } from '../../host/resilience/crash-budget.ts'
import type { Executor, GuestItem } from '../../host/wasm/executor.ts'
import { MonitoredExecutor } from '../../host/wasm/monitored-executor.ts'
import { failedOutcome, outcomeOf, trapOf } from '../../host/wasm/outcome.ts'
import { PluginMonitor } from '../../host/wasm/plugin-monitor.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { outcomeFrom } from '../support/outcome-from.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('wasm/monitored-executor')

const NAMES = { pipeline: 'main', filter: 'plugin', plugin: 'p', version: '1.0.0', digest: 'd' }

// What is in the item is the guest's business; here every call gives the same.
const ITEM = {} as GuestItem

const RETURNING: Executor = {
  start: async () => undefined,
  submit: () => outcomeOf(0, false, null, 2),
  status: () => {
    throw new Error('nobody asks for it')
  },
  close: async () => undefined,
}

test('a version that was not suspended is run', async () => {
  const monitor = new PluginMonitor(NAMES, new FakeClock(), () => undefined)
  assert.is((await outcomeFrom(new MonitoredExecutor(RETURNING, monitor), ITEM)).kind, 'next')
})

test('a version that was suspended is not run', async () => {
  const monitor = new PluginMonitor(NAMES, new FakeClock(), () => undefined)
  const executor = new MonitoredExecutor(RETURNING, monitor)
  const trapped = failedOutcome(trapOf(new Error('unreachable')))
  for (let i = 0; i < CRASH_BUDGET.failures; i++) monitor.observe(trapped)
  assert.is((await outcomeFrom(executor, ITEM)).failure?.code, 'GUEST_SUSPENDED')
})
