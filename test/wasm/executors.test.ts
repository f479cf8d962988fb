import { isGatewayError } from '../../host/errors.ts'
import {
  type Executor,
  FUEL_SAMPLE,
  type GuestOutcome,
  NOT_MEASURED,
  type PluginSetup,
} from '../../host/wasm/executor.ts'
import { InlineExecutor } from '../../host/wasm/inline-executor.ts'
import { GUEST_LIMITS } from '../../host/wasm/limits.ts'
import { gateModule } from '../../host/wasm/module/gate.ts'
import { ThreadPool } from '../../host/wasm/worker/thread-pool.ts'
import { WorkerExecutor } from '../../host/wasm/worker/worker-executor.ts'
import { FAILING_GUESTS } from '../support/failing-guests.ts'
import { until } from '../support/gateway.ts'
import { bodySize, did, itemThat, OBEDIENT } from '../support/obedient-guest.ts'
import { outcomeFrom } from '../support/outcome-from.ts'
import { assert, type Suite, suite } from '../support/suite.ts'
import { wat } from '../support/wat.ts'

/** Everything behind the contract of host/wasm/executor.ts; one table of tests holds for all. */
const EXECUTORS: readonly {
  readonly isolation: string
  readonly make: (
    setup: PluginSetup,
    logs: string[],
  ) => { executor: Executor; close: () => unknown }
}[] = [
  {
    isolation: 'inline',
    make(setup, logs) {
      const executor = new InlineExecutor(setup, (level, message, requestId) =>
        logs.push(`${level} ${message} ${requestId}`),
      )
      return { executor, close: () => executor.close() }
    },
  },
  {
    isolation: 'worker',
    make(setup, logs) {
      const pool = new ThreadPool(1, (line) =>
        logs.push(`${line.level} ${line.message} ${line.requestId}`),
      )
      const executor = new WorkerExecutor(setup, pool, {
        timeoutMs: 2_000,
        queueTimeoutMs: 10_000,
        queueLength: 1_024,
        maxConcurrency: 10,
      })
      return { executor, close: () => pool.close() }
    },
  },
]

let setups = 0

