import { freePort } from '../support/free-port.ts'
import { Cleanup, fetchFrom, startUpstream, until } from '../support/gateway.ts'
import { versionGuest } from '../support/guests.ts'
import { startLoad } from '../support/load.ts'
import { startNginx } from '../support/nginx.ts'
import { serve } from '../support/serve.ts'
import { assert, suite } from '../support/suite.ts'

/** 64 connections and changes without end, against nginx, with the gateway in a process of its own. */
const test = suite('system/swap-soak', { timeoutMs: 180_000 })
const CONNECTIONS = 64
/** Swaps of a plugin, over a minute. */
const SWAPS = 200
const SPACING_MS = 300
/** Changes of the configuration, one after another. */
const CHANGES = 100

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

interface Shape {
  readonly port: number
  readonly upstream: number
  readonly filters?: string
  readonly route?: string
}

function config({ port, upstream, filters = PLUGIN, route = '' }: Shape): string {
  return `kind: HTTPServer
name: server
port: ${port}
address: 127.0.0.1
rules:
  - paths:${route}
      - pathPrefix: /
        backend: main
---
kind: Pipeline
name: main
filters:
${filters}
  - name: proxy
    kind: Proxy
    pools:
      - servers:
          - url: http://127.0.0.1:${upstream}
`
}

const PLUGIN = `  - { name: plugin, kind: WasmHost, code: plugin.wasm, timeout: 2s, queueTimeout: 10s }`
const ADAPTOR = `  - { name: adaptor, kind: RequestAdaptor, header: { set: { x-a: "1" } } }`

/** What reaches the upstream comes back in a header, so that each answer shows both of its phases. */
const ECHO = "location / { add_header x-seen $http_x_version; return 200 'ok'; }"

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

test('200 swaps of a plugin in 60 s lose nothing, and every answer is of one version', async () => {
  const upstream = await startNginx(cleanup, ECHO)
  const port = await freePort()
  const admin = await freePort()
  const served = await serve(
    cleanup,
    { 'gateway.yaml': config({ port, upstream }), 'plugin.wasm': versionGuest('0') },
    ['--admin-address', `127.0.0.1:${admin}`, '--no-access-log'],
  )
  const versions = new Set<string>()
  const load = startLoad(port, '/', CONNECTIONS, ({ status, headers }) => {
    versions.add(String(headers['x-version']))
    if (status !== 200) return `status ${status}`
    return headers['x-seen'] === headers['x-version']
      ? null
      : `${headers['x-seen']} on the way in, ${headers['x-version']} on the way out`
  })
  for (let i = 1; i <= SWAPS; i++) {
    const startedAt = performance.now()
    const live = served.log().split('live:').length
    await served.write('plugin.wasm', versionGuest(String(i % 10)))
    await until(() => served.log().split('live:').length > live, `swap ${i} is live`)
    await pause(Math.max(0, SPACING_MS - (performance.now() - startedAt)))
  }
  const { requests, failures } = await load.stop()
  assert.equal(failures.slice(0, 5), [])
  assert.ok(requests > 1_000, String(requests))
  assert.is(versions.size, 10)
  process.stdout.write(`${requests} requests, ${failures.length} failed, ${SWAPS} swaps\n`)
})

test('filters added, moved, changed and removed and routes changed 100 times lose nothing', async () => {
  const upstream = await startNginx(cleanup, ECHO)
  const port = await freePort()
  const base = { port, upstream }
  const shapes = [
    config({ ...base, filters: PLUGIN }),
    config({ ...base, filters: `${PLUGIN}\n${ADAPTOR}` }),
    config({ ...base, filters: `${ADAPTOR}\n${PLUGIN}` }),
    config({
      ...base,
      filters: PLUGIN.replace('timeout: 2s', 'timeout: 3s, parameters: { a: b }'),
    }),
    config({ ...base, filters: ADAPTOR, route: '\n      - { path: /other, backend: main }' }),
  ]
  const served = await serve(
    cleanup,
    { 'gateway.yaml': shapes[4] ?? '', 'plugin.wasm': versionGuest('1') },
    ['--admin-address', 'none', '--no-access-log'],
  )
  const load = startLoad(port, '/', CONNECTIONS, ({ status }) =>
    status === 200 ? null : `status ${status}`,
  )
  for (let i = 0; i < CHANGES; i++) {
    const live = served.log().split('live:').length
    await served.write('gateway.yaml', shapes[i % shapes.length] ?? '')
    await until(() => served.log().split('live:').length > live, `change ${i} is live`)
  }
  const { requests, failures } = await load.stop()
  assert.equal(failures.slice(0, 5), [])
  assert.ok(requests > 1_000, String(requests))
  process.stdout.write(`${requests} requests, ${failures.length} failed, ${CHANGES} changes\n`)
})

test('SIGTERM lets running requests end and exits 0', async () => {
  const waiting: (() => void)[] = []
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    waiting.push(() => outgoing.end('late'))
  })
  const port = await freePort()
  const served = await serve(
    cleanup,
    { 'gateway.yaml': config({ port, upstream: upstream.port, filters: ADAPTOR }) },
    ['--admin-address', 'none', '--no-access-log'],
  )
  const running = Array.from({ length: 8 }, () => fetchFrom(port, '/'))
  await until(() => waiting.length === 8, 'all are under way')
  served.process.kill('SIGTERM')
  await until(() => served.log().includes('stopping'), 'it stops')
  for (const answer of waiting) answer()
  const answers = await Promise.all(running)
  assert.equal(
    answers.map((answer) => `${answer.status} ${answer.body}`),
    Array.from({ length: 8 }, () => '200 late'),
  )
  await until(() => served.process.exitCode !== null, 'it has ended')
  assert.is(served.process.exitCode, 0)
})
