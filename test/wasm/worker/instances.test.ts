import type { PluginSetup } from '../../../host/wasm/executor.ts'
import { ThreadPool } from '../../../host/wasm/worker/thread-pool.ts'
import { WorkerExecutor } from '../../../host/wasm/worker/worker-executor.ts'
import { until } from '../../support/gateway.ts'
import { itemThat, OBEDIENT } from '../../support/obedient-guest.ts'
import { outcomeFrom } from '../../support/outcome-from.ts'
import { assert, suite } from '../../support/suite.ts'
import { wat } from '../../support/wat.ts'

const test = suite('wasm/worker/instances', { timeoutMs: 120_000 })

const pool = new ThreadPool(3, () => undefined)
test.after(() => pool.close())

const MODULE = new WebAssembly.Module(new Uint8Array(wat(OBEDIENT)))
let setups = 0

function executor(maxConcurrency: number): WorkerExecutor {
  setups += 1
  const setup: PluginSetup = {
    id: setups,
    name: 'obedient',
    abi: 'penstock_v1',
    module: MODULE,
    parameters: new Map(),
    fuel: 1_000_000_000,
    data: null,
    reset: 'never',
  }
  return new WorkerExecutor(setup, pool, {
    timeoutMs: 60_000,
    queueTimeoutMs: 60_000,
    queueLength: 10_000,
    maxConcurrency,
  })
}

for (const [maxConcurrency, instances] of [
  [1, 1],
  [2, 2],
  [10, 3],
] as const) {
  test(`maxConcurrency: ${maxConcurrency} is ${instances} live instances on three threads`, async () => {
    const one = executor(maxConcurrency)
    const outcomes = await Promise.all(
      Array.from({ length: 900 }, () => outcomeFrom(one, itemThat('count'))),
    )
    // Each instance counts its own calls: those that say "first" are as many as there are instances.
    assert.is(outcomes.filter(({ result }) => result === 11).length, instances)
    await until(() => one.status().instances === instances, 'all of them are known')
    assert.is(one.status().memoryBytes, instances * 8 * 65_536)
    await one.close()
    await until(() => one.status().instances === 0, 'they are freed')
  })
}