for (const { isolation, make } of EXECUTORS) {
  const test: Suite = suite(`wasm/executors ${isolation}`)
  const closers: (() => unknown)[] = []
  test.after(async () => {
    for (const close of closers) await close()
  })

  /** An executor of a gated module; what guests log goes to `logs`. */
  const start = (
    text: string,
    options: { fuel?: number; reset?: 'request'; logs?: string[]; abi?: string } = {},
  ): Executor => {
    setups += 1
    const { bytes } = gateModule(wat(text))
    const setup: PluginSetup = {
      id: setups,
      name: 'guest',
      abi: options.abi ?? 'penstock_v1',
      module: new WebAssembly.Module(Uint8Array.from(bytes)),
      parameters: new Map(),
      fuel: options.fuel ?? 20_000_000,
      data: 'guest',
      reset: options.reset ?? 'never',
    }
    const made = make(setup, options.logs ?? [])
    closers.push(made.close)
    return made.executor
  }
  const runAll = (executor: Executor, what: readonly string[]): Promise<GuestOutcome[]> =>
    Promise.all(what.map((does) => outcomeFrom(executor, itemThat(does))))

  test('answers every item with its own changes', async () => {
    const executor = start(OBEDIENT)
    await executor.start()
    const what = Array.from({ length: 200 }, (_, i) => `n${i}`)
    assert.equal((await runAll(executor, what)).map(did), what)
  })

  test('a trap fails its own item and no other', async () => {
    const outcomes = await runAll(start(OBEDIENT), ['a', 'trap', 'c'])
    assert.equal(outcomes.map(did), ['a', 'GUEST_TRAPPED', 'c'])
  })

  test('fuel ends a loop of instructions, of bulk instructions and of host calls', async () => {
    const what = ['a', 'loop', 'b', 'fill', 'c', 'host', 'd']
    const outcomes = await runAll(start(OBEDIENT), what)
    const dry = 'GUEST_FUEL'
    assert.equal(outcomes.map(did), ['a', dry, 'b', dry, 'c', dry, 'd'])
  })

  test('bytes 0x80 to 0xFF pass unchanged', async () => {
    const all = `n${String.fromCharCode(...Array.from({ length: 40 }, (_, i) => 0x80 + i * 3))}`
    assert.is(did(await outcomeFrom(start(OBEDIENT), itemThat(all))), all)
  })

  test('a local reply and a named result come back as what they are', async () => {
    const [replied, named] = await runAll(start(OBEDIENT), ['reply', '7'])
    assert.is(replied?.kind, 'replied')
    assert.is(named?.kind, 'result')
    assert.is(named?.result, 7)
  })

  test('a large answer arrives whole, and so do its neighbors', async () => {
    const outcomes = await runAll(start(OBEDIENT), ['a', 'big', 'c', 'big'])
    assert.equal(outcomes.map(bodySize), [0, 300_000, 0, 300_000])
    assert.equal(outcomes.map(did), ['a', 'big', 'c', 'big'])
  })

  test('a pointer outside the memory is a trap', async () => {
    const executor = start(`(module
      (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "penstock_on_request") (result i32)
        (call $id (i32.const 65530) (i32.const 100))))`)
    const outcome = await outcomeFrom(executor, itemThat('x'))
    assert.is(outcome.failure?.code, 'GUEST_TRAPPED')
    assert.match(outcome.failure?.message ?? '', /outside the memory/)
  })

  test('a guest sees its own writes, and memory that grew is still its memory', async () => {
    const executor = start(`(module
      (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
      (import "penstock_v1" "header_set" (func $set (param i32 i32 i32 i32) (result i32)))
      (import "penstock_v1" "header_get" (func $get (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1 4)
      (data (i32.const 0) "x-newvalue")
      (func (export "penstock_on_request") (result i32)
        (local $n i32)
        (local.set $n (call $id (i32.const 0) (i32.const 5)))
        (drop (memory.grow (i32.const 2)))
        (drop (call $set (i32.const 0) (local.get $n) (i32.const 5) (i32.const 5)))
        (call $get (i32.const 0) (local.get $n) (i32.const 100000) (i32.const 10))))`)
    assert.is((await outcomeFrom(executor, itemThat('x'))).result, 5)
  })

  test('memory grows to its limit and not further', async () => {
    const executor = start(`(module (memory (export "memory") 1)
      (func (export "penstock_on_request") (result i32)
        (if (i32.eq (memory.grow (i32.const 300)) (i32.const -1)) (then (return (i32.const 1))))
        (i32.const 2)))`)
    assert.is((await outcomeFrom(executor, itemThat('x'))).result, 1)
  })

  test('unbounded recursion is a trap of one request', async () => {
    const executor = start(`(module (memory (export "memory") 1)
      (func $f (param i32) (result i32) (i32.add (call $f (local.get 0)) (i32.const 1)))
      (func (export "penstock_on_request") (result i32) (call $f (i32.const 0))))`)
    const outcome = await outcomeFrom(executor, itemThat('x'))
    assert.ok(['GUEST_TRAPPED', 'GUEST_FUEL'].includes(outcome.failure?.code ?? ''))
  })

  test('memory and globals stay between calls, unless they are reset (X36)', async () => {
    const kept = await runAll(start(OBEDIENT), ['count', 'count', 'count'])
    assert.equal(
      kept.map((outcome) => outcome.result),
      [11, 22, 33],
    )
    const fresh = await runAll(start(OBEDIENT, { reset: 'request' }), ['count', 'count', 'count'])
    assert.equal(
      fresh.map((outcome) => outcome.result),
      [11, 11, 11],
    )
  })

  test('an instance whose memory grew is replaced where every call wants a fresh one', async () => {
    const executor = start(
      `(module (memory (export "memory") 1)
      (func (export "penstock_on_request") (result i32)
        (local $pages i32)
        (local.set $pages (memory.size))
        (drop (memory.grow (i32.const 1)))
        (local.get $pages)))`,
      { reset: 'request' },
    )
    const outcomes = await runAll(executor, ['a', 'b', 'c'])
    assert.equal(
      outcomes.map((outcome) => outcome.result),
      [1, 1, 1],
    )
  })

  test('a module that traps, loops or refuses at its start does not start', async () => {
    const broken: [string, RegExp][] = [
      ['(func (export "_initialize") unreachable)', /unreachable/],
      ['(func (export "_initialize") (loop $l (br $l)))', /out of fuel/],
      ['(func $s (loop $l (br $l))) (start $s)', /out of fuel/],
      ['(func (export "penstock_configure") (result i32) (i32.const 3))', /configure returned 3/],
    ]
    for (const [code, message] of broken) {
      const executor = start(
        `(module (memory (export "memory") 1) ${code} (func (export "penstock_on_request") (result i32) (i32.const 0)))`,
      )
      try {
        await executor.start()
        assert.unreachable(`it started: ${code}`)
      } catch (error) {
        assert.ok(isGatewayError(error, 'GUEST_START'), String(error))
        assert.match((error as Error).message, message)
      }
    }
  })

  test('log lines come with their level and the id of the request', async () => {
    const logs: string[] = []
    const executor = start(OBEDIENT, { logs })
    await outcomeFrom(executor, itemThat('greetings'))
    // From a thread a line travels as a message of its own: the next answer comes after it.
    await outcomeFrom(executor, itemThat('a'))
    assert.equal(logs, ['1 greetings r-1'])
  })

  test('the fuel of one call in sixteen is measured, and instances are counted', async () => {
    const executor = start(OBEDIENT)
    await executor.start()
    const outcomes = await runAll(
      executor,
      Array.from({ length: 64 }, () => 'a'),
    )
    const measured = outcomes.map(({ fuel }) => fuel).filter((fuel) => fuel !== NOT_MEASURED)
    assert.is(measured.length, 64 / FUEL_SAMPLE)
    assert.ok(
      measured.every((fuel) => fuel > 20 && fuel < 10_000),
      String(measured),
    )
    const { instances, memoryBytes } = executor.status()
    assert.equal([instances, memoryBytes], [1, 8 * 65_536])
    await runAll(executor, ['trap'])
    await until(() => executor.status().instances === 0, 'it is known that the instance is gone')
  })

  for (const { what, body, code, message } of FAILING_GUESTS) {
    test(`a guest that ${what} is ${code}, and the next call is a call like any other`, async () => {
      const executor = start(
        `(module (memory (export "memory") 1) (global $calls (mut i32) (i32.const 0))
        (func (export "penstock_on_request") (result i32)
          (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
          ${body}))`,
        { fuel: 100_000 },
      )
      await executor.start()
      for (let i = 0; i < 2; i++) {
        const { kind, failure, changes } = await outcomeFrom(executor, itemThat('x'))
        assert.equal([kind, failure?.code, changes], ['failed', code, null])
        assert.match(failure?.message ?? '', message)
      }
    })
  }

  test('a guest of Easegress that returns what is no result is GUEST_RESULT', async () => {
    for (const value of [-1, -5, 10, 0x7fff_ffff]) {
      const executor = start(
        `(module (memory (export "memory") 1)
        (func (export "wasm_alloc") (param i32) (result i32) (i32.const 1024))
        (func (export "wasm_free") (param i32))
        (func (export "wasm_run") (result i32) (i32.const ${value})))`,
        { abi: 'easegress' },
      )
      const { failure } = await outcomeFrom(executor, itemThat('x'))
      assert.equal([failure?.code, failure?.params], ['GUEST_RESULT', { value }])
    }
  })

  test('a guest that has replied may return what it likes', async () => {
    const executor = start(`(module
      (import "penstock_v1" "reply" (func $reply (param i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "penstock_on_request") (result i32)
        (drop (call $reply (i32.const 403) (i32.const 0) (i32.const 0))) (i32.const -2)))`)
    assert.is((await outcomeFrom(executor, itemThat('x'))).kind, 'replied')
  })

  test('what is under way when it is closed is answered, and what comes after it is not run', async () => {
    const logs: string[] = []
    const executor = start(OBEDIENT, { logs })
    await executor.start()
    const before = outcomeFrom(executor, itemThat('greetings'))
    const closed = executor.close()
    const after = outcomeFrom(executor, itemThat('a'))
    assert.is(did(await before), 'greetings')
    assert.is(did(await after), 'GUEST_CLOSED')
    await closed
    assert.equal([logs, executor.status().instances], [['1 greetings r-1'], 0])
  })

  test('a guest writes so many log lines a second and no more', async () => {
    const logs: string[] = []
    const executor = start(OBEDIENT, { logs })
    await executor.start()
    const limit = GUEST_LIMITS.logLinesPerSecond
    await runAll(
      executor,
      Array.from({ length: limit + 100 }, () => 'g'),
    )
    await runAll(executor, ['a'])
    assert.ok(logs.length > limit / 2 && logs.length < limit + 100, String(logs.length))
    assert.ok(logs.some((line) => line.includes('log lines in a second')))
  })
}
