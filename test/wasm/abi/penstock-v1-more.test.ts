import type { PluginSetup } from '../../../host/wasm/executor.ts'
import { LOCAL_GRANT } from '../../../host/wasm/grant/grant.ts'
import { InlineExecutor } from '../../../host/wasm/inline-executor.ts'
import { gateModule } from '../../../host/wasm/module/gate.ts'
import { itemThat } from '../../support/obedient-guest.ts'
import { assert, suite } from '../../support/suite.ts'
import { wat } from '../../support/wat.ts'

const test = suite('wasm/abi/penstock-v1-more')

const denied: string[] = []

function run(body: string, more: Partial<PluginSetup> = {}): string {
  const { bytes } = gateModule(
    wat(`(module
      (import "penstock_v1" "features" (func $features (result i32)))
      (import "penstock_v1" "random_fill" (func $random (param i32 i32) (result i32)))
      (import "penstock_v1" "secret_get" (func $secret (param i32 i32 i32 i32) (result i32)))
      (import "penstock_v1" "metric_define" (func $define (param i32 i32 i32 i32 i32) (result i32)))
      (import "penstock_v1" "metric_add" (func $add (param i32 f64) (result i32)))
      (import "penstock_v1" "body_size" (func $size (param i32) (result i32)))
      (import "penstock_v1" "body_set" (func $body (param i32 i32 i32) (result i32)))
      (import "penstock_v1" "reply" (func $reply (param i32 i32 i32) (result i32)))
      (import "penstock_v1" "field_set" (func $field (param i32 i32 i32) (result i32)))
      (import "penstock_v1" "kv_count" (func $count (param i32 i32) (result i32)))
      (memory (export "memory") 2)
      (data (i32.const 0) "key/hits")
      (func (export "penstock_on_request") (result i32) (local $i i32) ${body}))`),
  )
  denied.length = 0
  const executor = new InlineExecutor(
    {
      id: 1,
      name: 'guest',
      abi: 'penstock_v1',
      module: new WebAssembly.Module(Uint8Array.from(bytes)),
      parameters: new Map(),
      fuel: 10_000_000,
      data: null,
      reset: 'never',
      ...more,
    },
    () => undefined,
    undefined,
    undefined,
    {
      calls: { call: () => Promise.reject(new Error('nobody calls')) },
      denied: (_, list) => void denied.push(...list.map(([what, count]) => `${what} ${count}`)),
    },
  )
  const outcome = executor.submit(itemThat('x'))
  return outcome.failure?.message ?? String(outcome.result)
}

const negated = (code: string): string => `(i32.sub (i32.const 0) ${code})`

test('features are those the grant has', () => {
  assert.is(run('(call $features)'), '5')
  const grant = {
    ...LOCAL_GRANT,
    rights: 0,
    secrets: ['key'],
    outbound: ['a.org'],
    functions: ['f'],
  }
  assert.is(run('(call $features)', { grant }), '27')
})

test('random bytes fill what is given, and no more than a host call may move', () => {
  const filled = run(`
    (drop (call $random (i32.const 64) (i32.const 1024)))
    (loop $l
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.eqz (i32.load8_u (i32.add (i32.const 64) (local.get $i))))))
    (i32.lt_u (local.get $i) (i32.const 1024))`)
  assert.is(filled, '1')
  assert.is(run(negated('(call $random (i32.const 0) (i32.const 65537))')), '4')
  assert.match(run('(call $random (i32.const 131000) (i32.const 100))'), /outside the memory/)
  const dry =
    '(loop $l (drop (call $random (i32.const 64) (i32.const 65536))) (br $l)) (i32.const 0)'
  assert.match(run(dry), /out of fuel/)
})

test('a secret is given to whom it is granted', () => {
  const call = '(call $secret (i32.const 0) (i32.const 3) (i32.const 64) (i32.const 64))'
  const grant = { ...LOCAL_GRANT, secrets: ['key'] }
  const secrets = new Map([['key', 'größe']])
  assert.is(run(call, { grant, secrets }), '7')
  assert.is(run(negated(call), { grant }), '1', 'it is granted and nobody gave it')
  assert.is(run(negated(call), { secrets }), '3')
  assert.equal(denied, ['secrets 1'])
  const wild = '(call $secret (i32.const 0) (i32.const 3) (i32.const -1) (i32.const 64))'
  assert.match(run(wild, { grant, secrets }), /outside the memory/)
})

test('each right that is missing is an error to the guest, and is told once a call with its count', () => {
  const grant = { ...LOCAL_GRANT, rights: 0 }
  const calls = [
    [
      '(call $define (i32.const 0) (i32.const 4) (i32.const 4) (i32.const 0) (i32.const 0))',
      'metrics',
    ],
    ['(call $add (i32.const 0) (f64.const 1))', 'metrics'],
    ['(call $size (i32.const 0))', 'body.read'],
    ['(call $body (i32.const 0) (i32.const 0) (i32.const 1))', 'body.write'],
    ['(call $reply (i32.const 200) (i32.const 0) (i32.const 0))', 'reply'],
    ['(call $field (i32.const 1) (i32.const 3) (i32.const 5))', 'target'],
    ['(call $count (i32.const 0) (i32.const 0))', 'data'],
  ] as const
  for (const [call, capability] of calls) {
    assert.is(run(`(drop ${call}) ${negated(call)}`, { grant }), '3', capability)
    assert.equal(denied, [`${capability} 2`])
  }
})

test('bounds and names of a metric are read within the memory', () => {
  const define = (ptr: number, bounds: number, count: number): string =>
    `(call $define (i32.const 2) (i32.const ${ptr}) (i32.const 4) (i32.const ${bounds}) (i32.const ${count}))`
  assert.match(run(define(131_071, 0, 0)), /outside the memory/)
  assert.match(run(define(4, 131_070, 1)), /outside the memory/)
  assert.is(run(negated(define(4, 0, 25))), '4')
})
