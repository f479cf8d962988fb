import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { buildFragilePlugin, type FragilePlugin, placeOfTrap } from '../support/fragile-plugin.ts'
import { Cleanup } from '../support/gateway.ts'
import { namedGuest } from '../support/named-guests.ts'
import { type PluginGateway, startPluginGateway } from '../support/plugin-gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/kept-source-maps', { timeoutMs: 120_000 })

const forAll = new Cleanup()
let cleanup = new Cleanup()
let built: FragilePlugin
test.before(async () => {
  built = await buildFragilePlugin(forAll)
})
test.after(() => forAll.run())
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

/** A map that leads every offset to a line that no trap of these modules comes from. */
const OTHER_MAP = Buffer.from(
  JSON.stringify({ version: 3, sources: ['other.ts'], names: [], mappings: 'AAUA' }),
)

const fragile = (map: Uint8Array = built.map) => ({ 'x.wasm': built.wasm, 'x.wasm.map': map })
const next = () => ({ 'x.wasm': namedGuest('2'), 'x.wasm.map': OTHER_MAP })

const start = (files: Readonly<Record<string, Uint8Array>>, dataDir?: string) =>
  startPluginGateway(cleanup, 'code: x.wasm, timeout: 5s', files, dataDir)

/** The next version is in the file, with its map, and serves. */
async function replaceBy(at: PluginGateway, files: Readonly<Record<string, Uint8Array>>) {
  for (const [name, bytes] of Object.entries(files)) await at.write(name, bytes)
  await at.gateway.reload()
}

test('a trap of a module from a file is logged with its line after a roll-back and a restart', async () => {
  const at = await start(fragile())
  await replaceBy(at, next())
  assert.is((await at.plugin('rollback', 'main/plugin')).code, 0)
  assert.match(await placeOfTrap(at), /^fragile-\w+\/index\.ts:9:\d+/)
  assert.match(
    (await at.plugin('inspect', 'main/plugin')).out,
    /^source map +kept with the module$/m,
  )
  await at.gateway.close()
  const again = await start(next(), at.dataDir)
  assert.match(await placeOfTrap(again), /^fragile-\w+\/index\.ts:9:\d+/)
})

test('a map that comes after its module takes the place of the one that lay there before', async () => {
  const at = await start(fragile(OTHER_MAP))
  assert.match(await placeOfTrap(at), /^other\.ts:/)
  await at.gateway.close()
  const again = await start(fragile(), at.dataDir)
  assert.match(await placeOfTrap(again), /index\.ts:9:/)
  await replaceBy(again, next())
  assert.is((await again.plugin('rollback', 'main/plugin')).code, 0)
  assert.match(await placeOfTrap(again), /index\.ts:9:/)
})

test('a map that cannot be used costs a line in the log, not the module', async () => {
  const at = await start(fragile(Buffer.from('{')))
  assert.is((await at.get('/')).status, 200)
  const warned = at.lines.filter((line) => line.includes('is not kept'))
  assert.is(warned.length, 1)
  assert.match(warned[0] ?? '', /x\.wasm is not kept: the source map cannot be used: it is no JSON/)
  assert.equal(await mapsOf(at), [])
})

test('a module without a map has none that is kept', async () => {
  const at = await start({ 'x.wasm': built.wasm })
  assert.is((await at.get('/')).status, 200)
  assert.equal(await mapsOf(at), [])
})

async function mapsOf({ dataDir }: PluginGateway): Promise<string[]> {
  const names = await readdir(join(dataDir, 'plugins/sha256'))
  return names.filter((name) => name.endsWith('.map'))
}
