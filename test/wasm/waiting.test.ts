import { isGatewayError } from '../../host/errors.ts'
import { Headers } from '../../host/exchange/headers.ts'
import type { Executor, GuestOutcome, PluginSetup } from '../../host/wasm/executor.ts'
import { LOCAL_GRANT } from '../../host/wasm/grant/grant.ts'
import { Phase } from '../../host/wasm/guest-input.ts'
import { gateModule } from '../../host/wasm/module/gate.ts'
import type { GuestAnswer, GuestAsk } from '../../host/wasm/outbound/guest-ask.ts'
import type { GuestServices } from '../../host/wasm/outbound/guest-services.ts'
import { WaitingInlineExecutor } from '../../host/wasm/waiting-inline-executor.ts'
import { ThreadPool } from '../../host/wasm/worker/thread-pool.ts'
import { WorkerExecutor } from '../../host/wasm/worker/worker-executor.ts'
import { ASKING_GUEST } from '../support/asking-guest.ts'
import { FAILING_GUESTS } from '../support/failing-guests.ts'
import { until } from '../support/gateway.ts'
import { did, itemThat, OBEDIENT } from '../support/obedient-guest.ts'
import { outcomeFrom } from '../support/outcome-from.ts'
import { assert, type Suite, suite } from '../support/suite.ts'
import { wat } from '../support/wat.ts'

type Answer = (ask: GuestAsk) => Promise<GuestAnswer>

const BYTES = new Uint8Array(0)

/** Answers after `ms` with 200, or with the argument of a function. */
const after =
  (ms: number): Answer =>
  async (ask) => {
    await new Promise((resolve) => setTimeout(resolve, ms).unref())
    if (ask.kind === 'function') return { code: 0, head: '', body: ask.argument }
    return { code: 200, head: '', body: BYTES }
  }

const servicesOf = (answer: Answer, denied: string[] = []): GuestServices => ({
  calls: { call: (_, ask) => answer(ask) },
  denied: (_, denials) => void denied.push(...denials.map(([what, count]) => `${what} ${count}`)),
})

interface Made {
  readonly executor: Executor
  readonly close: () => unknown
  /** A plain guest beside it, on the same thread where there is one. */
  readonly beside: (setup: PluginSetup) => Executor
}

const LIMITS = { queueTimeoutMs: 20_000, queueLength: 1_024 }

/** Every executor holds the same promises about guests that wait. */
const EXECUTORS: readonly {
  readonly isolation: string
  readonly make: (setup: PluginSetup, services: GuestServices) => Made
}[] = [
  {
    isolation: 'inline',
    make(setup, services) {
      const options = { ...LIMITS, maxConcurrency: setup.instances ?? 1 }
      const make = (one: PluginSetup): Executor =>
        new WaitingInlineExecutor(one, options, () => undefined, undefined, undefined, services)
      const executor = make(setup)
      return { executor, close: () => executor.close(), beside: make }
    },
  },
  {
    isolation: 'worker',
    make(setup, services) {
      const pool = new ThreadPool(1, () => undefined, undefined, undefined, services)
      const options = { ...LIMITS, timeoutMs: 2_000, maxConcurrency: 64 }
      const make = (one: PluginSetup): Executor => new WorkerExecutor(one, pool, options)
      return { executor: make(setup), close: () => pool.close(), beside: make }
    },
  },
]

let setups = 0

function setupOf(text: string, more: Partial<PluginSetup> = {}): PluginSetup {
  setups += 1
  return {
    id: setups,
    name: 'guest',
    abi: 'penstock_v1',
    module: new WebAssembly.Module(Uint8Array.from(gateModule(wat(text)).bytes)),
    parameters: new Map(),
    fuel: 20_000_000,
    data: null,
    reset: 'never',
    ...more,
  }
}

const asking = (more: Partial<PluginSetup> = {}): PluginSetup =>
  setupOf(ASKING_GUEST, {
    canWait: true,
    instances: 64,
    grant: { ...LOCAL_GRANT, outbound: ['*'], functions: ['echo'] },
    ...more,
  })

