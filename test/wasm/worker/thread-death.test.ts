import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import type { PluginSetup } from '../../../host/wasm/executor.ts'
import { ThreadPool } from '../../../host/wasm/worker/thread-pool.ts'
import { WorkerExecutor } from '../../../host/wasm/worker/worker-executor.ts'
import { until } from '../../support/gateway.ts'
import { did, itemThat, OBEDIENT } from '../../support/obedient-guest.ts'
import { outcomeFrom } from '../../support/outcome-from.ts'
import { assert, suite } from '../../support/suite.ts'
import { wat } from '../../support/wat.ts'

const test = suite('wasm/worker/thread-death', { timeoutMs: 120_000 })

const closers: (() => Promise<void>)[] = []
test.after.each(async () => {
  for (const close of closers.splice(0)) await close()
})

/** The threads of this process, in the order they were made. */
const threads: Worker[] = []
process.on('worker', (worker) => threads.push(worker))

let setups = 0

/** An executor on one thread, and that thread. */
function open(): { executor: WorkerExecutor; pool: ThreadPool; thread: () => Worker } {
  const first = threads.length
  const pool = new ThreadPool(1, () => undefined)
  closers.push(() => pool.close())
  return { pool, executor: on(pool), thread: () => threads[first] as Worker }
}

function on(pool: ThreadPool): WorkerExecutor {
  setups += 1
  const setup: PluginSetup = {
    id: setups,
    name: 'obedient',
    abi: 'penstock_v1',
    module: new WebAssembly.Module(new Uint8Array(wat(OBEDIENT))),
    parameters: new Map(),
    fuel: 1_000_000_000_000,
    data: null,
    reset: 'never',
  }
  return new WorkerExecutor(setup, pool, {
    timeoutMs: 60_000,
    queueTimeoutMs: 60_000,
    queueLength: 1_024,
    maxConcurrency: 1,
  })
}

test('a thread that ends by itself loses what ran in it and nothing else (X38)', async () => {
  const { executor, thread } = open()
  await executor.start()
  const outcomes = ['a', 'b', 'loop', 'c', 'd'].map((does) => outcomeFrom(executor, itemThat(does)))
  // What is done is answered with the batch: time for the loop to be what runs.
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const exited = once(thread(), 'exit')
  await thread().terminate()
  await exited
  const [lost, ...others] = (await Promise.all(outcomes)).map(did).toSorted()
  assert.equal([lost, ...others], ['GUEST_TRAPPED', 'a', 'b', 'c', 'd'])
  await until(() => executor.status().instances === 1, 'the new thread has an instance')
  assert.is(did(await outcomeFrom(executor, itemThat('e'))), 'e')
})

test('filters with the same module in one thread have memories of their own (X37)', async () => {
  const { executor, pool } = open()
  const other = on(pool)
  const counts = async (one: WorkerExecutor): Promise<number> =>
    (await outcomeFrom(one, itemThat('count'))).result
  assert.equal([await counts(executor), await counts(executor)], [11, 22])
  assert.equal([await counts(other), await counts(executor)], [11, 33])
})
