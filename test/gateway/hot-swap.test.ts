import { Cleanup, fetchFrom, startGateway, startUpstream, until } from '../support/gateway.ts'
import { loopingGuest, versionGuest } from '../support/guests.ts'
import { startLoad } from '../support/load.ts'
import { assert, suite } from '../support/suite.ts'
import { wat } from '../support/wat.ts'

const test = suite('gateway/hot-swap', { timeoutMs: 60_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

/** One server, one pipeline `main` of the given filters and flow before a proxy. */
function config(url: string, filters: string, flow = '', extra = ''): string {
  return `kind: HTTPServer
name: server
port: 0
address: 127.0.0.1
rules:
  - paths:
      ${extra}
      - pathPrefix: /
        backend: main
---
kind: Pipeline
name: main
${flow}
filters:
${filters}
  - name: proxy
    kind: Proxy
    pools:
      - servers:
          - url: ${url}
`
}

const PLUGIN = `  - name: plugin
    kind: WasmHost
    code: plugin.wasm
    timeout: 5s`

test('swapping a plugin under load loses nothing, and every answer is of one version', async () => {
  const upstream = await startUpstream(cleanup)
  const { gateway, port, write } = await startGateway(
    cleanup,
    config(upstream.url, PLUGIN),
    { 'plugin.wasm': versionGuest('0') },
    { watch: false },
  )
  const seen = new Set<string>()
  const load = startLoad(port, '/', 16, ({ status, body, headers }) => {
    if (status !== 200) return `status ${status}`
    const version = JSON.parse(body).headers['x-version']
    seen.add(String(version))
    return version === headers['x-version']
      ? null
      : `${version} on the way in, ${headers['x-version']} out`
  })
  for (let i = 1; i <= 20; i++) {
    await write('plugin.wasm', versionGuest(String(i % 10)))
    await gateway.reload()
    const soFar = upstream.requests.length
    await until(() => upstream.requests.length > soFar + 30, 'the load goes on')
  }
  const { requests, failures } = await load.stop()
  assert.equal(failures, [])
  assert.ok(requests > 600, String(requests))
  assert.ok(seen.size > 5, [...seen].join())
})

test('a filter is added, moved, given other parameters and removed under load without loss', async () => {
  const upstream = await startUpstream(cleanup)
  const plain = config(upstream.url, '')
  const added = config(upstream.url, PLUGIN)
  const second = `  - name: adaptor\n    kind: RequestAdaptor\n    header:\n      set:\n        x-a: "1"`
  const before = config(upstream.url, `${PLUGIN}\n${second}`)
  const moved = config(upstream.url, `${second}\n${PLUGIN}`)
  const other = config(upstream.url, `${PLUGIN}\n    parameters:\n      any: "thing"`)
  const routed = config(upstream.url, '', '', '- path: /other\n        backend: main')
  const { gateway, port, write } = await startGateway(
    cleanup,
    plain,
    { 'plugin.wasm': versionGuest('1') },
    { watch: false },
  )
  const load = startLoad(port, '/', 16, ({ status }) =>
    status === 200 ? null : `status ${status}`,
  )
  for (let round = 0; round < 4; round++) {
    for (const yaml of [added, before, moved, other, routed]) {
      await write('gateway.yaml', yaml)
      await gateway.reload()
      const soFar = upstream.requests.length
      await until(() => upstream.requests.length > soFar + 20, 'the load goes on')
    }
  }
  const { failures } = await load.stop()
  assert.equal(failures, [])
  assert.is(gateway.control.status().find((one) => one.name === 'main')?.generation, 21)
})

test('broken modules, an empty file among them (W01), are refused under load with a reason, and the old one goes on', async () => {
  const upstream = await startUpstream(cleanup)
  const good = versionGuest('1')
  const { gateway, port, write, lines } = await startGateway(
    cleanup,
    config(upstream.url, PLUGIN),
    { 'plugin.wasm': good },
    { watch: false },
  )
  const load = startLoad(port, '/', 8, ({ status, headers }) =>
    status === 200 && headers['x-version'] === '1' ? null : `status ${status}`,
  )
  const broken: [Uint8Array | string, RegExp][] = [
    [good.subarray(0, good.length - 9), /refused/],
    ['<html>not found</html>', /not a WebAssembly module/],
    ['', /empty/],
    [trapsAtStart(), /failed while it started/],
    [unknownImport(), /imports what this host does not have: .*launch_missiles/],
  ]
  for (const [bytes, message] of broken) {
    lines.length = 0
    await write('plugin.wasm', bytes)
    await gateway.reload()
    assert.match(lines.find((line) => line.includes('refused')) ?? '', message)
  }
  await write('plugin.wasm', good)
  await gateway.reload()
  const { failures } = await load.stop()
  assert.equal(failures, [])
  assert.is(gateway.control.statusOf('main')?.error, null)
})

test('a save is live soon, without any command', async () => {
  const upstream = await startUpstream(cleanup)
  const { get, write } = await startGateway(cleanup, config(upstream.url, PLUGIN), {
    'plugin.wasm': versionGuest('1'),
  })
  assert.is((await get('/')).headers['x-version'], '1')
  await write('plugin.wasm', versionGuest('2'))
  await until(async () => (await get('/')).headers['x-version'] === '2', 'the new plugin is live')
  await write('gateway.yaml', config(upstream.url, ''))
  await until(async () => (await get('/')).headers['x-version'] === undefined, 'the filter is gone')
})

test('a request that is under way keeps the version it started with, which is then freed', async () => {
  const waiting: (() => void)[] = []
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    waiting.push(() => outgoing.end('ok'))
  })
  const { gateway, get, write } = await startGateway(
    cleanup,
    config(upstream.url, PLUGIN),
    { 'plugin.wasm': versionGuest('1') },
    { watch: false },
  )
  const old = get('/')
  await until(() => waiting.length === 1, 'the upstream was asked')
  await write('plugin.wasm', versionGuest('2'))
  await gateway.reload()
  const fresh = get('/')
  await until(() => waiting.length === 2, 'the upstream was asked again')
  for (const answer of waiting) answer()
  assert.is((await old).headers['x-version'], '1')
  assert.is((await fresh).headers['x-version'], '2')
})

