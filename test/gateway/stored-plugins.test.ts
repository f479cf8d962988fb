import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Cleanup, until } from '../support/gateway.ts'
import { versionGuest } from '../support/guests.ts'
import { ALWAYS_TRAPPING, NAMED_GRANT, NOT_STARTING, namedGuest } from '../support/named-guests.ts'
import { startPluginGateway } from '../support/plugin-gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/stored-plugins', { timeoutMs: 120_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const FILES = {
  '1.wasm': namedGuest('1'),
  '2.wasm': namedGuest('2'),
  '3.wasm': namedGuest('3'),
  'unnamed.wasm': versionGuest('9'),
}

const FOLLOWING = `plugin: greeter, ${NAMED_GRANT}`
const JUMPING = 'flow: [{ filter: plugin, jumpIf: { limited: END } }, { filter: proxy }]'
const PINNED = `plugin: greeter@1.0.0, ${NAMED_GRANT}`

test('plugin: name runs the first version that is pushed, and then what is promoted', async () => {
  const at = await startPluginGateway(cleanup, FOLLOWING, FILES)
  assert.is((await at.get('/')).status, 503, 'there is nothing to run yet')
  const first = await at.plugin('push', '1.wasm')
  assert.is(first.err, '')
  assert.match(first.out, /^greeter@1\.0\.0 \(\w{12}\) is stored and promoted/)
  await until(async () => (await at.version()) === '1', 'it is loaded', 20_000)
  const second = await at.plugin('push', '2.wasm')
  assert.match(
    second.out,
    'greeter still runs 1.0.0, until "penstock plugin promote greeter@2.0.0"',
  )
  assert.is(await at.version(), '1')
  const promoted = await at.plugin('promote', 'greeter@2.0.0', '--reason', 'it is time')
  assert.is(promoted.out, 'greeter runs 2.0.0 now in main\n')
  assert.is(await at.version(), '2')
})

test('a roll-back goes to what was promoted before, and never to what was rolled back itself', async () => {
  const at = await startPluginGateway(cleanup, FOLLOWING, FILES)
  for (const version of ['1', '2', '3']) {
    await at.plugin('push', `${version}.wasm`)
    await at.plugin('promote', `greeter@${version}.0.0`)
  }
  const wrong = await at.plugin('rollback', 'greeter', '--reason', 'wrong greeting', '--by', 'anna')
  assert.is(wrong.out, 'greeter is back at 2.0.0 in main\n')
  assert.is(await at.version(), '2')
  assert.is((await at.plugin('rollback', 'greeter')).out, 'greeter is back at 1.0.0 in main\n')
  const none = await at.plugin('rollback', 'greeter')
  assert.is(none.code, 1)
  assert.match(none.err, 'greeter has no earlier version to go back to')
  const { out } = await at.plugin('inspect', 'greeter')
  assert.match(out, /rolled back 2\.0\.0: wrong greeting, by \S*127\.0\.0\.1, said to be anna/)
  assert.match(out, /3\.0\.0, withdrawn: wrong greeting/)
})

test('a pin stays, over promotions and a restart, and cannot be rolled back', async () => {
  const at = await startPluginGateway(cleanup, PINNED, FILES)
  await at.plugin('push', '1.wasm')
  await at.plugin('push', '2.wasm')
  await at.plugin('promote', 'greeter@2.0.0')
  await until(async () => (await at.version()) === '1', 'the pinned version is loaded', 20_000)
  const back = await at.plugin('rollback', 'main/plugin')
  assert.is(back.code, 1)
  assert.match(back.err, 'main/plugin is pinned to greeter@1.0.0')
  await at.gateway.close()
  const again = await startPluginGateway(cleanup, PINNED, {}, at.dataDir)
  assert.is(await again.version(), '1')
})

test('after a restart everything is there, from disk', async () => {
  const at = await startPluginGateway(cleanup, FOLLOWING, FILES)
  await at.plugin('push', '1.wasm')
  await at.plugin('push', '2.wasm')
  await at.plugin('promote', 'greeter@2.0.0')
  await at.gateway.close()
  const again = await startPluginGateway(cleanup, FOLLOWING, {}, at.dataDir)
  assert.is(await again.version(), '2')
  assert.is((await again.plugin('rollback', 'greeter')).code, 0)
  assert.is(await again.version(), '1')
})

test('a version is one module for ever; the same one again changes nothing', async () => {
  const at = await startPluginGateway(cleanup, FOLLOWING, FILES)
  await at.plugin('push', '1.wasm')
  assert.match((await at.plugin('push', '1.wasm')).out, 'was stored already and promoted')
  const other = await at.plugin('push', '2.wasm', '--as', 'greeter@1.0.0')
  assert.is(other.code, 1)
  assert.match(other.err, 'greeter@1.0.0 is another module already')
  assert.match(other.err, 'give the new module another version')
  const renamed = await at.plugin('push', '2.wasm', '--as', 'other@7')
  assert.match(renamed.out, /^other@7 /)
  const bad = await at.plugin('push', '2.wasm', '--as', 'Other@7')
  assert.match(bad.err, '"Other" cannot be the name of a plugin')
  const unnamed = await at.plugin('push', 'unnamed.wasm')
  assert.match(unnamed.err, 'the module has no name')
  assert.match(unnamed.err, '--as NAME@VERSION')
})

test('rm refuses what is used and says by whom, and removes the rest from disk', async () => {
  const at = await startPluginGateway(cleanup, FOLLOWING, FILES)
  for (const version of ['1', '2', '3']) await at.plugin('push', `${version}.wasm`)
  const used = await at.plugin('rm', 'greeter@1.0.0')
  assert.is(used.code, 1)
  assert.match(used.err, 'greeter@1.0.0 cannot be removed: main/plugin runs it')
  assert.match((await at.plugin('rm', 'greeter')).err, 'main/plugin runs it')
  assert.is((await at.plugin('promote', 'greeter@2.0.0')).code, 0)
  const modules = async () => (await readdir(join(at.dataDir, 'plugins/sha256'))).length
  assert.is(await modules(), 3)
  assert.is((await at.plugin('rm', 'greeter@3.0.0')).out, 'greeter@3.0.0 removed\n')
  assert.is(await modules(), 2)
  const near = await at.plugin('rm', 'greter@3.0.0')
  assert.match(near.err, 'there is no plugin greter in the store (did you mean "greeter"?)')
})

test('rm tells of pins and of what is promoted', async () => {
  const at = await startPluginGateway(cleanup, PINNED, FILES)
  await at.plugin('push', '1.wasm')
  await at.plugin('push', '2.wasm')
  await at.plugin('promote', 'greeter@2.0.0')
  assert.match((await at.plugin('rm', 'greeter@1.0.0')).err, 'main/plugin is pinned to it')
  assert.match((await at.plugin('rm', 'greeter@2.0.0')).err, 'it is the promoted version')
})

test('a version that cannot start is refused where it would run, and the former one goes on', async () => {
  const files = { ...FILES, 'bad.wasm': namedGuest('4', { module: NOT_STARTING }) }
  const at = await startPluginGateway(cleanup, FOLLOWING, files)
  await at.plugin('push', '1.wasm')
  await until(async () => (await at.version()) === '1', 'it is loaded', 20_000)
  await at.plugin('push', 'bad.wasm')
  const bad = await at.plugin('promote', 'greeter@4.0.0')
  assert.is(bad.code, 1)
  assert.match(bad.err, 'the new module of greeter is refused')
  assert.is(await at.version(), '1')
  const [stored] = JSON.parse((await at.plugin('ls', '--stored', '-o', 'json')).out)
  assert.is(stored.promoted, '1.0.0', 'also after a restart')
})

test('a promoted version that traps is taken back by itself, until another one is promoted', async () => {
  const files = { ...FILES, 'trapping.wasm': namedGuest('4', { module: ALWAYS_TRAPPING }) }
  const at = await startPluginGateway(cleanup, FOLLOWING, files)
  await at.plugin('push', '1.wasm')
  await until(async () => (await at.version()) === '1', 'it is loaded', 20_000)
  await at.plugin('push', 'trapping.wasm')
  await at.plugin('promote', 'greeter@4.0.0')
  let failed = 0
  await until(
    async () => {
      if ((await at.get('/')).status !== 200) failed += 1
      return at.lines.some((line) => line.includes('was rolled back'))
    },
    'it is rolled back',
    20_000,
  )
  assert.ok(failed <= 20, `${failed} requests failed`)
  assert.is(await at.version(), '1')
  await at.plugin('push', '2.wasm')
  await at.plugin('promote', 'greeter@2.0.0')
  assert.is(await at.version(), '2')
  await at.plugin('push', '3.wasm', '--canary', '100%')
  assert.is(await at.version(), '3', 'and it takes part in trials again')
})

test('a promotion that lacks a result in use is refused', async () => {
  const files = {
    '1.wasm': namedGuest('1', { results: ['limited'] }),
    '2.wasm': FILES['2.wasm'],
  }
  const at = await startPluginGateway(cleanup, FOLLOWING, files, undefined, JUMPING)
  await at.plugin('push', '1.wasm')
  await until(async () => (await at.version()) === '1', 'it is loaded', 20_000)
  await at.plugin('push', '2.wasm')
  for (const way of [[], ['--canary', '5%']]) {
    const refused = await at.plugin('promote', 'greeter@2.0.0', ...way)
    assert.is(refused.code, 1)
    assert.match(refused.err, 'jumpIf names the result "limited"')
  }
  assert.is(await at.version(), '1')
  assert.is((await at.gateway.control.plugins())[0]?.trial, null)
})

test('a filter that is pushed to leaves the name until it is rolled back', async () => {
  const at = await startPluginGateway(cleanup, FOLLOWING, FILES)
  await at.plugin('push', '1.wasm')
  await until(async () => (await at.version()) === '1', 'it is loaded', 20_000)
  assert.is((await at.plugin('push', '3.wasm', '--filter', 'main/plugin')).code, 0)
  assert.is(await at.version(), '3')
  assert.is((await at.plugin('rollback', 'main/plugin')).code, 0)
  assert.is(await at.version(), '1')
  await at.plugin('push', '2.wasm')
  await at.plugin('promote', 'greeter@2.0.0')
  assert.is(await at.version(), '2')
})

test('ls and inspect tell what is stored, who uses it, and what a module is', async () => {
  const at = await startPluginGateway(cleanup, FOLLOWING, FILES)
  assert.match((await at.plugin('ls', '--stored')).out, 'no plugin is stored')
  await at.plugin('push', '1.wasm')
  await at.plugin('push', '2.wasm')
  const { out: listed } = await at.plugin('ls', '--stored')
  assert.match(listed, /greeter +1\.0\.0 +\w{12} +\d+ +promoted +main\/plugin/)
  assert.match(listed, /greeter +2\.0\.0 +\w{12} +\d+ +-\n/)
  await until(async () => (await at.version()) === '1', 'it is loaded', 20_000)
  for (const target of ['greeter', 'greeter@2.0.0', 'main/plugin']) {
    const { out, err } = await at.plugin('inspect', target)
    assert.is(err, '')
    assert.match(out, /^name +greeter$/m)
    assert.match(out, /^phases +request, response$/m)
    assert.match(out, /^parameters +greeting: string, default hello$/m)
    assert.match(out, /^imports +penstock_v1\.header_id$/m)
    assert.match(out, /^limits +256 pages of memory/m)
    assert.match(out, /^asks for +headers/m)
  }
  const { out } = await at.plugin('inspect', 'main/plugin')
  assert.match(out, /^runs in +main\/plugin, from store$/m)
  assert.match(out, /^allowed +headers\.read x-version$/m)
  assert.match(out, /^denied +(?:.+\n +)*data$/m)
  assert.match((await at.plugin('inspect', 'main/plugni')).err, 'did you mean "plugin"?')
  assert.match((await at.plugin('inspect', 'a@b@c')).err, 'PIPELINE/FILTER, NAME or NAME@VERSION')
})

test('a module that is gone from disk is told, and does not keep the gateway from starting', async () => {
  const at = await startPluginGateway(cleanup, FOLLOWING, FILES)
  await at.plugin('push', '1.wasm')
  await at.gateway.close()
  await rm(join(at.dataDir, 'plugins/sha256'), { recursive: true })
  const again = await startPluginGateway(cleanup, FOLLOWING, FILES, at.dataDir)
  assert.is((await again.get('/')).status, 503)
  assert.ok(again.lines.some((line) => line.includes('is gone from the data directory')))
  assert.match((await again.plugin('push', '1.wasm')).out, 'was stored already')
  await until(async () => (await again.version()) === '1', 'it is loaded', 20_000)
})