/** Waits in the response phase, then tells what its messages say: fields of both, and the path. */
const LATE_READER = `(module
  (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
  (import "penstock_v1" "header_get" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "penstock_v1" "header_add" (func $add (param i32 i32 i32 i32) (result i32)))
  (import "penstock_v1" "field_get" (func $field (param i32 i32 i32) (result i32)))
  (import "penstock_v1" "http_call" (func $http (param i32 i32 i32 i32 f64) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "x-sentx-gotGET http://a/")
  (func $tell (param $message i32) (param $name i32)
    (drop (call $add (i32.const 1) (local.get $name) (i32.const 64)
      (call $get (local.get $message) (local.get $name) (i32.const 64) (i32.const 64)))))
  (func (export "penstock_on_response") (result i32)
    (drop (call $http (i32.const 11) (i32.const 13) (i32.const 0) (i32.const 0) (f64.const 0)))
    (call $tell (i32.const 0) (call $id (i32.const 0) (i32.const 6)))
    (call $tell (i32.const 1) (call $id (i32.const 6) (i32.const 5)))
    (drop (call $add (i32.const 1) (call $id (i32.const 0) (i32.const 6)) (i32.const 64)
      (call $field (i32.const 1) (i32.const 64) (i32.const 64))))
    (i32.const 0)))`

