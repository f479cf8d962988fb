import { DataKind, DataOperation, DataReply } from '../../../host/wasm/data/data-operation.ts'
import { DataStore } from '../../../host/wasm/data/data-store.ts'
import type { Executor, PluginSetup } from '../../../host/wasm/executor.ts'
import { InlineExecutor } from '../../../host/wasm/inline-executor.ts'
import { Errno, GUEST_LIMITS } from '../../../host/wasm/limits.ts'
import { gateModule } from '../../../host/wasm/module/gate.ts'
import { ThreadPool } from '../../../host/wasm/worker/thread-pool.ts'
import { WorkerExecutor } from '../../../host/wasm/worker/worker-executor.ts'
import { DATA_GUEST } from '../../support/data-guest.ts'
import { itemThat } from '../../support/obedient-guest.ts'
import { outcomeFrom } from '../../support/outcome-from.ts'
import { assert, type Suite, suite } from '../../support/suite.ts'
import { wat } from '../../support/wat.ts'

/** Long enough for a loop that shares its cores with others; the bound itself has a test of its own. */
const WAIT_MS = 5_000

interface Made {
  readonly executor: Executor
  readonly close: () => unknown
}

/** Threads take a while to start: executors over one store share them. */
const POOLS = new Map<DataStore, ThreadPool>()

/** Behind the contract of host/wasm/executor.ts, guests reach data in two ways; one table holds for both. */
const EXECUTORS: readonly {
  readonly isolation: string
  readonly make: (setup: PluginSetup, store: DataStore) => Made
}[] = [
  {
    isolation: 'inline',
    make(setup, store) {
      const executor = new InlineExecutor(setup, () => undefined, store.port(setup.data ?? ''))
      return { executor, close: () => executor.close() }
    },
  },
  {
    isolation: 'worker',
    make(setup, store) {
      let pool = POOLS.get(store)
      const isNew = pool === undefined
      pool ??= new ThreadPool(2, () => undefined, store, WAIT_MS)
      POOLS.set(store, pool)
      const opened = pool
      const executor = new WorkerExecutor(setup, opened, {
        timeoutMs: 2_000,
        queueTimeoutMs: 20_000,
        queueLength: 1_024,
        maxConcurrency: 10,
      })
      return { executor, close: () => (isNew ? opened.close() : undefined) }
    },
  },
]

let setups = 0

