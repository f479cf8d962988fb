import { readdir, readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { readToken } from '../../host/admin/token-file.ts'
import { SOURCE_MAP_MAX_BYTES } from '../../host/wasm/source-map.ts'
import { buildFragilePlugin, type FragilePlugin, placeOfTrap } from '../support/fragile-plugin.ts'
import { Cleanup, until } from '../support/gateway.ts'
import { namedGuest } from '../support/named-guests.ts'
import { type PluginGateway, startPluginGateway } from '../support/plugin-gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/pushed-source-maps', { timeoutMs: 120_000 })

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

const FOLLOWING = 'plugin: fragile, timeout: 5s, grant: { headers: { read: [break] } }'
const NO_LINE = 'The module was, but its traps are logged without a line.'

/** The files that a push finds: module and map, away from their sources. */
const files = (map: Uint8Array = built.map) => ({
  '1.wasm': namedGuest('1'),
  'fragile.wasm': built.wasm,
  'fragile.wasm.map': map,
})

const startFiltered = (map?: Uint8Array) =>
  startPluginGateway(cleanup, 'code: 1.wasm, timeout: 5s', files(map))

const pushInto = (at: PluginGateway) => at.plugin('push', 'fragile.wasm', '--filter', 'main/plugin')

test('a trap of a module that was pushed into a filter is logged with its line', async () => {
  const at = await startFiltered()
  const pushed = await pushInto(at)
  assert.is(pushed.err, '')
  assert.is(pushed.code, 0)
  assert.match(await placeOfTrap(at), /^fragile-\w+\/index\.ts:9:\d+/)
  assert.match(
    (await at.plugin('inspect', 'main/plugin')).out,
    /^source map +kept with the module$/m,
  )
})

test('the map of a stored module stays over a restart, and goes with the module', async () => {
  const at = await startPluginGateway(cleanup, FOLLOWING, files())
  const pushed = await at.plugin('push', 'fragile.wasm', '--as', 'fragile@1.0.0')
  assert.is(pushed.err, '')
  await until(async () => (await at.get('/')).status === 200, 'it is loaded')
  assert.match(await placeOfTrap(at), /index\.ts:9:/)
  await at.gateway.close()
  const again = await startPluginGateway(cleanup, FOLLOWING, files(), at.dataDir)
  assert.match(await placeOfTrap(again), /index\.ts:9:/)
  const inspected = await again.plugin('inspect', 'fragile@1.0.0', '-o', 'json')
  assert.is(JSON.parse(inspected.out).module.sourceMap, 'stored')

  await again.plugin('push', 'fragile.wasm', '--as', 'other@1.0.0')
  const kept = async () => (await readdir(join(at.dataDir, 'plugins/sha256'))).toSorted()
  assert.equal(
    (await kept()).map((name) => name.slice(64)),
    ['.wasm', '.wasm.map'],
  )
  assert.is((await again.plugin('rm', 'other')).code, 0)
  assert.is((await kept()).length, 2, 'the other name still needs both')
})

test('a module that is removed takes its map along', async () => {
  const at = await startFiltered()
  await at.plugin('push', 'fragile.wasm', '--as', 'fragile@1.0.0')
  const kept = async () => (await readdir(join(at.dataDir, 'plugins/sha256'))).length
  assert.is(await kept(), 3, 'the module of the filter, the pushed one and its map')
  assert.is((await at.plugin('rm', 'fragile')).code, 0)
  assert.is(await kept(), 1)
})

test('the sources that a map holds are not kept', async () => {
  const at = await startFiltered()
  assert.match(built.map.toString(), 'class Fragile')
  await pushInto(at)
  const folder = join(at.dataDir, 'plugins/sha256')
  const name = (await readdir(folder)).find((one) => one.endsWith('.map')) ?? ''
  const kept = await readFile(join(folder, name), 'utf8')
  assert.not(kept.includes('class Fragile'))
  assert.equal(JSON.parse(kept).mappings, JSON.parse(built.map.toString()).mappings)
})

