import { request } from 'node:http'
import {
  Cleanup,
  startGateway,
  startUpstream,
  type TestGateway,
  until,
} from '../support/gateway.ts'
import { onePipeline, proxyTo, wasmHost } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'
import { wat, withCustomSection } from '../support/wat.ts'

/** Sentences of "The guest contract" that only show with several plugins or versions in one gateway. */
const test = suite('gateway/guest-contract', { timeoutMs: 60_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

/** `module` with a description of its own; `shared` are keys of per-request data that others may see. */
function described(
  module: Uint8Array,
  name: string,
  phases: readonly string[],
  shared: readonly string[] = [],
): Uint8Array {
  const text = JSON.stringify({ abi: 'penstock_v1', name, version: '1.0.0', phases, shared })
  return withCustomSection(module, 'penstock', Buffer.from(text))
}

/** Puts "A" under the keys `open` and `own`. */
const WRITER = wat(`(module
  (import "penstock_v1" "ctx_put" (func $put (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "openownA")
  (func (export "penstock_on_request") (result i32)
    (drop (call $put (i32.const 0) (i32.const 4) (i32.const 7) (i32.const 1)))
    (drop (call $put (i32.const 4) (i32.const 3) (i32.const 7) (i32.const 1)))
    (i32.const 0)))`)

/** Sets the headers `x-open` and `x-own` of the request to what is under these keys, or to "-". */
const READER = wat(`(module
  (import "penstock_v1" "ctx_get" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
  (import "penstock_v1" "header_set" (func $set (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "x-open")
  (data (i32.const 8) "x-own")
  (func $copy (param $name i32) (param $size i32)
    (i32.store8 (i32.const 64) (i32.const 45))
    (drop (call $get (i32.add (local.get $name) (i32.const 2)) (i32.sub (local.get $size) (i32.const 2))
      (i32.const 64) (i32.const 8)))
    (drop (call $set (i32.const 0) (call $id (local.get $name) (local.get $size))
      (i32.const 64) (i32.const 1))))
  (func (export "penstock_on_request") (result i32)
    (call $copy (i32.const 0) (i32.const 6))
    (call $copy (i32.const 8) (i32.const 5))
    (i32.const 0)))`)

for (const isolation of ['worker', 'inline']) {
  test(`data of a request is a plugin's own, but for keys that both have declared (${isolation})`, async () => {
    const upstream = await startUpstream(cleanup)
    const filter = (name: string): string =>
      `  - { name: ${name}, kind: WasmHost, code: ${name}.wasm, isolation: ${isolation}, timeout: 5s }\n`
    const { get } = await startGateway(
      cleanup,
      onePipeline(
        filter('writer') + filter('reader') + filter('stranger') + proxyTo(upstream.url),
        '',
      ),
      {
        'writer.wasm': described(WRITER, 'writer', ['request'], ['open']),
        'reader.wasm': described(READER, 'reader', ['request'], ['open']),
        // Nothing under a key that it has not declared: what it reads is its own, and there is none.
        'stranger.wasm': described(
          wat(`(module
            (import "penstock_v1" "ctx_get" (func $get (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "open")
            (func (export "penstock_on_request") (result i32)
              (if (i32.ne (call $get (i32.const 0) (i32.const 4) (i32.const 64) (i32.const 8)) (i32.const -1))
                (then unreachable))
              (i32.const 0)))`),
          'stranger',
          ['request'],
        ),
      },
    )
    const answer = await get('/')
    assert.is(answer.status, 200)
    const { headers } = JSON.parse(answer.body)
    assert.equal([headers['x-open'], headers['x-own']], ['A', '-'])
  })
}

/**
 * From a thread, data is waited for 5 ms at most, which a busy machine may pass: these run in the event loop.
 *
 * Counts in a global and in its key-value data, and says both in the tag `GLOBAL DATA`, a digit each; `version`
 * makes another module of it.
 */
function counter(version: string): Uint8Array {
  return wat(`(module
    (import "penstock_v1" "kv_add" (func $add (param i32 i32 i64 f64 i32) (result i32)))
    (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
    (import "penstock_v1" "header_set" (func $set (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "x-count")
    (data (i32.const 128) "${version}")
    (global $calls (mut i32) (i32.const 0))
    (func (export "penstock_on_request") (result i32)
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (drop (call $add (i32.const 0) (i32.const 7) (i64.const 1) (f64.const 0) (i32.const 32)))
      (i32.store8 (i32.const 64) (i32.add (i32.const 48) (global.get $calls)))
      (i32.store8 (i32.const 65) (i32.add (i32.const 48) (i32.load (i32.const 32))))
      (drop (call $set (i32.const 0) (call $id (i32.const 0) (i32.const 7)) (i32.const 64) (i32.const 2)))
      (i32.const 0)))`)
}

async function countOf({ get }: TestGateway, path = '/'): Promise<string> {
  return JSON.parse((await get(path)).body).headers['x-count']
}

test('globals of a guest end with a swap, its data goes on', async () => {
  const upstream = await startUpstream(cleanup)
  const at = await startGateway(
    cleanup,
    onePipeline(
      wasmHost('code: plugin.wasm, maxConcurrency: 1, isolation: inline') + proxyTo(upstream.url),
    ),
    { 'plugin.wasm': described(counter('1'), 'counting', ['request']) },
    { watch: false },
  )
  assert.is(await countOf(at), '11')
  assert.is(await countOf(at), '22')
  await at.write('plugin.wasm', described(counter('2'), 'counting', ['request']))
  assert.equal(await at.gateway.reload(), [])
  assert.is(await countOf(at), '13')
})

test('plugins of one name share their data, modules without a name have it by filter', async () => {
  const upstream = await startUpstream(cleanup)
  const pipeline = (name: string): string =>
    onePipeline(wasmHost(`code: ${name}.wasm, isolation: inline`) + proxyTo(upstream.url))
      .split('---\n')[1]
      ?.replace('name: main', `name: ${name}`) ?? ''
  const names = ['named-a', 'named-b', 'plain-a', 'plain-b']
  const paths = names.map((name) => `      - { path: /${name}, backend: ${name} }`).join('\n')
  const at = await startGateway(
    cleanup,
    [
      `kind: HTTPServer\nname: server\nport: 0\naddress: 127.0.0.1\nrules:\n  - paths:\n${paths}\n`,
      ...names.map(pipeline),
    ].join('---\n'),
    {
      'named-a.wasm': described(counter('a'), 'counting', ['request']),
      'named-b.wasm': described(counter('b'), 'counting', ['request']),
      'plain-a.wasm': counter('a'),
      'plain-b.wasm': counter('b'),
    },
    { watch: false },
  )
  const counts: string[] = []
  for (const name of names) counts.push(await countOf(at, `/${name}`))
  assert.equal(counts, ['11', '12', '11', '11'])
  const status = JSON.stringify(names.map((name) => at.gateway.control.statusOf(name)))
  for (const namespace of ['counting', 'plain-a/plugin', 'plain-b/plugin']) {
    assert.ok(status.includes(`"data":"${namespace}"`), status)
  }
})

test('what a call that trapped has written is not applied, and its instance is gone', async () => {
  const upstream = await startUpstream(cleanup)
  const guest = wat(`(module
    (import "penstock_v1" "header_id" (func $id (param i32 i32) (result i32)))
    (import "penstock_v1" "header_set" (func $set (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "x-written")
    (global $calls (mut i32) (i32.const 0))
    (func (export "penstock_on_request") (result i32)
      (drop (call $set (i32.const 0) (call $id (i32.const 0) (i32.const 9)) (i32.const 0) (i32.const 1)))
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (if (i32.eq (global.get $calls) (i32.const 2)) (then unreachable))
      (i32.const 0)))`)
  for (const isolation of ['worker', 'inline']) {
    const { get, lines } = await startGateway(
      cleanup,
      onePipeline(
        wasmHost(
          `code: plugin.wasm, maxConcurrency: 1, failPolicy: open, isolation: ${isolation}`,
        ) + proxyTo(upstream.url),
      ),
      { 'plugin.wasm': guest },
      { watch: false },
    )
    const written = async (): Promise<boolean> => (await get('/')).body.includes('x-written')
    // The second call traps: its instance is gone, and the third begins anew.
    assert.equal([await written(), await written(), await written()], [true, false, true])
    await until(() => lines.some((line) => line.includes('plugin failed')), 'it is told')
  }
})

/** Logs the field END when the exchange has ended, and "early" when it can read it in another phase. */
const ENDING = wat(`(module
  (import "penstock_v1" "field_get" (func $field (param i32 i32 i32) (result i32)))
  (import "penstock_v1" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "ended early")
  (func (export "penstock_on_response") (result i32)
    (if (i32.ne (call $field (i32.const 9) (i32.const 64) (i32.const 64)) (i32.const -1))
      (then (call $log (i32.const 1) (i32.const 0) (i32.const 11))))
    (i32.const 0))
  (func (export "penstock_on_done")
    (local $size i32)
    (memory.copy (i32.const 64) (i32.const 0) (i32.const 6))
    (local.set $size (call $field (i32.const 9) (i32.const 70) (i32.const 64)))
    (call $log (i32.const 1) (i32.const 64) (i32.add (local.get $size) (i32.const 6)))))`)

for (const isolation of ['worker', 'inline']) {
  test(`onDone runs after the last byte and is told status, time and bytes (${isolation})`, async () => {
    let end: () => void = () => undefined
    const upstream = await startUpstream(cleanup, (_, outgoing) => {
      outgoing.writeHead(201)
      outgoing.write('0123456789')
      end = () => outgoing.end('0123456789')
    })
    const { get, port, lines } = await startGateway(
      cleanup,
      onePipeline(wasmHost(`code: plugin.wasm, isolation: ${isolation}`) + proxyTo(upstream.url)),
      { 'plugin.wasm': ENDING },
      { watch: false },
    )
    const ends = (): string[] =>
      lines.flatMap((line) => {
        const match = /"msg":"ended (.*?)"/.exec(line)
        return match?.[1] === undefined ? [] : [match[1]]
      })
    const answer = get('/')
    await until(() => upstream.requests.length === 1, 'it is asked')
    assert.equal(ends(), [], 'the answer goes on')
    end()
    assert.is((await answer).status, 201)
    await until(() => ends().length === 1, 'it has ended')
    assert.match(ends()[0] ?? '', /^201 \d+\.\d{3} 20 1$/)
    // A client that leaves in the middle of the body.
    await new Promise<void>((resolve, reject) => {
      const call = request({ host: '127.0.0.1', port, agent: false }, (incoming) => {
        incoming.once('data', () => incoming.destroy()).on('error', () => undefined)
        incoming.on('close', resolve)
      })
      call.on('error', reject).end()
    })
    await until(() => ends().length === 2, 'it is told of the end of that one')
    assert.match(ends()[1] ?? '', /^201 \d+\.\d{3} 10 0$/)
  })
}
