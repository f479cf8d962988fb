import { LOCAL_GRANT } from '../../../host/wasm/grant/grant.ts'
import { InlineExecutor } from '../../../host/wasm/inline-executor.ts'
import { gateModule } from '../../../host/wasm/module/gate.ts'
import type { GuestAsk } from '../../../host/wasm/outbound/guest-ask.ts'
import { OUTBOUND_LIMITS } from '../../../host/wasm/outbound/outbound-limits.ts'
import { WaitingInlineExecutor } from '../../../host/wasm/waiting-inline-executor.ts'
import { itemThat } from '../../support/obedient-guest.ts'
import { outcomeFrom } from '../../support/outcome-from.ts'
import { assert, suite } from '../../support/suite.ts'
import { wat } from '../../support/wat.ts'

const test = suite('wasm/outbound/guest-calls')

const asked: GuestAsk[] = []

/** Runs a body of `penstock_on_request` that may call; what it returns, or why it failed. */
async function run(body: string): Promise<string> {
  const { bytes } = gateModule(
    wat(`(module
      (import "penstock_v1" "http_call" (func $http (param i32 i32 i32 i32 f64) (result i32)))
      (import "penstock_v1" "answer_get" (func $get (param i32 i32 i32) (result i32)))
      (import "penstock_v1" "answer_head" (func $head (param i32 i32) (result i32)))
      (memory (export "memory") 32)
      (data (i32.const 0) "GET http://a.org/")
      (func $call (param $head i32) (param $body i32) (param $timeout f64) (result i32)
        (call $http (i32.const 0) (local.get $head) (i32.const 64) (local.get $body) (local.get $timeout)))
      (func (export "penstock_on_request") (result i32) (local $i i32) (local $code i32)
        ${body}))`),
  )
  const executor = new WaitingInlineExecutor(
    {
      id: 1,
      name: 'guest',
      abi: 'penstock_v1',
      module: new WebAssembly.Module(Uint8Array.from(bytes)),
      parameters: new Map(),
      fuel: 20_000_000,
      data: null,
      reset: 'never',
      canWait: true,
      grant: { ...LOCAL_GRANT, outbound: ['a.org'] },
    },
    { maxConcurrency: 1, queueLength: 1, queueTimeoutMs: 1_000 },
    () => undefined,
    undefined,
    undefined,
    {
      calls: {
        call: (_, ask) => {
          asked.push(ask)
          return Promise.resolve({ code: 200, head: 'a: b\n', body: Uint8Array.of(1, 2, 3) })
        },
      },
      denied: () => undefined,
    },
  )
  const outcome = await outcomeFrom(executor, itemThat('x'))
  return outcome.failure?.message ?? String(outcome.result)
}

const negated = (code: string): string => `(i32.sub (i32.const 0) ${code})`

test('a phase may call so often, and no more', async () => {
  asked.length = 0
  const result = await run(`
    (loop $l
      (local.set $code (call $call (i32.const 17) (i32.const 0) (f64.const 0)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.eq (local.get $code) (i32.const 200))))
    (local.get $i)`)
  assert.is(result, String(OUTBOUND_LIMITS.callsPerPhase + 1))
  assert.is(asked.length, OUTBOUND_LIMITS.callsPerPhase)
})

test('heads, bodies and times past their limits are refused before anything is copied', async () => {
  const call = (head: number, body: number, timeout: string): Promise<string> =>
    run(negated(`(call $call (i32.const ${head}) (i32.const ${body}) (f64.const ${timeout}))`))
  assert.is(await call(OUTBOUND_LIMITS.headBytes + 1, 0, '0'), '4')
  assert.is(await call(17, OUTBOUND_LIMITS.bodyBytes + 1, '0'), '4')
  assert.is(await call(17, 0, '-1'), '2')
  assert.is(await call(17, 0, 'nan'), '2')
})

test('pointers outside the memory are traps, in the call and when the answer is read', async () => {
  const call = '(call $call (i32.const 17) (i32.const 0) (f64.const 0))'
  for (const body of [
    '(call $http (i32.const 2097150) (i32.const 17) (i32.const 0) (i32.const 0) (f64.const 0))',
    '(call $http (i32.const 0) (i32.const 17) (i32.const -1) (i32.const 8) (f64.const 0))',
    `(drop ${call}) (call $get (i32.const 0) (i32.const 2097151) (i32.const 3))`,
    `(drop ${call}) (call $head (i32.const -1) (i32.const 100))`,
  ]) {
    assert.match(await run(body), /outside the memory/, body)
  }
})

test('an answer is read in parts, and what is not there is nothing', async () => {
  const result = await run(`
    (drop (call $call (i32.const 17) (i32.const 0) (f64.const 0)))
    (drop (call $get (i32.const 1) (i32.const 100) (i32.const 9)))
    (i32.add
      (i32.mul (i32.load8_u (i32.const 100)) (i32.const 100))
      (i32.add (i32.load8_u (i32.const 101)) (call $get (i32.const 99) (i32.const 0) (i32.const 9))))`)
  assert.is(result, '203')
})

test('a guest that can wait is never run by what cannot wait for it', async () => {
  const { bytes } = gateModule(
    wat(`(module (memory (export "memory") 1)
      (func (export "penstock_on_request") (result i32) (i32.const 0)))`),
  )
  const setup = {
    id: 1,
    name: 'guest',
    abi: 'penstock_v1',
    module: new WebAssembly.Module(Uint8Array.from(bytes)),
    parameters: new Map(),
    fuel: 1_000_000,
    data: null,
    reset: 'never',
    canWait: true,
  } as const
  const outcome = new InlineExecutor(setup, () => undefined).submit(itemThat('x'))
  assert.is(outcome.failure?.code, 'GUEST_TRAPPED')
})
