import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import {
  Cleanup,
  fetchFrom,
  startGateway,
  startUpstream,
  type TestGateway,
  until,
} from '../support/gateway.ts'
import { versionGuest } from '../support/guests.ts'
import { metric } from '../support/metrics.ts'
import { onePipeline, proxyTo, wasmHost } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'
import { wat, withCustomSection } from '../support/wat.ts'

/** Rows of families `module` and `hostcall` that only show in a whole gateway. */
const test = suite('gateway/hostile-plugins', { timeoutMs: 180_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

/** Loops, or loops over host calls, in the phase that the header `in` names: q, s or d. */
const LOOPS = wat(`(module
  (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
  (import "penstock_v1" "header_get" (func $get (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "in")
  (func $act (param $phase i32)
    (local $id i32)
    (local.set $id (call $id (i32.const 0) (i32.const 2)))
    (i32.store8 (i32.const 64) (i32.const 0))
    (drop (call $get (i32.const 0) (local.get $id) (i32.const 64) (i32.const 8)))
    (if (i32.ne (i32.load8_u (i32.const 64)) (local.get $phase)) (then (return)))
    (if (i32.eq (i32.load8_u (i32.const 65)) (i32.const 104))
      (then (loop $h
        (drop (call $get (i32.const 0) (local.get $id) (i32.const 64) (i32.const 8))) (br $h))))
    (loop $l (br $l)))
  (func (export "penstock_on_request") (result i32) (call $act (i32.const 113)) (i32.const 0))
  (func (export "penstock_on_response") (result i32) (call $act (i32.const 115)) (i32.const 0))
  (func (export "penstock_on_done") (call $act (i32.const 100))))`)

async function gatewayOf(fields: string, guest: Uint8Array, server = ''): Promise<TestGateway> {
  const upstream = await startUpstream(cleanup)
  return await startGateway(
    cleanup,
    onePipeline(wasmHost(`code: plugin.wasm${fields}`) + proxyTo(upstream.url), '', server),
    { 'plugin.wasm': guest },
    { watch: false, admin: { address: '127.0.0.1', port: 0 } },
  )
}

for (const isolation of ['worker', 'inline']) {
  test(`a loop in any phase, with and without host calls, ends; the others are served (X27, X28, X29, ${isolation})`, async () => {
    const fields = `, isolation: ${isolation}, timeout: 500ms, queueTimeout: 60s`
    const { get, lines } = await gatewayOf(fields, LOOPS)
    const failures = (): number => lines.filter((line) => line.includes('plugin failed')).length
    const what = ['q', 'qh', 's', 'sh', 'd', 'dh']
    const bad = what.map((where) => get('/', { headers: { in: where } }))
    const good = Array.from({ length: 20 }, () => get('/'))
    const statuses = (await Promise.all(bad)).map(({ status }) => status)
    assert.equal(statuses, [503, 503, 503, 503, 200, 200], 'a client has its answer before it ends')
    for (const answer of good) assert.is((await answer).status, 200)
    assert.is((await get('/')).status, 200)
    assert.ok(failures() >= 4, String(failures()))
  })
}

// 500 and not the 503 of a trap, a deadline and a thread that ends (W33, X27, X38): those may be gone with the next
// try. The result of the filter is wasmError all the same, as in Easegress, for `jumpIf` and `failPolicy`.
for (const isolation of ['worker', 'inline']) {
  test(`a result that nobody declared is a 500, is counted and applies nothing (X32, ${isolation})`, async () => {
    const fields = `, isolation: ${isolation}`
    const good = await gatewayOf(fields, writingAndReturning(0))
    assert.match((await good.get('/')).body, /x-written/)
    for (const result of [-5, 10, 77, 0x7fff_ffff, -0x8000_0000]) {
      const guest = writingAndReturning(result)
      const at = await gatewayOf(fields, guest)
      assert.is((await at.get('/')).status, 500, String(result))
      assert.ok(at.lines.some((line) => /unknown result/.test(line)))
      const status = JSON.stringify(at.gateway.control.statusOf('main'))
      assert.match(status, /"numOfWasmError":1/)
      assert.is(await metric(at, /plugin_traps_total\{[^}]*GUEST_RESULT[^}]*\} (\d+)/), 1)
      const open = await gatewayOf(`${fields}, failPolicy: open`, guest)
      const passed = await open.get('/')
      assert.is(passed.status, 200)
      assert.not.match(passed.body, /x-written/)
    }
  })

  test(`a guest that waits for an answer that never comes is a 504, and the others are served (X33, ${isolation})`, async () => {
    const silent = await startUpstream(cleanup, () => undefined)
    const { port } = new URL(silent.url)
    const url = `http://127.0.0.1:${port}/`
    const guest = wat(`(module
      (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
      (import "penstock_v1" "header_count" (func $count (param i32 i32) (result i32)))
      (import "penstock_v1" "http_call" (func $http (param i32 i32 i32 i32 f64) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "wait")
      (data (i32.const 16) "GET ${url}")
      (func (export "penstock_on_request") (result i32)
        (if (call $count (i32.const 0) (call $id (i32.const 0) (i32.const 4)))
          (then (drop (call $http (i32.const 16) (i32.const ${4 + url.length})
            (i32.const 0) (i32.const 0) (f64.const 1000)))))
        (i32.const 0)))`)
    const grant = `grant: { outbound: ["127.0.0.1:${port}"], allowPrivate: true }`
    const at = await gatewayOf(
      `, isolation: ${isolation}, ${grant}`,
      guest,
      'requestTimeout: 300ms\n',
    )
    const { get } = at
    const waiting = Array.from({ length: 3 }, () => get('/', { headers: { wait: '1' } }))
    await until(() => silent.requests.length === 3, 'all of them wait')
    assert.is((await get('/')).status, 200)
    for (const answer of waiting) assert.is((await answer).status, 504)
    assert.is((await get('/')).status, 200)
    const wentOn = /plugin_calls_total\{[^}]*"next"[^}]*\} (\d+)/
    await until(
      async () => (await metric(at, wentOn)) === 5,
      'each went on when its call had taken too long, and its instance is free',
    )
  })
}

