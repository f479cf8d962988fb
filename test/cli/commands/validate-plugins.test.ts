import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PluginCatalog } from '../../../host/wasm/plugin-catalog.ts'
import { PluginStore } from '../../../host/wasm/plugin-store.ts'
import { assert, suite } from '../../support/suite.ts'
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