for (const { isolation, make } of EXECUTORS) {
  const test: Suite = suite(`wasm/waiting ${isolation}`, { timeoutMs: 60_000 })
  const closers: (() => unknown)[] = []
  test.after(async () => {
    for (const close of closers) await close()
  })

  const open = (answer: Answer, setup: PluginSetup = asking(), denied: string[] = []): Made => {
    const made = make(setup, servicesOf(answer, denied))
    closers.push(made.close)
    return made
  }
  const runAll = (executor: Executor, what: readonly string[]): Promise<GuestOutcome[]> =>
    Promise.all(what.map(async (does) => await outcomeFrom(executor, itemThat(does))))

  test('a guest goes on with the answer, and one that asks nothing does not wait', async () => {
    const { executor } = open(after(5))
    await executor.start()
    const outcomes = await runAll(executor, ['host', 'nothing', 'f123'])
    assert.equal(
      outcomes.map((one) => one.failure?.message ?? one.result),
      [200, 5, 104],
    )
  })

  test('64 requests that each wait a second are done together, and waiting is no running', async () => {
    const { executor, beside } = open(after(1_000))
    await executor.start()
    const plain = beside(setupOf(OBEDIENT))
    await plain.start()
    const startedAt = performance.now()
    const waiting = runAll(
      executor,
      Array.from({ length: 64 }, (_, i) => `h${i}`),
    )
    // Others are served by the same thread meanwhile.
    const others = await runAll(plain, ['a', 'b', 'c'])
    assert.equal(others.map(did), ['a', 'b', 'c'])
    const outcomes = await waiting
    assert.ok(performance.now() - startedAt < 30_000, `${performance.now() - startedAt} ms`)
    assert.equal([...new Set(outcomes.map((one) => one.failure?.message ?? one.result))], [200])
    assert.is(executor.status().instances, 64)
    for (const { runMs } of outcomes) assert.ok(runMs < 800, `${runMs} ms of running`)
  })

  test('what a guest wrote before it waited is its own', async () => {
    const { executor } = open(after(20))
    const what = Array.from({ length: 20 }, (_, i) => `s${i}`)
    const outcomes = await runAll(executor, what)
    assert.equal(
      outcomes.map(({ changes }) => changes?.valueAt(0)),
      what,
    )
  })

  test('what a guest looks at after it waited is of its own request and response', async () => {
    const setup = setupOf(LATE_READER, {
      canWait: true,
      instances: 64,
      grant: { ...LOCAL_GRANT, outbound: ['*'] },
    })
    const { executor } = open(after(20), setup)
    const numbers = Array.from({ length: 20 }, (_, i) => i)
    const outcomes = await Promise.all(
      numbers.map((i) =>
        outcomeFrom(executor, {
          ...itemThat(''),
          phase: Phase.response,
          path: `/path-${i}`,
          requestHeaders: Headers.fromLines(`x-sent: sent-${i}\r\n`),
          status: 200,
          responseHeaders: Headers.fromLines(`x-got: got-${i}\r\n`),
        }),
      ),
    )
    assert.equal(
      outcomes.map(({ changes }) => changes?.entries().map(([, name, value]) => [name, value])),
      numbers.map((i) => [
        ['x-sent', `sent-${i}`],
        ['x-got', `got-${i}`],
        ['x-sent', `/path-${i}`],
      ]),
    )
  })

  test('no more wait at once than there may be instances', async () => {
    let now = 0
    let most = 0
    const { executor } = open(
      async (ask) => {
        now += 1
        most = Math.max(most, now)
        const answer = await after(20)(ask)
        now -= 1
        return answer
      },
      asking({ instances: 2 }),
    )
    const outcomes = await runAll(executor, ['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'h7'])
    assert.equal([...new Set(outcomes.map((one) => one.result))], [200])
    assert.is(most, 2)
  })

  test('a trap and running dry after the answer end that request alone', async () => {
    const { executor } = open(after(5))
    const outcomes = await runAll(executor, ['h1', 'trap', 'h2', 'loop', 'recurse', 'h3'])
    assert.equal(
      outcomes.map((one) => one.failure?.code ?? String(one.result)),
      ['200', 'GUEST_TRAPPED', '200', 'GUEST_FUEL', 'GUEST_TRAPPED', '200'],
    )
    assert.equal(
      (await runAll(executor, ['h4', 'h5'])).map((one) => one.result),
      [200, 200],
    )
  })

  for (const { what, body, code, message } of FAILING_GUESTS) {
    test(`a guest that ${what} after the answer is ${code}`, async () => {
      const setup = setupOf(
        `(module
        (import "penstock_v1" "http_call" (func $http (param i32 i32 i32 i32 f64) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "GET http://a/")
        (func (export "penstock_on_request") (result i32)
          (drop (call $http (i32.const 0) (i32.const 13) (i32.const 0) (i32.const 0) (f64.const 0)))
          ${body}))`,
        { canWait: true, instances: 2, grant: { ...LOCAL_GRANT, outbound: ['*'] }, fuel: 100_000 },
      )
      const { executor } = open(after(1), setup)
      for (let i = 0; i < 2; i++) {
        const { kind, failure } = await outcomeFrom(executor, itemThat('x'))
        assert.equal([kind, failure?.code], ['failed', code])
        assert.match(failure?.message ?? '', message)
      }
    })
  }

  test('what is not granted is an error to the guest, and is told', async () => {
    const denied: string[] = []
    const setup = asking({ grant: LOCAL_GRANT })
    const { executor } = open(after(5), setup, denied)
    const outcomes = await runAll(executor, ['h1', 'f2'])
    assert.equal(
      outcomes.map((one) => one.failure?.message ?? one.result),
      [1003, 1003],
    )
    // From a thread it travels as a message of its own: the next answer comes after it.
    await runAll(executor, ['nothing'])
    assert.equal(denied, ['outbound 1', 'functions echo 1'])
  })

  test('nobody waits at a start', async () => {
    const setup = setupOf(
      `(module
        (import "penstock_v1" "http_call" (func $http (param i32 i32 i32 i32 f64) (result i32)))
        (memory (export "memory") 1)
        (func (export "penstock_configure") (result i32)
          (call $http (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0) (f64.const 0)))
        (func (export "penstock_on_request") (result i32) (i32.const 0)))`,
      { canWait: true, grant: { ...LOCAL_GRANT, outbound: ['*'] } },
    )
    const { executor } = open(after(5), setup)
    try {
      await executor.start()
      assert.unreachable('it started')
    } catch (error) {
      assert.ok(isGatewayError(error, 'GUEST_START'), String(error))
      assert.match(error.message, /cannot wait for an answer while it starts/)
    }
  })
}

const test = suite('wasm/waiting in a thread that is ended', { timeoutMs: 60_000 })

test('what waits in it is lost, and nothing else', async () => {
  let asked = 0
  const services = servicesOf((ask) => {
    asked += 1
    return after(asked > 3 ? 5 : 60_000)(ask)
  })
  const pool = new ThreadPool(1, () => undefined, undefined, undefined, services)
  const options = { ...LIMITS, timeoutMs: 1_000, maxConcurrency: 64 }
  const waits = new WorkerExecutor(asking({ instances: 3 }), pool, options)
  const plain = new WorkerExecutor(setupOf(OBEDIENT, { fuel: 1e12 }), pool, options)
  await waits.start()
  await plain.start()
  const lost = ['h1', 'h2', 'h3', 'h4'].map((does) => outcomeFrom(waits, itemThat(does)))
  await until(() => asked === 3, 'three guests wait')
  const loop = outcomeFrom(plain, itemThat('loop'))
  const next = outcomeFrom(plain, itemThat('b'))
  assert.is(did(await loop), 'GUEST_TIMEOUT')
  assert.is(did(await next), 'b')
  const outcomes = await Promise.all(lost)
  assert.equal(
    outcomes.map((one) => one.failure?.code ?? String(one.result)),
    ['GUEST_TRAPPED', 'GUEST_TRAPPED', 'GUEST_TRAPPED', '200'],
  )
  assert.match(outcomes[0]?.failure?.message ?? '', /thread it waited in/)
  assert.is(pool.replaced, 1)
  await pool.close()
})
