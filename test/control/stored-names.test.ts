import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { namesWith, storedNamesIn } from '../../host/control/stored-names.ts'
import { PluginCatalog } from '../../host/wasm/plugin-catalog.ts'
import { PluginStore } from '../../host/wasm/plugin-store.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('control/stored-names')
let dataDir = ''
let catalog: PluginCatalog

test.before.each(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'penstock-names-'))
  catalog = new PluginCatalog(new PluginStore(dataDir).catalogFile)
})
test.after.each(() => rm(dataDir, { recursive: true }))

const push = (version: string) =>
  catalog.add('limit', { version, digest: `sha256:${version}`, bytes: 8, at: '', by: '' }, 'test')

test('a data directory tells its plugins and their versions', async () => {
  assert.is(await storedNamesIn(dataDir), null)
  assert.is(await storedNamesIn(join(dataDir, 'not there')), null)
  await push('1.0.0')
  await push('1.1.0')
  assert.equal([...((await storedNamesIn(dataDir)) ?? [])], [['limit', ['1.0.0', '1.1.0']]])
})

test('what is named already counts as stored', async () => {
  await push('1.0.0')
  const names = await namesWith(catalog, ['limit@0.9.0', 'gone', 'other@1', '', 'No Name'])
  assert.equal(
    [...names],
    [
      ['limit', ['1.0.0', '0.9.0']],
      ['gone', []],
      ['other', ['1']],
    ],
  )
})