/** Sets a request header, then returns `result`. */
function writingAndReturning(result: number): Uint8Array {
  return wat(`(module
    (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
    (import "penstock_v1" "header_set" (func $set (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "x-written")
    (func (export "penstock_on_request") (result i32)
      (drop (call $set (i32.const 0) (call $id (i32.const 0) (i32.const 9)) (i32.const 0) (i32.const 1)))
      (i32.const ${result})))`)
}

/** Asks for the request's body. */
const READER = withCustomSection(
  wat(`(module (memory (export "memory") 1)
    (func (export "penstock_on_request") (result i32) (i32.const 0)))`),
  'penstock',
  Buffer.from(
    JSON.stringify({
      abi: 'penstock_v1',
      name: 'reader',
      version: '1.0.0',
      phases: ['request'],
      body: { request: 'bytes', response: 'none', limit: 1024 * 1024 * 1024 },
    }),
  ),
)

test('an upload of 10 GB that a plugin wants to read ends with 413, and only the limit is held (X18)', async () => {
  const { port } = await gatewayOf('', READER, 'clientMaxBodySize: -1\n')
  const before = process.memoryUsage.rss()
  for (const announced of [true, false]) {
    let sent = 0
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      const framing = announced ? 'content-length: 10737418240' : 'transfer-encoding: chunked'
      socket.write(`POST / HTTP/1.1\r\nhost: a\r\n${framing}\r\n\r\n`)
      const chunk = Buffer.alloc(65_536, 0x78)
      const framed = announced
        ? chunk
        : Buffer.concat([Buffer.from('10000\r\n'), chunk, Buffer.from('\r\n')])
      let isOpen = true
      const send = (): void => {
        if (!isOpen) return
        sent += chunk.length
        if (socket.write(framed)) setImmediate(send)
      }
      socket.on('drain', send)
      socket.on('connect', send)
      let text = ''
      socket.on('data', (bytes) => {
        text += bytes.toString('latin1')
        if (!text.includes('\r\n\r\n')) return
        isOpen = false
        socket.destroy()
        resolve(text)
      })
      // The gateway may cut the connection after its answer, while this still sends.
      socket.on('error', (error) => (text === '' ? reject(error) : resolve(text)))
    })
    assert.match(answer, /^HTTP\/1\.1 413 /)
    assert.ok(sent < 256 * 1024 * 1024, `${sent} bytes were taken`)
  }
  const grewMb = (process.memoryUsage.rss() - before) / 1_048_576
  assert.ok(grewMb < 300, `${grewMb} MB`)
})

