import { readFile } from 'node:fs/promises'
import {
  Cleanup,
  startGateway,
  startUpstream,
  type TestGateway,
  until,
} from '../support/gateway.ts'
import { onePipeline, proxyTo, wasmHost } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'
import { wat } from '../support/wat.ts'

const test = suite('gateway/plugin-failures', { timeoutMs: 60_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

/** Traps in a phase when the request has the header `trap-request` or `trap-response`. */
const FRAGILE = wat(`(module
  (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
  (import "penstock_v1" "header_count" (func $count (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "trap-requesttrap-response")
  (func (export "penstock_on_request") (result i32)
    (if (call $count (i32.const 0) (call $id (i32.const 0) (i32.const 12))) (then unreachable))
    (i32.const 0))
  (func (export "penstock_on_response") (result i32)
    (if (call $count (i32.const 0) (call $id (i32.const 12) (i32.const 13))) (then unreachable))
    (i32.const 0)))`)

const TRAP = { headers: { 'trap-request': '1' } }
const TRAP_RESPONSE = { headers: { 'trap-response': '1' } }

async function gatewayOf(fields: string, flow = '', guest = FRAGILE): Promise<TestGateway> {
  const upstream = await startUpstream(cleanup)
  return startGateway(
    cleanup,
    onePipeline(
      `${wasmHost(`code: plugin.wasm${fields}`)}${proxyTo(upstream.url)}  - { name: mock, kind: Mock, rules: [{ code: 299 }] }`,
      flow,
    ),
    { 'plugin.wasm': guest },
    { watch: false },
  )
}

const FLOW = 'flow:\n  - { filter: plugin }\n  - { filter: proxy }\n'

for (const isolation of ['worker', 'inline']) {
  test(`closed: a failure is a 503 in both phases (${isolation})`, async () => {
    const { get } = await gatewayOf(`, isolation: ${isolation}`, FLOW)
    assert.is((await get('/')).status, 200)
    assert.is((await get('/', TRAP)).status, 503)
    assert.is((await get('/', TRAP_RESPONSE)).status, 503)
    assert.is((await get('/')).status, 200)
  })

  test(`open: a request goes on without the plugin in both phases (${isolation})`, async () => {
    const { get } = await gatewayOf(`, isolation: ${isolation}, failPolicy: open`, FLOW)
    assert.is((await get('/', TRAP)).status, 200)
    assert.is((await get('/', TRAP_RESPONSE)).status, 200)
  })
}

for (const policy of ['open', 'closed']) {
  test(`a jumpIf for wasmError wins over failPolicy: ${policy}`, async () => {
    const flow =
      'flow:\n  - { filter: plugin, jumpIf: { wasmError: mock } }\n  - { filter: proxy }\n  - { filter: END }\n  - { filter: mock }\n'
    const { get } = await gatewayOf(`, failPolicy: ${policy}`, flow)
    assert.is((await get('/', TRAP)).status, 299)
    assert.is((await get('/')).status, 200)
  })
}

/** Turns a loop for as long as the header `spin` says. */
const SPINNING = wat(`(module
  (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
  (import "penstock_v1" "header_count" (func $count (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "spin")
  (func (export "penstock_on_request") (result i32)
    (local $i i32)
    (if (call $count (i32.const 0) (call $id (i32.const 0) (i32.const 4)))
      (then (loop $l
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $l (i32.lt_u (local.get $i) (i32.const 100000000))))))
    (i32.const 0)))`)

for (const isolation of ['worker', 'inline']) {
  test(`past its running time of a second a filter is outOfVM, and recovers (${isolation})`, async () => {
    const flow =
      'flow:\n  - { filter: plugin, jumpIf: { outOfVM: mock } }\n  - { filter: proxy }\n  - { filter: END }\n  - { filter: mock }\n'
    const fields = `, isolation: ${isolation}, timeout: 20s, cpuPerSecond: 20ms, fuel: 1000000000`
    const { get, lines } = await gatewayOf(fields, flow, SPINNING)
    assert.is((await get('/')).status, 200)
    assert.is((await get('/', { headers: { spin: '1' } })).status, 200)
    // More was used than a second pays for.
    assert.is((await get('/')).status, 299)
    assert.ok(lines.some((line) => line.includes('it may use in a second')))
    assert.not(
      lines.some((line) => line.includes('failed too often')),
      'that is no failure of it',
    )
  })
}

test('a version that keeps failing is left alone for a while, and tried again', async () => {
  const { get, lines } = await gatewayOf('', FLOW)
  for (let i = 0; i < 10; i++) assert.is((await get('/', TRAP)).status, 503)
  const refused = await get('/')
  assert.is(refused.status, 503)
  assert.ok(lines.some((line) => line.includes('failed too often')))
  await until(async () => (await get('/')).status === 200, 'it is tried again')
})

test('metrics tell calls, traps and running time of each plugin version', async () => {
  const upstream = await startUpstream(cleanup)
  const { gateway, get, dir } = await startGateway(
    cleanup,
    onePipeline(wasmHost('code: plugin.wasm') + proxyTo(upstream.url)),
    { 'plugin.wasm': FRAGILE },
    { watch: false, admin: { address: '127.0.0.1', port: 0 } },
  )
  await get('/')
  await get('/', TRAP)
  const token = (await readFile(`${dir}/.penstock/admin.token`, 'utf8')).trim()
  const answer = await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const text = await answer.text()
  assert.match(answer.headers.get('content-type') ?? '', /version=0\.0\.4/)
  assert.match(text, /penstock_plugin_calls_total\{[^}]*filter="plugin"[^}]*result="next"\} 2/)
  assert.match(text, /penstock_plugin_traps_total\{[^}]*reason="GUEST_TRAPPED"\} 1/)
  assert.match(text, /penstock_plugin_duration_seconds_count\{[^}]*\} 3/)
  assert.match(
    text,
    /penstock_plugin_duration_seconds_bucket\{le="\+Inf"[^}]*\} 3|_bucket\{[^}]*le="\+Inf"\} 3/,
  )
  assert.match(text, /penstock_plugin_queue_seconds_count\{[^}]*\} 3/)
  assert.match(text, /penstock_plugin_fuel_count\{[^}]*\} 1/)
  assert.match(text, /penstock_plugin_instances\{[^}]*filter="plugin"[^}]*\} [01]/)
  assert.match(text, /penstock_plugin_memory_bytes\{[^}]*filter="plugin"[^}]*\} (?:0|65536)/)
  assert.match(text, /# TYPE penstock_plugin_denials_total counter/)
  assert.is((await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`)).status, 401)
})
