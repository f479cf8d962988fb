import { Cleanup, startGateway, startUpstream } from '../support/gateway.ts'
import { versionGuest } from '../support/guests.ts'
import { onePipeline } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'
import { startInspected } from './support.ts'

const test = suite('inspect/server-timing')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const filtersOf = (url: string): string => `  - { name: plugin, kind: WasmHost, code: plugin.wasm }
  - name: upstream
    kind: Proxy
    pools: [{ servers: [{ url: "${url}" }] }]`
const FLOW = 'flow:\n  - { filter: plugin, alias: first }\n  - { filter: upstream }'
const FILES = { 'plugin.wasm': versionGuest('1') }
const ASKED = { headers: { 'X-Penstock-Timing': '1' } }

test('in development a request that asks for it is answered with one entry for each filter', async () => {
  const upstream = await startUpstream(cleanup)
  const rig = await startInspected(cleanup, onePipeline(filtersOf(upstream.url), FLOW), FILES)
  const answer = await rig.get('/', ASKED)
  // The plugin ran in both phases: one entry.
  assert.match(
    String(answer.headers['server-timing']),
    /^first;desc="WasmHost";dur=\d+\.\d{3}, upstream;desc="Proxy";dur=\d+\.\d{3}$/,
  )
  assert.is(JSON.parse(answer.body).headers['x-penstock-timing'], undefined, 'no filter sees it')
  assert.is((await rig.get('/')).headers['server-timing'], undefined)
})

test('outside of development the header is like any other', async () => {
  const upstream = await startUpstream(cleanup)
  const yaml = onePipeline(filtersOf(upstream.url), FLOW)
  const { get } = await startGateway(cleanup, yaml, FILES, { watch: false })
  const answer = await get('/', ASKED)
  assert.is(answer.headers['server-timing'], undefined)
  assert.is(JSON.parse(answer.body).headers['x-penstock-timing'], '1')
})
