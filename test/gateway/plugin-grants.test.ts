import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { GatewayOptions } from '../../host/gateway.ts'
import { defineHostCall } from '../../host/index.ts'
import { callingPlugin } from '../support/calling-plugin.ts'
import { freePort } from '../support/free-port.ts'
import {
  Cleanup,
  startGateway,
  startUpstream,
  type TestGateway,
  until,
} from '../support/gateway.ts'
import { versionGuest } from '../support/guests.ts'
import { assert, type Suite, suite } from '../support/suite.ts'

const TOKEN = 'a-token-nobody-may-see'
/** Five times the 2 s that are promised on a quiet machine; one after the other they would take 32 s. */
const CALLS_LIMIT_MS = 10_000

let plugin: Uint8Array | null = null

for (const isolation of ['worker', 'inline']) {
  const test: Suite = suite(`gateway/plugin-grants ${isolation}`, { timeoutMs: 120_000 })
  let cleanup = new Cleanup()
  test.before(async () => {
    plugin ??= await callingPlugin()
  })
  test.after.each(async () => {
    await cleanup.run()
    cleanup = new Cleanup()
  })

  /** A gateway whose filter has these fields; `secrets` and host functions are there. */
  const start = async (
    fields: string,
    options: Partial<GatewayOptions> = {},
    more = '',
  ): Promise<TestGateway> => {
    const upstream = await startUpstream(cleanup)
    return startGateway(
      cleanup,
      `kind: HTTPServer
name: server
port: 0
address: 127.0.0.1
rules: [{ paths: [{ path: /plain, backend: plain }, { backend: main }] }]
---
kind: Pipeline
name: main
filters:
  - { name: calling, kind: WasmHost, code: calling.wasm, isolation: ${isolation}, timeout: 2s${fields} }
  - { name: proxy, kind: Proxy, pools: [{ servers: [{ url: "${upstream.url}" }] }] }
---
kind: Pipeline
name: plain
filters:
  - { name: version, kind: WasmHost, code: version.wasm, isolation: ${isolation} }
  - { name: proxy, kind: Proxy, pools: [{ servers: [{ url: "${upstream.url}" }] }] }
${more}`,
      { 'calling.wasm': plugin ?? new Uint8Array(0), 'version.wasm': versionGuest('1') },
      {
        watch: false,
        threads: 1,
        hostCalls: [
          defineHostCall({
            name: 'plan',
            description: 'The plan of a customer.',
            format: 'text',
            call: async (customer, { plugin: name }) => `${name}: ${customer} has gold`,
          }),
        ],
        admin: { address: '127.0.0.1', port: 0 },
        ...options,
      },
    )
  }
  const statusOf = (at: TestGateway): string => JSON.stringify(at.gateway.control.status())

  test('64 requests that each wait 500 ms for a call, on one thread, are done together', async () => {
    const slow = await startUpstream(cleanup, (_, response) => {
      setTimeout(() => response.end('late'), 500)
    })
    const at = await start(
      `, maxConcurrency: 64, grant: { outbound: ["127.0.0.1:${slow.port}"], allowPrivate: true }`,
    )
    const startedAt = performance.now()
    const waiting = Promise.all(Array.from({ length: 64 }, () => at.get(`/call?${slow.url}/`)))
    const others = await Promise.all(Array.from({ length: 20 }, () => at.get('/plain')))
    assert.equal([...new Set(others.map(({ status }) => status))], [200])
    const answers = await waiting
    const tookMs = performance.now() - startedAt
    assert.equal([...new Set(answers.map(({ status, body }) => `${status} ${body}`))], ['200 late'])
    process.stdout.write(`64 calls of 500 ms, ${isolation}: ${Math.round(tookMs)} ms\n`)
    assert.ok(tookMs < CALLS_LIMIT_MS, `${tookMs} ms`)
  })

  test('without a grant there is no network, and each denial is logged and counted', async () => {
    const other = await startUpstream(cleanup)
    const at = await start('')
    const answer = await at.get(`/call?${other.url}/`)
    assert.is(answer.status, 503)
    assert.equal(other.requests, [])
    await until(() => at.lines.some((line) => line.includes('was denied outbound')), 'it is logged')
    const line = at.lines.find((one) => one.includes('plugin failed')) ?? ''
    assert.match(line, /http: not granted/)
    const metrics = await metricsOf(at)
    assert.match(metrics, /penstock_plugin_denials_total\{[^}]*outbound[^}]*\} [1-9]/)
  })

  test('a private address needs allowPrivate, by name too, redirects lead nowhere (X25), and our own listeners are never called', async () => {
    const other = await startUpstream(cleanup, (_, response) => {
      response.writeHead(302, { location: '/elsewhere' }).end('moved')
    })
    const hosts = `"127.0.0.1:${other.port}", "localhost:${other.port}", "*.example.com"`
    const strict = await start(`, grant: { outbound: [${hosts}] }`)
    for (const host of ['127.0.0.1', 'localhost']) {
      assert.is((await strict.get(`/call?http://${host}:${other.port}/`)).status, 503)
    }
    assert.ok(strict.lines.some((line) => line.includes('is a private address')))
    assert.equal(other.requests, [])
    const port = await freePort()
    const at = await start(
      `, grant: { outbound: [${hosts}, "localhost:${port}", "127.0.0.1:${port}"], allowPrivate: true }`,
      {},
      `---
kind: HTTPServer
name: second
port: ${port}
address: 127.0.0.1
rules: []
`,
    )
    const moved = await at.get(`/call?http://localhost:${other.port}/`)
    assert.is(moved.status, 302, 'a redirect is an answer')
    assert.is(moved.headers['x-location'], 'yes')
    assert.is(other.requests.length, 1)
    for (const host of ['127.0.0.1', 'localhost']) {
      assert.is((await at.get(`/call?http://${host}:${port}/`)).status, 503)
    }
    assert.ok(at.lines.some((line) => line.includes('is a listener of this gateway')))
    assert.is((await at.get(`/call?http://other.test:${other.port}/`)).status, 503)
  })

  test('a function of the embedding program is called when it is granted', async () => {
    const at = await start(', grant: { functions: [plan] }')
    assert.is((await at.get('/plan')).body, 'calling: acme has gold')
    const without = await start('')
    assert.is((await without.get('/plan')).status, 503)
  })

  test('a secret reaches the guest and nothing else', async () => {
    process.env['PENSTOCK_TEST_TOKEN'] = TOKEN
    const at = await start(`, secrets: { token: "\${env:PENSTOCK_TEST_TOKEN}" }`)
    assert.is((await at.get('/secret')).body, String(TOKEN.length))
    await until(
      () => at.lines.some((line) => line.includes('the token is [secret]')),
      'it is logged',
    )
    assert.not.match(at.lines.join('\n'), TOKEN)
    assert.not.match(statusOf(at), TOKEN)
    assert.not.match(JSON.stringify(at.gateway.control.get('main')), TOKEN)
    assert.not.match(await metricsOf(at), TOKEN)
    assert.match(statusOf(at), 'secrets token')
  })

  test('metrics of a guest are in /metrics with its labels', async () => {
    const other = await startUpstream(cleanup, (_, response) => void response.end('x'.repeat(50)))
    const at = await start(`, grant: { outbound: ["127.0.0.1:${other.port}"], allowPrivate: true }`)
    for (let i = 0; i < 3; i++) await at.get(`/call?${other.url}/`)
    const metrics = await metricsOf(at)
    const labels = 'pipeline="main",filter="calling",plugin="calling"'
    assert.ok(metrics.includes(`penstock_plugin_custom_calls_total{${labels}} 3`), metrics)
    assert.ok(metrics.includes(`penstock_plugin_custom_level{${labels}} 3`))
    assert.ok(metrics.includes(`penstock_plugin_custom_sizes_bucket{${labels},le="100"} 3`))
    assert.ok(metrics.includes(`penstock_plugin_custom_sizes_sum{${labels}} 150`))
    const without = await start(', grant: { metrics: false }')
    assert.is((await without.get('/random')).body, '16')
    assert.not.match(await metricsOf(without), 'plugin_custom')
  })

  test('what the operator narrows is denied: headers, answers, data', async () => {
    const at = await start(', grant: { headers: { read: ["*"], write: [x-seen] } }')
    const headers = { authorization: 'Bearer x', 'x-plain': '1' }
    assert.is((await at.get('/token', { headers })).status, 503)
    const passed = await at.get('/', { headers })
    assert.is(JSON.parse(passed.body).headers['x-seen'], 'yes')
    assert.is(JSON.parse(passed.body).headers['authorization'], 'Bearer x', 'it is still there')
    const blind = await start(', grant: { headers: { read: [x-plain], write: [] }, data: false }')
    assert.is((await blind.get('/')).status, 503, 'it may not write x-seen')
    assert.is((await blind.get('/store')).status, 503)
    const mute = await start(', grant: { reply: false }')
    assert.is((await mute.get('/random')).status, 503)
    const named = await start(', grant: { headers: { read: [authorization] } }')
    assert.is((await named.get('/token', { headers })).body, 'Bearer x')
    const view = statusOf(named)
    assert.match(view, '"headers.read authorization"')
    assert.match(view, '"denied":[')
  })
}

async function metricsOf({ gateway, dir }: TestGateway): Promise<string> {
  const token = await readFile(join(dir, '.penstock', 'admin.token'), 'utf8')
  const headers = { authorization: `Bearer ${token.trim()}` }
  const response = await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`, { headers })
  return await response.text()
}
