import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PluginCatalog } from '../../../host/wasm/plugin-catalog.ts'
import { PluginStore } from '../../../host/wasm/plugin-store.ts'
import { assert, suite } from '../../support/suite.ts'
import { wat, withCustomSection } from '../../support/wat.ts'
import { run } from '../support.ts'

const test = suite('cli/commands/validate-plugins')
let cwd = ''

test.before.each(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'penstock-validate-'))
  const text =
    'name: main\nkind: Pipeline\nfilters:\n  - name: f\n    kind: WasmHost\n    plugin: limt\n'
  await writeFile(join(cwd, 'g.yaml'), text)
})
test.after.each(() => rm(cwd, { recursive: true }))

const store = (dataDir: string): Promise<boolean> =>
  new PluginCatalog(new PluginStore(dataDir).catalogFile).add(
    'limit',
    { version: '1.0.0', digest: 'sha256:0', bytes: 8, at: '', by: '' },
    'test',
  )

const validate = (...more: readonly string[]) => run(['validate', '-f', 'g.yaml', ...more], { cwd })

test('a plugin that is not in the store beside the configuration is an error with its place', async () => {
  await store(join(cwd, '.penstock'))
  const { code, err } = await validate()
  assert.is(code, 1)
  assert.match(err, /^g\.yaml:6:13: error: there is no plugin "limt" in the store, only limit/)
  assert.match(err, '(did you mean "limit"?)')
})

test('the store may be elsewhere, and a data directory that is named is believed to be one', async () => {
  await store(join(cwd, 'elsewhere'))
  assert.match((await validate('--data-dir', 'elsewhere')).err, 'only limit')
  assert.match((await validate('--data-dir', 'empty')).err, 'which has nothing')
})

test('without a store the name cannot be checked', async () => {
  assert.is((await validate()).code, 0)
})

/** Declares one result and two parameters. */
const MODULE = withCustomSection(
  wat(`(module (memory (export "memory") 1)
    (func (export "penstock_on_request") (result i32) (i32.const 0)))`),
  'penstock',
  Buffer.from(
    JSON.stringify({
      abi: 'penstock_v1',
      name: 'limit',
      version: '1.0.0',
      phases: ['request'],
      results: ['limited'],
      parameters: { rate: { type: 'number', required: true }, header: { type: 'string' } },
    }),
  ),
)

const withModule = (code: string, jump: string, parameters: string): string => `name: main
kind: Pipeline
flow:
  - { filter: f, jumpIf: { ${jump}: END } }
filters:
  - name: f
    kind: WasmHost
    code: ${code}
    parameters: ${parameters}
`

test('a parameter and a jump that the module does not have are errors with their places', async () => {
  await writeFile(join(cwd, 'limit.wasm'), MODULE)
  for (const code of ['limit.wasm', Buffer.from(MODULE).toString('base64')]) {
    await writeFile(join(cwd, 'g.yaml'), withModule(code, 'limitd', '{ rte: 5, header: 1 }'))
    const { code: exit, err } = await validate()
    assert.is(exit, 1)
    assert.match(err, /g\.yaml:4:28: error: "limitd" is not a result of "f" \(WasmHost\): it has /)
    assert.match(err, '(did you mean "limited"?)')
    assert.match(err, /g\.yaml:9:24: error: unknown parameter "rte" \(did you mean "rate"\?\)/)
    assert.match(err, /g\.yaml:8:11: error: parameter "rate" is required/)
  }
  await writeFile(join(cwd, 'g.yaml'), withModule('limit.wasm', 'limited', '{ rate: fast }'))
  assert.match((await validate()).err, 'parameter "rate" is "fast", which is no number')
  await writeFile(join(cwd, 'g.yaml'), withModule('limit.wasm', 'wasmError', '{ rate: 2.5 }'))
  assert.is((await validate()).code, 0)
})

test('a module that is not there yet is looked at when it is opened', async () => {
  await writeFile(join(cwd, 'g.yaml'), withModule('limit.wasm', 'anything', '{ any: thing }'))
  assert.is((await validate()).code, 0)
})
