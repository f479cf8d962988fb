import { GatewayError, isGatewayError } from '../../../host/errors.ts'
import type { GuestOutcome, PluginSetup } from '../../../host/wasm/executor.ts'
import { ThreadPool } from '../../../host/wasm/worker/thread-pool.ts'
import { WorkerExecutor } from '../../../host/wasm/worker/worker-executor.ts'
import { did, itemThat, OBEDIENT } from '../../support/obedient-guest.ts'
import { outcomeFrom } from '../../support/outcome-from.ts'
import { assert, suite } from '../../support/suite.ts'
import { wat } from '../../support/wat.ts'

const test = suite('wasm/worker/worker-executor')

const pools: ThreadPool[] = []
let setups = 0

interface Options {
  readonly timeoutMs?: number
  readonly queueTimeoutMs?: number
  readonly queueLength?: number
  readonly threads?: number
  readonly logs?: string[]
  readonly refusal?: () => GatewayError | null
}

function executor(
  text: string,
  options: Options = {},
): { executor: WorkerExecutor; pool: ThreadPool } {
  const pool = new ThreadPool(options.threads ?? 1, (line) => options.logs?.push(line.message))
  pools.push(pool)
  setups += 1
  const setup: PluginSetup = {
    id: setups,
    name: 'obedient',
    abi: 'penstock_v1',
    module: new WebAssembly.Module(new Uint8Array(wat(text))),
    parameters: new Map(),
    fuel: 1_000_000_000,
    data: null,
    reset: 'never',
  }
  const made = new WorkerExecutor(setup, pool, {
    timeoutMs: options.timeoutMs ?? 500,
    queueTimeoutMs: options.queueTimeoutMs ?? 20_000,
    queueLength: options.queueLength ?? 1_024,
    maxConcurrency: 10,
    refusal: options.refusal ?? (() => null),
  })
  return { executor: made, pool }
}

test.after(async () => {
  await Promise.all(pools.map((pool) => pool.close()))
})

test('a guest past its time fails alone; nothing that started runs twice', async () => {
  const { executor: one, pool } = executor(OBEDIENT)
  await one.start()
  const texts = ['a', 'b', 'loop', 'd', 'loop', 'e']
  const outcomes = await Promise.all(texts.map((text) => outcomeFrom(one, itemThat(text))))
  assert.equal(outcomes.map(did), ['a', 'b', 'GUEST_TIMEOUT', 'd', 'GUEST_TIMEOUT', 'e'])
  assert.is(pool.replaced, 2)
  assert.is(one.status().calls, 6)
})

test('a body that does not fit in the shared memory reaches the guest', async () => {
  const { executor: one } = executor(`(module
    (import "penstock_v1" "body_size" (func $size (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "penstock_on_request") (result i32)
      (i32.div_u (call $size (i32.const 0)) (i32.const 1000))))`)
  const large = { ...itemThat('x'), requestBody: new Uint8Array(400_000) }
  const small = { ...itemThat('x'), requestBody: new Uint8Array(9_000) }
  const outcomes = await Promise.all([large, small, large].map((one_) => outcomeFrom(one, one_)))
  assert.equal(
    outcomes.map((outcome) => outcome.result),
    [400, 9, 400],
  )
})

test('items beyond the queue are refused, and so are those that wait too long', async () => {
  const { executor: short } = executor(OBEDIENT, { queueLength: 2 })
  const refused = await Promise.all(
    ['a', 'b', 'c'].map((text) => outcomeFrom(short, itemThat(text))),
  )
  assert.equal(refused.map(did), ['a', 'b', 'GUEST_QUEUE_FULL'])
  const { executor: late } = executor(OBEDIENT, { queueTimeoutMs: 20, timeoutMs: 2_000 })
  await late.start()
  const running = outcomeFrom(late, itemThat('loop'))
  // The loop has the thread; what comes a tick later waits behind it.
  await new Promise((resolve) => setTimeout(resolve, 5))
  const waiting = outcomeFrom(late, itemThat('b'))
  assert.is(did(await waiting), 'GUEST_QUEUE_FULL')
  assert.is(did(await running), 'GUEST_TIMEOUT')
})

test('a module that traps, loops or refuses at its start does not start', async () => {
  const broken: [string, RegExp][] = [
    ['(func (export "_initialize") unreachable)', /unreachable/],
    ['(func (export "_initialize") (loop $l (br $l)))', /longer than 1000 ms/],
    ['(func (export "penstock_configure") (result i32) (i32.const 3))', /configure returned 3/],
  ]
  for (const [code, message] of broken) {
    const { executor: one } = executor(
      `(module (memory (export "memory") 1) ${code} (func (export "penstock_on_request") (result i32) (i32.const 0)))`,
    )
    try {
      await one.start()
      assert.unreachable('it started')
    } catch (error) {
      assert.ok(isGatewayError(error, 'GUEST_START'), String(error))
      assert.match((error as Error).message, message)
    }
  }
})

test('a thread that is busy does not hold up the other', async () => {
  const { executor: one } = executor(OBEDIENT, { threads: 2, timeoutMs: 3_000 })
  await one.start()
  const order: string[] = []
  const note = (outcome: GuestOutcome): void => void order.push(did(outcome))
  const slow = outcomeFrom(one, itemThat('loop')).then(note)
  await new Promise((resolve) => setTimeout(resolve, 100))
  await outcomeFrom(one, itemThat('a')).then(note)
  await slow
  assert.equal(order, ['a', 'GUEST_TIMEOUT'])
})

test('after three traps in a row the rest of the batch is given back, and runs once', async () => {
  const { executor: one, pool } = executor(OBEDIENT)
  await one.start()
  // All of one tick: they travel together.
  const what = ['trap', 'trap', 'trap', 'count', 'trap', 'count', 'a']
  const outcomes = await Promise.all(what.map((text) => outcomeFrom(one, itemThat(text))))
  const trapped = 'GUEST_TRAPPED'
  assert.equal(outcomes.map(did), [trapped, trapped, trapped, 'count', trapped, 'count', 'a'])
  assert.equal([outcomes[3]?.result, outcomes[5]?.result], [11, 11], 'a new instance each time')
  assert.is(pool.replaced, 0)
})

test('what waited and ran is measured, and so is the fuel of some calls', async () => {
  const { executor: one } = executor(OBEDIENT)
  await one.start()
  const outcomes = await Promise.all(
    Array.from({ length: 40 }, () => outcomeFrom(one, itemThat('a'))),
  )
  assert.ok(outcomes.every(({ queueMs, runMs }) => queueMs > 0 && runMs >= 0))
  const { instances, memoryBytes } = one.status()
  assert.equal([instances, memoryBytes], [1, 8 * 65_536])
})

test('items that wait while their version is suspended are answered without being run', async () => {
  let traps = 0
  const { executor: one } = executor(OBEDIENT, {
    refusal: () => (traps >= 6 ? new GatewayError('GUEST_SUSPENDED', { plugin: 'p' }) : null),
  })
  await one.start()
  const outcomes = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const outcome = await outcomeFrom(one, itemThat('trap'))
      if (did(outcome) === 'GUEST_TRAPPED') traps += 1
      return did(outcome)
    }),
  )
  assert.is(outcomes.filter((code) => code === 'GUEST_TRAPPED').length, 6)
  assert.is(outcomes.filter((code) => code === 'GUEST_SUSPENDED').length, 194)
})
