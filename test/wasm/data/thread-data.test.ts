import { GatewayError } from '../../../host/errors.ts'
import { DATA_WAIT_MS } from '../../../host/wasm/data/data-limits.ts'
import {
  DataKind,
  type DataOperation,
  type DataReply,
} from '../../../host/wasm/data/data-operation.ts'
import { DataStore } from '../../../host/wasm/data/data-store.ts'
import type { GuestOutcome, PluginSetup } from '../../../host/wasm/executor.ts'
import { Errno } from '../../../host/wasm/limits.ts'
import { Lane } from '../../../host/wasm/worker/lane.ts'
import { QueuedItem } from '../../../host/wasm/worker/queued-item.ts'
import { ThreadPool } from '../../../host/wasm/worker/thread-pool.ts'
import { WorkerExecutor } from '../../../host/wasm/worker/worker-executor.ts'
import { DATA_GUEST } from '../../support/data-guest.ts'
import { Cleanup } from '../../support/gateway.ts'
import { itemThat } from '../../support/obedient-guest.ts'
import { outcomeFrom } from '../../support/outcome-from.ts'
import { assert, suite } from '../../support/suite.ts'
import { wat } from '../../support/wat.ts'

const test = suite('wasm/data/thread-data')

const cleanup = new Cleanup()
test.after(() => cleanup.run())

/** No test waits this long. */
const FOR_EVER_MS = 60_000

/** Calls back in the middle of each operation, when the thread waits and nothing is answered yet. */
class WatchedStore extends DataStore {
  onExecute: (operation: DataOperation) => void = () => undefined

  override execute(namespace: string, operation: DataOperation, reply: DataReply): void {
    this.onExecute(operation)
    super.execute(namespace, operation, reply)
  }
}

let setups = 0

function setupOf(): PluginSetup {
  setups += 1
  return {
    id: setups,
    name: 'guest',
    abi: 'penstock_v1',
    module: new WebAssembly.Module(new Uint8Array(wat(DATA_GUEST))),
    parameters: new Map(),
    fuel: 1_000_000_000,
    data: 'a',
    reset: 'never',
  }
}

function open(
  store: DataStore,
  timeoutMs: number,
  dataWaitMs: number,
): { readonly pool: ThreadPool; ask(what: string): Promise<GuestOutcome> } {
  const pool = new ThreadPool(1, () => undefined, store, dataWaitMs)
  cleanup.add(() => pool.close())
  const executor = new WorkerExecutor(setupOf(), pool, {
    timeoutMs,
    queueTimeoutMs: FOR_EVER_MS,
    queueLength: 1_024,
    maxConcurrency: 1,
  })
  return { pool, ask: (what) => outcomeFrom(executor, itemThat(what)) }
}

/** Holds this thread up, and with it whatever waits for it. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

const counterOf = (store: DataStore): number => Number(Buffer.from(store.list('a')[0]?.[1] ?? '0'))

test('the time a guest waits for data is not its running time', async () => {
  const store = new WatchedStore()
  const { pool, ask } = open(store, 400, FOR_EVER_MS)
  await ask('gk')
  // Ten operations of 120 ms each: three times the deadline.
  store.onExecute = () => block(120)
  const outcome = await ask('mcounter')
  assert.is(outcome.failure, null)
  assert.is(outcome.result, 110)
  assert.ok(outcome.runMs < 400, `${outcome.runMs}`)
  assert.is(pool.replaced, 0)
})

test('a deadline holds for a guest that uses data and then runs for ever', async () => {
  const store = new DataStore()
  const { pool, ask } = open(store, 400, FOR_EVER_MS)
  assert.is((await ask('lcounter')).failure?.code, 'GUEST_TIMEOUT')
  assert.is(pool.replaced, 1)
  assert.is((await ask('acounter')).failure, null)
})

test('an operation the loop has no time for is given up after 5 ms, and is never done', async () => {
  assert.is(DATA_WAIT_MS, 5)
  const store = new DataStore()
  const { ask } = open(store, FOR_EVER_MS, DATA_WAIT_MS)
  await ask('gk')
  const outcome = ask('pkey')
  // The item leaves in the check phase of this tick; from then on the loop answers nobody.
  await new Promise((resolve) => setImmediate(resolve))
  block(1_000)
  assert.is((await outcome).result - 100, Errno.unavailable)
  assert.equal(store.list('a'), [])
  assert.ok((await outcome).runMs < 800)
})

/** One thread with one item on its way, and what became of it. */
function laneWith(
  store: DataStore,
  what: string,
): { readonly lane: Lane; readonly outcome: Promise<GuestOutcome> } {
  const lane = new Lane(() => undefined, { store, waitMs: FOR_EVER_MS })
  const outcome = new Promise<GuestOutcome>((resolve) => {
    const sender = { onAnswered: () => undefined }
    const listener = { onOutcome: resolve }
    lane.enqueue(
      new QueuedItem(setupOf(), itemThat(what), 1_000, Number.MAX_VALUE, 0, 1, sender, listener),
    )
  })
  return { lane, outcome }
}

const killed = (): GatewayError => new GatewayError('GUEST_TIMEOUT', { ms: 1 })

test('a thread that is ended while its operation is done leaves the store usable', async () => {
  const store = new WatchedStore()
  const { lane, outcome } = laneWith(store, 'acounter')
  store.onExecute = () => void lane.end(killed)
  assert.is((await outcome).failure?.code, 'GUEST_TIMEOUT')
  store.onExecute = () => undefined
  // The operation was under way, so it is done; nobody has heard of it.
  assert.is(counterOf(store), 1)
  const next = laneWith(store, 'acounter')
  assert.is((await next.outcome).result, 102)
  await next.lane.close()
})

test('a thread that is ended before its operation was taken leaves no trace of it', async () => {
  const store = new DataStore()
  const { lane, outcome } = laneWith(store, 'acounter')
  await lane.ready
  await new Promise((resolve) => setImmediate(resolve))
  // Time for the thread to start the item and to ask; this loop does not answer.
  block(300)
  lane.end(killed)
  assert.is((await outcome).failure?.code, 'GUEST_TIMEOUT')
  assert.is(counterOf(store), 0)
  const next = laneWith(store, 'acounter')
  assert.is((await next.outcome).result, 101)
  await next.lane.close()
})

test('threads that are ended again and again among operations lose and double none', async () => {
  const store = new WatchedStore()
  const { pool, ask } = open(store, 1_000, FOR_EVER_MS)
  let done = 0
  let onAddition: () => void = () => undefined
  store.onExecute = ({ kind }) => {
    if (kind !== DataKind.addInteger) return
    done += 1
    onAddition()
  }
  await ask('ccounter')
  for (let round = 0; round < 9; round++) {
    const { lane, outcome } = laneWith(store, 'lcounter')
    // After another number of operations each time, and at another place of the loop's turn.
    let left = 1 + round * 20
    onAddition = () => {
      left -= 1
      if (left !== 0) return
      if (round % 3 === 0) lane.end(killed)
      else if (round % 3 === 1) setImmediate(() => lane.end(killed))
      else queueMicrotask(() => lane.end(killed))
    }
    assert.is((await outcome).failure?.code, 'GUEST_TIMEOUT')
    onAddition = () => undefined
    assert.is(counterOf(store), done)
    assert.is((await ask('acounter')).result, 100 + done)
  }
  assert.is(pool.replaced, 0)
})
