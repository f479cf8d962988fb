import { isGatewayError } from '../../../host/errors.ts'
import { Change } from '../../../host/wasm/change-log.ts'
import type { GuestItem, GuestOutcome, PluginSetup } from '../../../host/wasm/executor.ts'
import { Phase } from '../../../host/wasm/guest-call.ts'
import { ThreadPool } from '../../../host/wasm/worker/thread-pool.ts'
import { WorkerExecutor } from '../../../host/wasm/worker/worker-executor.ts'
import { assert, suite } from '../../support/suite.ts'
import { wat } from '../../support/wat.ts'

const test = suite('wasm/worker/worker-executor')

/**
 * Does what the header `do` says: "loop" runs for ever, "trap" traps, "reply" answers by itself, "big"
 * sets a body of 300,000 bytes, anything else sets `x-did` to what it said.
 */
const OBEDIENT = `(module
  (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
  (import "penstock_v1" "header_get" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "penstock_v1" "header_set" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "penstock_v1" "body_set" (func $body (param i32 i32 i32) (result i32)))
  (import "penstock_v1" "reply" (func $reply (param i32 i32 i32) (result i32)))
  (import "penstock_v1" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 8)
  (data (i32.const 0) "dox-did")
  (global $do (mut i32) (i32.const 0))
  (global $did (mut i32) (i32.const 0))
  (func (export "_initialize")
    (global.set $do (call $id (i32.const 0) (i32.const 2)))
    (global.set $did (call $id (i32.const 2) (i32.const 5))))
  (func (export "penstock_on_request") (result i32)
    (local $n i32)
    (local.set $n (call $get (i32.const 0) (global.get $do) (i32.const 64) (i32.const 64)))
    (if (i32.eq (i32.load8_u (i32.const 64)) (i32.const 108)) (then (loop $l (br $l))))
    (if (i32.eq (i32.load8_u (i32.const 64)) (i32.const 116)) (then unreachable))
    (if (i32.eq (i32.load8_u (i32.const 64)) (i32.const 114))
      (then (drop (call $reply (i32.const 401) (i32.const 64) (local.get $n)))))
    (if (i32.eq (i32.load8_u (i32.const 64)) (i32.const 98))
      (then (drop (call $body (i32.const 0) (i32.const 128) (i32.const 300000)))))
    (if (i32.eq (i32.load8_u (i32.const 64)) (i32.const 103))
      (then (call $log (i32.const 1) (i32.const 64) (local.get $n))))
    (drop (call $set (i32.const 0) (global.get $did) (i32.const 64) (local.get $n)))
    (if (i32.eq (i32.load8_u (i32.const 64)) (i32.const 55)) (then (return (i32.const 7))))
    (i32.const 0)))`

const pools: ThreadPool[] = []
let setups = 0

interface Options {
  readonly timeoutMs?: number
  readonly queueTimeoutMs?: number
  readonly queueLength?: number
  readonly threads?: number
  readonly logs?: string[]
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
    module: new WebAssembly.Module(new Uint8Array(wat(text))),
    parameters: new Map(),
    fuel: 1_000_000_000,
    reset: 'never',
  }
  const made = new WorkerExecutor(setup, pool, {
    timeoutMs: options.timeoutMs ?? 60,
    queueTimeoutMs: options.queueTimeoutMs ?? 5_000,
    queueLength: options.queueLength ?? 1_024,
    maxConcurrency: 10,
  })
  return { executor: made, pool }
}

function item(what: string): GuestItem {
  return {
    phase: Phase.request,
    method: 'GET',
    path: '/',
    query: '',
    scheme: 'http',
    host: 'localhost',
    clientAddress: '127.0.0.1',
    route: 'demo',
    requestId: 'r-1',
    protocol: '1.1',
    requestHeaders: ['accept', '*/*', 'Do', what],
    requestBody: null,
    status: 0,
    responseHeaders: null,
    responseBody: null,
    context: null,
  }
}

function did(outcome: GuestOutcome): string {
  const at = outcome.changes?.kinds.indexOf(Change.requestHeaderSet) ?? -1
  return String(outcome.changes?.values[at] ?? outcome.failure?.code)
}

test.after(async () => {
  await Promise.all(pools.map((pool) => pool.close()))
})

test('answers every item of a tick with its own changes', async () => {
  const { executor: one } = executor(OBEDIENT)
  await one.start()
  const said = Array.from({ length: 200 }, (_, i) => `n${i}`)
  const outcomes = await Promise.all(said.map((text) => one.submit(item(text))))
  assert.equal(outcomes.map(did), said)
})

test('a trap fails its own item and no other', async () => {
  const { executor: one } = executor(OBEDIENT)
  const outcomes = await Promise.all(['a', 'trap', 'c'].map((text) => one.submit(item(text))))
  assert.equal(outcomes.map(did), ['a', 'GUEST_TRAPPED', 'c'])
})