test('an endless loop on one request in twenty leaves the others alone', async () => {
  const upstream = await startUpstream(cleanup)
  const { port, gateway } = await startGateway(
    cleanup,
    config(
      upstream.url,
      '  - name: plugin\n    kind: WasmHost\n    code: plugin.wasm\n    timeout: 500ms\n    queueTimeout: 20s',
    ),
    { 'plugin.wasm': loopingGuest() },
    { watch: false },
  )
  const good: Promise<number>[] = []
  const bad: Promise<number>[] = []
  for (let i = 0; i < 100; i++) {
    const isBad = i % 20 === 7
    const answer = fetchFrom(port, '/', { headers: isBad ? { loop: '1' } : {} })
    ;(isBad ? bad : good).push(answer.then((one) => one.status))
  }
  assert.equal(new Set(await Promise.all(good)), new Set([200]))
  assert.equal(new Set(await Promise.all(bad)), new Set([503]))
  assert.ok(gateway.control.statusOf('main'))
})

test('a trap becomes the result wasmError, which can jump; without a jump the client gets a 503', async () => {
  const upstream = await startUpstream(cleanup)
  const trapping = wat(
    '(module (memory (export "memory") 1) (func (export "penstock_on_request") (result i32) unreachable))',
  )
  const first = await startGateway(cleanup, config(upstream.url, PLUGIN), {
    'plugin.wasm': trapping,
  })
  const refused = await first.get('/')
  assert.is(refused.status, 503)
  assert.ok(refused.headers['x-request-id'] !== undefined)
  assert.not.match(refused.body, /unreachable|wasm/)
  assert.is(upstream.requests.length, 0)
  const flow = 'flow:\n  - filter: plugin\n    jumpIf: { wasmError: proxy }\n  - filter: proxy'
  const second = await startGateway(cleanup, config(upstream.url, PLUGIN, flow), {
    'plugin.wasm': trapping,
  })
  assert.is((await second.get('/')).status, 200)
})

function trapsAtStart(): Uint8Array {
  return guestOf('(func (export "_initialize") unreachable)')
}

function unknownImport(): Uint8Array {
  return guestOf('', '(import "penstock_v1" "launch_missiles" (func))')
}

function guestOf(code: string, imports = ''): Uint8Array {
  return wat(
    `(module ${imports} (memory (export "memory") 1) ${code} (func (export "penstock_on_request") (result i32) (i32.const 0)))`,
  )
}