for (const { isolation, make } of EXECUTORS) {
  const test: Suite = suite(`wasm/data/guest-data ${isolation}`)
  const closers: (() => unknown)[] = []
  test.after(async () => {
    for (const close of closers) await close()
  })

  const start = (store: DataStore, data: string | null, text = DATA_GUEST): Executor => {
    setups += 1
    const setup: PluginSetup = {
      id: setups,
      name: 'guest',
      abi: 'penstock_v1',
      module: new WebAssembly.Module(Uint8Array.from(gateModule(wat(text)).bytes)),
      parameters: new Map(),
      fuel: 20_000_000,
      data,
      reset: 'never',
    }
    const made = make(setup, store)
    closers.push(made.close)
    return made.executor
  }
  /** What the host call returned, or the code of the failure. */
  const ask = async (executor: Executor, what: string): Promise<number | string> => {
    const { failure, result } = await outcomeFrom(executor, itemThat(what))
    return failure === null ? result - 100 : failure.code
  }

  test('a guest writes, reads, counts and deletes what another one sees', async () => {
    const store = new DataStore()
    const [one, other, stranger] = [start(store, 'a'), start(store, 'a'), start(store, 'b')]
    assert.is(await ask(one, 'gkey'), Errno.absent)
    assert.is(await ask(one, 'pkey'), 0)
    assert.is(await ask(other, 'gkey'), 3)
    assert.is(await ask(stranger, 'gkey'), Errno.absent)
    assert.is(await ask(other, 'skey'), 0)
    assert.is(await ask(other, 'sküche'), 1)
    assert.is(await ask(one, 'ck'), 2)
    assert.is(await ask(one, 'dkey'), 1)
    assert.is(await ask(one, 'dkey'), 0)
    assert.equal(
      store.list('a').map(([key]) => key),
      // The header's bytes, which are latin1, are no UTF-8.
      ['k\ufffdche'],
    )
  })

  test('additions from anywhere are all counted, and each gets a sum of its own', async () => {
    const store = new DataStore()
    const executors = [start(store, 'a'), start(store, 'a')]
    const sums = await Promise.all(
      Array.from({ length: 200 }, (_, i) => ask(executors[i % 2] as Executor, 'mcounter')),
    )
    assert.is(new Set(sums).size, 200)
    assert.is(Math.max(...sums.map(Number)), 2_000)
    assert.is(await ask(executors[0] as Executor, 'acounter'), 2_001)
  })

  test('of many that put a key if there is none, one does', async () => {
    const store = new DataStore()
    const executors = [start(store, 'a'), start(store, 'a')]
    const swaps = await Promise.all(
      Array.from({ length: 50 }, (_, i) => ask(executors[i % 2] as Executor, 'sleader')),
    )
    assert.is(swaps.filter((code) => code === 1).length, 1)
    assert.is(swaps.filter((code) => code === 0).length, 49)
  })

  test('a guest without a namespace is denied every operation', async () => {
    const store = new DataStore()
    const executor = start(store, null)
    for (const what of ['gk', 'pk', 'dk', 'sk', 'ak', 'ck']) {
      assert.is(await ask(executor, what), Errno.denied, what)
    }
    assert.equal(store.status().namespaces, [])
  })

  test('an empty key and one that is too long are refused (X22)', async () => {
    const executor = start(new DataStore(), 'a')
    assert.is(await ask(executor, 'p'), Errno.invalid)
    assert.is(await ask(executor, `p${'k'.repeat(256)}`), 0)
    assert.is(await ask(executor, `p${'k'.repeat(257)}`), Errno.tooLarge)
    assert.is(await ask(executor, `g${'k'.repeat(257)}`), Errno.tooLarge)
    assert.is(await ask(executor, 'c'), 1)
  })

  test('a value that is too long, a life that is none and a pointer outside are refused (X22)', async () => {
    const put = (args: string): string => `(module
      (import "penstock_v1" "kv_put" (func $put (param i32 i32 i32 i32 f64) (result i32)))
      (memory (export "memory") 200)
      (data (i32.const 0) "key")
      (func (export "penstock_on_request") (result i32)
        (i32.add (i32.const 100) (call $put (i32.const 0) (i32.const 3) ${args}))))`
    const refusals: [string, number | string][] = [
      ['(i32.const 0) (i32.const 65536) (f64.const 0)', 0],
      ['(i32.const 0) (i32.const 65537) (f64.const 0)', Errno.tooLarge],
      ['(i32.const 0) (i32.const 10000000) (f64.const 0)', Errno.tooLarge],
      ['(i32.const 0) (i32.const -1) (f64.const 0)', Errno.tooLarge],
      ['(i32.const 0) (i32.const 1) (f64.const -1)', Errno.invalid],
      ['(i32.const 0) (i32.const 1) (f64.const nan)', Errno.invalid],
      ['(i32.const 0) (i32.const 1) (f64.const inf)', Errno.invalid],
      ['(i32.const -2) (i32.const 10) (f64.const 0)', 'GUEST_TRAPPED'],
      // Key and value may overlap: both are copied before anything is done (X05).
      ['(i32.const 1) (i32.const 3) (f64.const 0)', 0],
    ]
    const store = new DataStore()
    for (const [args, expected] of refusals) {
      assert.is(await ask(start(store, 'a', put(args)), 'x'), expected, args)
    }
  })

  test('a place for the sum outside the memory is told before anything is counted', async () => {
    const store = new DataStore()
    const executor = start(
      store,
      'a',
      `(module
        (import "penstock_v1" "kv_add" (func $add (param i32 i32 i64 f64 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "key")
        (func (export "penstock_on_request") (result i32)
          (call $add (i32.const 0) (i32.const 3) (i64.const 1) (f64.const 0) (i32.const 65530))))`,
    )
    assert.is(await ask(executor, 'x'), 'GUEST_TRAPPED')
    assert.equal(store.list('a'), [])
  })

  test('one call has only so many operations, and fuel ends those that go on', async () => {
    const store = new DataStore()
    const executor = start(store, 'a')
    assert.is(await ask(executor, 'lcalls'), 'GUEST_FUEL')
    assert.is(Number(counterOf(store, 'a', 'calls')), GUEST_LIMITS.dataOperations)
    assert.is(await ask(executor, 'acalls'), GUEST_LIMITS.dataOperations + 1)
  })

  test('what was written stays when the call fails later', async () => {
    const store = new DataStore()
    const executor = start(
      store,
      'a',
      `(module
        (import "penstock_v1" "kv_add" (func $add (param i32 i32 i64 f64 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "key")
        (func (export "penstock_on_request") (result i32)
          (drop (call $add (i32.const 0) (i32.const 3) (i64.const 1) (f64.const 0) (i32.const 8)))
          unreachable))`,
    )
    assert.is(await ask(executor, 'x'), 'GUEST_TRAPPED')
    assert.is(await ask(executor, 'x'), 'GUEST_TRAPPED')
    assert.is(counterOf(store, 'a', 'key'), '2')
  })
}

function counterOf(store: DataStore, namespace: string, key: string): string {
  const operation = new DataOperation()
  operation.kind = DataKind.get
  operation.key = key
  const reply = new DataReply()
  store.execute(namespace, operation, reply)
  return Buffer.from(reply.value).toString('utf8')
}
