import { Cleanup } from '../support/gateway.ts'
import { pipelineYaml, refusal, startPipeline } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'
import { wat } from '../support/wat.ts'

const test = suite('filters/wasm-host', { timeoutMs: 60_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

/** A guest of Easegress whose `wasm_run` answers `result`. */
const guest = (result: number): Uint8Array =>
  wat(`(module
  (memory (export "memory") 1)
  (func (export "wasm_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "wasm_free") (param i32))
  (func (export "wasm_run") (result i32) (i32.const ${result})))`)

const TRAPS = wat(`(module
  (memory (export "memory") 1)
  (func (export "wasm_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "wasm_free") (param i32))
  (func (export "wasm_run") (result i32) unreachable))`)

const filters = (
  fields = '',
): string => `- { name: plugin, kind: WasmHost, code: plugin.wasm${fields} }
- { name: next, kind: Mock, rules: [{ body: next }] }
- { name: jumped, kind: Mock, rules: [{ body: jumped }] }`

const flow = (result: string): string =>
  `- { filter: plugin, jumpIf: { ${result}: jumped } }\n- filter: next\n- filter: END\n- filter: jumped`

test('0 goes on, other numbers are the results a flow can jump from', async () => {
  const files = { 'plugin.wasm': guest(0) }
  const { get, write, gateway } = await startPipeline(
    cleanup,
    filters(),
    flow('wasmResult3'),
    files,
  )
  assert.is((await get('/')).body, 'next')
  await write('plugin.wasm', guest(3))
  assert.equal(await gateway.reload(), [])
  assert.is((await get('/')).body, 'jumped')
})

test('a trap is wasmError: it jumps, else it fails the request, or goes on where it may', async () => {
  const files = { 'plugin.wasm': TRAPS }
  const jumping = await startPipeline(cleanup, filters(), flow('wasmError'), files)
  assert.is((await jumping.get('/')).body, 'jumped')
  const closed = await startPipeline(cleanup, filters(), '', files)
  assert.is((await closed.get('/')).status, 503)
  const open = await startPipeline(cleanup, filters(', failPolicy: open'), '', files)
  assert.is((await open.get('/')).status, 200)
})

test('a module that cannot be used keeps the former one serving', async () => {
  const started = await startPipeline(cleanup, filters(), flow('wasmResult3'), {
    'plugin.wasm': guest(3),
  })
  await started.write('plugin.wasm', 'no module')
  assert.ok((await started.gateway.reload()).length > 0)
  assert.is((await started.get('/')).body, 'jumped')
})

test('wrong limits have their messages; a module that is missing serves once it is there', async () => {
  assert.equal(await refusal(cleanup, filters(', maxConcurrency: 0, timeout: 5')), [
    '`maxConcurrency` takes at least 1, not the number 0',
    'a duration is text: a number and a unit, such as "100ms" or "10s"',
  ])
  const { get, write, gateway } = await startPipeline(cleanup, filters())
  assert.is((await get('/')).status, 503)
  await write('gateway.yaml', pipelineYaml(filters()))
  await write('plugin.wasm', guest(0))
  await gateway.reload()
  assert.is((await get('/')).body, 'next')
})