test('a map that cannot be used costs a warning, not the push', async () => {
  const cases: [map: Uint8Array, reason: string][] = [
    [Buffer.from('{'), 'it is no JSON text'],
    [Buffer.from('{"version":2}'), 'its field version is not that of a map of version 3'],
    [Buffer.alloc(SOURCE_MAP_MAX_BYTES + 1), `more than the ${SOURCE_MAP_MAX_BYTES} it may have`],
  ]
  for (const [map, reason] of cases) {
    const at = await startFiltered(map)
    const { code, out, err } = await pushInto(at)
    assert.is(code, 0)
    assert.match(out, 'main/plugin runs')
    assert.match(err, `warning: fragile.wasm.map was not kept: the source map cannot be used: `)
    assert.match(err, reason)
    assert.match(err, NO_LINE)
    assert.match(await placeOfTrap(at), /^offset 0x[0-9a-f]+/)
    assert.match((await at.plugin('inspect', 'main/plugin')).out, /^source map +none: /m)
    await at.write('fragile.wasm.map', built.map)
    assert.is((await pushInto(at)).err, '')
    assert.match(await placeOfTrap(at), /index\.ts:9:/, 'the same module with its map')
  }
})

test('inspect tells of a map that lies beside the module of a file', async () => {
  const { 'fragile.wasm.map': map, ...rest } = files()
  const at = await startPluginGateway(cleanup, 'code: fragile.wasm, timeout: 5s', rest)
  await at.write('fragile.wasm.map', map)
  assert.match((await at.plugin('inspect', 'main/plugin')).out, /^source map +beside the module$/m)
  await at.plugin('push', '1.wasm', '--filter', 'main/plugin')
  assert.match((await at.plugin('inspect', 'main/plugin')).out, /^source map +none: /m)
})

test('the API takes the map of a stored module only, as JSON, and no more than its limit', async () => {
  const at = await startFiltered()
  const token = (await readToken(at.dataDir)) ?? ''
  const put = (digest: string, body: Uint8Array, type = 'application/json') =>
    send(at.gateway.adminPort ?? 0, token, digest, body, type)
  const unknown = await put(`sha256:${'0'.repeat(64)}`, built.map)
  assert.equal([unknown.status, unknown.code], [404, 'OBJECT_NOT_FOUND'])
  const outside = await put('sha256:../../filters', built.map)
  assert.equal([outside.status, outside.code], [404, 'OBJECT_NOT_FOUND'])
  const digest = JSON.parse((await pushedDigest(at)).out).digest
  const large = await put(digest, Buffer.alloc(SOURCE_MAP_MAX_BYTES + 1))
  assert.equal([large.status, large.code], [413, 'ADMIN_BODY_TOO_LARGE'])
  const form = await put(digest, built.map, 'text/plain')
  assert.equal([form.status, form.code], [415, 'ADMIN_MEDIA_TYPE'])
  const none = await put(digest, Buffer.from('[]'))
  assert.equal([none.status, none.code], [422, 'PLUGIN_SOURCE_MAP'])
  assert.is((await put(digest, built.map)).status, 200)
})

const pushedDigest = (at: PluginGateway) =>
  at.plugin('push', '1.wasm', '--filter', 'main/plugin', '-o', 'json')

/** One call of the API; the status, and the code of a problem. */
function send(
  port: number,
  token: string,
  digest: string,
  body: Uint8Array,
  type: string,
): Promise<{ readonly status: number; readonly code: string | undefined }> {
  const path = `/apis/v2/plugin-source-maps/${encodeURIComponent(digest)}`
  const headers = { authorization: `Bearer ${token}`, 'content-type': type }
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path, method: 'PUT', headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const { code } = JSON.parse(Buffer.concat(chunks).toString('utf8'))
        resolve({ status: response.statusCode ?? 0, code })
      })
    })
    call.on('error', reject)
    call.end(body)
  })
}
