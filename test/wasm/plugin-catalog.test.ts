import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isGatewayError } from '../../host/errors.ts'
import { EVENTS_KEPT, PluginCatalog } from '../../host/wasm/plugin-catalog.ts'
import { Cleanup } from '../support/gateway.ts'
import { temporaryFolder } from '../support/guest.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('wasm/plugin-catalog')

const cleanup = new Cleanup()
test.after(() => cleanup.run())

const add = (catalog: PluginCatalog, name: string, version: string, digest = version) =>
  catalog.add(name, { version, digest, bytes: 1, at: 'now', by: 'me' }, 'pushed')

async function message(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (isGatewayError(error)) return `${error.code} ${error.message}`
    throw error
  }
  return ''
}

test('the first version of a name is promoted, later ones wait, and all of it is there after a restart', async () => {
  const file = join(await temporaryFolder(cleanup), 'plugins', 'catalog.json')
  const catalog = new PluginCatalog(file)
  assert.ok(await add(catalog, 'limit', '1'))
  assert.ok(await add(catalog, 'limit', '2'))
  for (const one of [catalog, new PluginCatalog(file)]) {
    assert.is((await one.version({ name: 'limit', version: null })).version, '1')
    assert.is((await one.version({ name: 'limit', version: '2' })).digest, '2')
    const { history } = await one.get('limit')
    assert.equal(
      history.map(({ action, version }) => `${action} ${version}`),
      ['pushed 1', 'promoted 1', 'pushed 2'],
    )
  }
})

test('a version never changes; the same module again is no change', async () => {
  const catalog = new PluginCatalog(join(await temporaryFolder(cleanup), 'catalog.json'))
  await add(catalog, 'limit', '1')
  assert.not(await add(catalog, 'limit', '1'))
  assert.is(
    await message(add(catalog, 'limit', '1', 'other')),
    'PLUGIN_VERSION_TAKEN limit@1 is another module already, 1',
  )
  assert.match(
    await message(add(catalog, 'Limit', '1')),
    /^PLUGIN_UNNAMED "Limit" cannot be the name/,
  )
  assert.match(
    await message(add(catalog, 'limit', '-')),
    /^PLUGIN_UNNAMED "-" cannot be the version/,
  )
})

test('what is not there is told with what is near', async () => {
  const catalog = new PluginCatalog(join(await temporaryFolder(cleanup), 'catalog.json'))
  await add(catalog, 'limit', '1.0.0')
  assert.match(
    await message(catalog.version({ name: 'limti', version: null })),
    'there is no plugin limti in the store (did you mean "limit"?)',
  )
  assert.match(
    await message(catalog.version({ name: 'limit', version: '1.0.1' })),
    'there is no plugin limit@1.0.1 in the store (did you mean "limit@1.0.0"?)',
  )
})

test('a plugin without versions is gone, and history has an end', async () => {
  const catalog = new PluginCatalog(join(await temporaryFolder(cleanup), 'catalog.json'))
  await add(catalog, 'limit', '1')
  const event = { version: '1', at: 'now', by: 'me', reason: 'x' }
  for (let i = 0; i < EVENTS_KEPT + 5; i++) {
    await catalog.change('limit', {}, { ...event, action: 'promoted' })
  }
  assert.is((await catalog.get('limit')).history.length, EVENTS_KEPT)
  await catalog.remove('limit', '1', { ...event, action: 'removed' })
  assert.equal(await catalog.list(), [])
})

test('a list that cannot be read is an empty one, and says so', async () => {
  const file = join(await temporaryFolder(cleanup), 'catalog.json')
  await writeFile(file, '{ "limit": ')
  const warnings: string[] = []
  const listen = (warning: Error): void => void warnings.push(warning.message)
  process.on('warning', listen)
  assert.equal(await new PluginCatalog(file).list(), [])
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', listen)
  assert.match(warnings.join(), 'is ignored')
})
