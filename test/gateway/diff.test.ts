import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CliResult, run } from '../cli/support.ts'
import { Cleanup } from '../support/gateway.ts'
import { versionGuest } from '../support/guests.ts'
import { type PluginGateway, startPluginGateway } from '../support/plugin-gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/diff', { timeoutMs: 60_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const FILES = {
  'plugin.wasm': versionGuest('1'),
  '2.wasm': versionGuest('2'),
  '3.wasm': versionGuest('3'),
}

const diff = (at: PluginGateway, ...argv: readonly string[]): Promise<CliResult> =>
  run(['diff', ...argv], {
    cwd: at.dir,
    env: {
      PENSTOCK_SERVER: `http://127.0.0.1:${at.gateway.adminPort}`,
      PENSTOCK_DATA_DIR: at.dataDir,
    },
  })

test('a gateway that runs what its files have differs in nothing', async () => {
  const at = await startPluginGateway(cleanup, 'code: plugin.wasm', FILES)
  assert.equal(await diff(at, '-f', 'gateway.yaml'), { code: 0, out: 'no difference\n', err: '' })
})

test('what apply would change is named with its path', async () => {
  const at = await startPluginGateway(cleanup, 'code: plugin.wasm', FILES)
  const text = await readFile(join(at.dir, 'gateway.yaml'), 'utf8')
  const more =
    '---\nkind: Pipeline\nname: more\nfilters: [{ name: a, kind: Mock, rules: [{ code: 204 }] }]\n'
  await at.write(
    'next.yaml',
    text.replace('code: plugin.wasm, timeout: 5s', 'code: 2.wasm, timeout: 20ms') + more,
  )
  const { code, out, err } = await diff(at, '-f', 'next.yaml')
  assert.is(err, '')
  assert.is(code, 1)
  assert.is(
    out,
    'change    Pipeline/main: filters[0].code, filters[0].timeout\n' +
      'create    Pipeline/more: it is not there\n',
  )
})

test('what runs in place of the configuration is shown, until it is rolled back', async () => {
  const at = await startPluginGateway(cleanup, 'code: plugin.wasm', FILES)
  await at.plugin('push', '2.wasm', '--filter', 'main/plugin')
  const pushed = await diff(at, '-f', 'gateway.yaml')
  assert.is(pushed.code, 1)
  assert.match(pushed.out, /^override {2}main\/plugin: it runs \w{12}\n$/)
  await at.plugin('push', '3.wasm', '--filter', 'main/plugin', '--canary', '5%')
  assert.match(
    (await diff(at, '-f', 'gateway.yaml')).out,
    /canary {4}main\/plugin: \w{12} on 5% of the clients\n$/,
  )
  const [override, canary] = JSON.parse((await diff(at, '-f', 'gateway.yaml', '-o', 'json')).out)
  assert.equal([override.what, canary.what], ['override', 'canary'])
  await at.plugin('rollback', 'main/plugin')
  await at.plugin('rollback', 'main/plugin')
  assert.is((await diff(at, '-f', 'gateway.yaml')).out, 'no difference\n')
})

test('it needs a file', async () => {
  const at = await startPluginGateway(cleanup, 'code: plugin.wasm', FILES)
  const { code, err } = await diff(at)
  assert.is(code, 2)
  assert.match(err, 'diff needs at least one -f FILE')
})
