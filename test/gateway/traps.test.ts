import { buildFragilePlugin, urlContent } from '../support/fragile-plugin.ts'
import { Cleanup, startGateway } from '../support/gateway.ts'
import { onePipeline } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'
import { withCustomSection } from '../support/wat.ts'

const test = suite('gateway/traps', { timeoutMs: 120_000 })

const cleanup = new Cleanup()
test.after(() => cleanup.run())

test('a trap in a filter is logged with the file, line and column it came from', async () => {
  const { file: beside, wasm, map } = await buildFragilePlugin(cleanup)
  const url = urlContent(`data:application/json;base64,${map.toString('base64')}`)
  const inside = Buffer.from(withCustomSection(wasm, 'sourceMappingURL', url)).toString('base64')
  for (const [isolation, code] of [
    ['worker', beside],
    ['inline', beside],
    ['worker', inside],
  ]) {
    const { get, lines } = await startGateway(
      cleanup,
      onePipeline(`  - { name: plugin, kind: WasmHost, isolation: ${isolation}, timeout: 5s, code: ${code} }
  - { name: mock, kind: Mock, rules: [{ body: fine }] }`),
      {},
      { watch: false },
    )
    assert.is((await get('/')).body, 'fine')
    const broken = await get('/', { headers: { break: '1' } })
    assert.is(broken.status, 503)
    const line = lines.map((text) => JSON.parse(text)).find((one) => one.result === 'wasmError')
    assert.match(line.at, /fragile-\w+\/index\.ts:9:\d+|^index\.ts:9:\d+/)
    assert.is(line.requestId, broken.headers['x-request-id'])
    assert.match(line.msg, /Index out of range/)
    assert.ok(line.trace.length > 0)
    assert.not(broken.body.includes('index.ts'))
  }
})