test('the operator bounds what a plugin may read, whatever its description asks for', async () => {
  const { get, lines } = await gatewayOf(', bodyBytes: 1000', READER)
  const send = (bytes: number) => get('/', { method: 'POST', body: 'x'.repeat(bytes) })
  assert.is((await send(1_000)).status, 200, lines.join('\n'))
  assert.is((await send(1_001)).status, 413)
})

test('one module behind 1,000 routes is compiled once, and all of them run (W44)', async () => {
  const routes = Array.from({ length: 1_000 }, (_, i) => `      - { path: /${i}, backend: p${i} }`)
  const pipelines = routes.map(
    (_, i) => `---
kind: Pipeline
name: p${i}
filters:
  - { name: plugin, kind: WasmHost, code: plugin.wasm, timeout: 5s, queueTimeout: 60s }
  - { name: mock, kind: Mock, rules: [{ body: "${i}" }] }`,
  )
  const original = WebAssembly.compile
  let compiled = 0
  WebAssembly.compile = (bytes) => {
    compiled += 1
    return original(bytes as Uint8Array<ArrayBuffer>)
  }
  cleanup.add(() => {
    WebAssembly.compile = original
  })
  const { port, gateway } = await startGateway(
    cleanup,
    `kind: HTTPServer
name: server
port: 0
address: 127.0.0.1
rules:
  - paths:
${routes.join('\n')}
${pipelines.join('\n')}
`,
    { 'plugin.wasm': versionGuest('7') },
    { watch: false },
  )
  assert.equal(
    gateway.control.status().filter(({ error }) => error !== null),
    [],
  )
  assert.is(compiled, 1)
  for (let i = 0; i < 1_000; i += 50) {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, k) => fetchFrom(port, `/${i + k}`)),
    )
    assert.equal(
      answers.map(({ body }) => body),
      Array.from({ length: 50 }, (_, k) => String(i + k)),
    )
  }
})

test('parameters of 10 MB and parameters nested without end are refused by the admin API (X43)', async () => {
  const { gateway, dir, get } = await startGateway(
    cleanup,
    onePipeline(
      '  - { name: plugin, kind: WasmHost, code: plugin.wasm }\n  - { name: mock, kind: Mock, rules: [{ body: fine }] }',
    ),
    { 'plugin.wasm': versionGuest('1') },
    { watch: false, admin: { address: '127.0.0.1', port: 0 } },
  )
  const token = (await readFile(`${dir}/.penstock/admin.token`, 'utf8')).trim()
  const code = Buffer.from(versionGuest('1')).toString('base64')
  const send = async (parameters: string): Promise<string> => {
    const body = `{"kind":"Pipeline","name":"other","filters":[{"name":"p","kind":"WasmHost","code":"${code}","parameters":${parameters}}]}`
    const answer = await fetch(`http://127.0.0.1:${gateway.adminPort}/apis/v2/objects`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body,
    })
    return `${answer.status} ${await answer.text()}`
  }
  assert.match(await send(`{"a":"${'x'.repeat(20 * 1024 * 1024)}"}`), /^413 /)
  assert.match(
    await send(`{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`),
    /^400 .*nested deeper/s,
  )
  assert.match(await send('{"a":{"b":1}}'), /^422 .*parameters/s)
  assert.match(await send(`{"a":"${'x'.repeat(10 * 1024 * 1024)}"}`), /^422 .*at most 1 MiB/s)
  assert.match(await send(`{"a":"${'x'.repeat(1_000_000)}"}`), /^201 /)
  assert.is((await get('/')).body, 'fine')
})