test('a guest past its time fails alone; nothing that started runs twice', async () => {
  const { executor: one, pool } = executor(OBEDIENT)
  await one.start()
  const texts = ['a', 'b', 'loop', 'd', 'loop', 'f']
  const outcomes = await Promise.all(texts.map((text) => one.submit(item(text))))
  assert.equal(outcomes.map(did), ['a', 'b', 'GUEST_TIMEOUT', 'd', 'GUEST_TIMEOUT', 'f'])
  assert.is(pool.replaced, 2)
  assert.is(one.status().calls, 6)
})

test('bytes 0x80 to 0xFF pass unchanged', async () => {
  const { executor: one } = executor(OBEDIENT)
  const all = `n${String.fromCharCode(...Array.from({ length: 40 }, (_, i) => 0x80 + i * 3))}`
  assert.is(did(await one.submit(item(all))), all)
})

test('a local reply and a named result come back as what they are', async () => {
  const { executor: one } = executor(OBEDIENT)
  const [replied, named] = await Promise.all([one.submit(item('reply')), one.submit(item('7'))])
  assert.is(replied.kind, 'replied')
  assert.is(named.kind, 'result')
  assert.is(named.result, 7)
})

test('an answer larger than the shared memory arrives whole, and so do its neighbors', async () => {
  const { executor: one } = executor(OBEDIENT)
  const outcomes = await Promise.all(['a', 'big', 'c', 'big'].map((text) => one.submit(item(text))))
  const size = (outcome: GuestOutcome): number => {
    const at = outcome.changes?.kinds.indexOf(Change.requestBody) ?? -1
    return outcome.changes?.values[at]?.length ?? 0
  }
  assert.equal(outcomes.map(size), [0, 300_000, 0, 300_000])
  assert.equal(outcomes.map(did), ['a', 'big', 'c', 'big'])
})

test('a body that does not fit in the shared memory reaches the guest', async () => {
  const { executor: one } = executor(`(module
    (import "penstock_v1" "body_size" (func $size (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "penstock_on_request") (result i32)
      (i32.div_u (call $size (i32.const 0)) (i32.const 1000))))`)
  const large = { ...item('x'), requestBody: new Uint8Array(400_000) }
  const small = { ...item('x'), requestBody: new Uint8Array(9_000) }
  const outcomes = await Promise.all([large, small, large].map((one_) => one.submit(one_)))
  assert.equal(
    outcomes.map((outcome) => outcome.result),
    [400, 9, 400],
  )
})

test('items beyond the queue are refused, and so are those that wait too long', async () => {
  const { executor: short } = executor(OBEDIENT, { queueLength: 2 })
  const refused = await Promise.all(['a', 'b', 'c'].map((text) => short.submit(item(text))))
  assert.equal(refused.map(did), ['a', 'b', 'GUEST_QUEUE_FULL'])
  const { executor: late } = executor(OBEDIENT, { queueTimeoutMs: 20, timeoutMs: 200 })
  await late.start()
  const running = late.submit(item('loop'))
  // The loop has the thread; what comes a tick later waits behind it.
  await new Promise((resolve) => setTimeout(resolve, 5))
  const waiting = late.submit(item('b'))
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

test('a pointer outside the memory is a trap', async () => {
  const { executor: one } = executor(`(module
    (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "penstock_on_request") (result i32)
      (call $id (i32.const 65530) (i32.const 100))))`)
  const outcome = await one.submit(item('x'))
  assert.is(outcome.failure?.code, 'GUEST_TRAPPED')
  assert.match(outcome.failure?.message ?? '', /outside the memory/)
})

test('a guest sees its own writes, and memory that grew is still its memory', async () => {
  const { executor: one } = executor(`(module
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
  assert.is((await one.submit(item('x'))).result, 5)
})

test('log lines reach the event loop with their level', async () => {
  const logs: string[] = []
  const { executor: one } = executor(OBEDIENT, { logs })
  await one.submit(item('greetings'))
  // The line travels as a message of its own: the next answer comes after it.
  await one.submit(item('a'))
  assert.equal(logs, ['greetings'])
})

test('a thread that is busy does not hold up the other', async () => {
  const { executor: one } = executor(OBEDIENT, { threads: 2, timeoutMs: 300 })
  await one.start()
  const slow = one.submit(item('loop'))
  await new Promise((resolve) => setTimeout(resolve, 20))
  const startedAt = performance.now()
  assert.is(did(await one.submit(item('a'))), 'a')
  assert.ok(performance.now() - startedAt < 250, 'the other thread was free')
  assert.is(did(await slow), 'GUEST_TIMEOUT')
})
