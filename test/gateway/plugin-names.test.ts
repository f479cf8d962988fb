import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../cli/support.ts'
import { Cleanup } from '../support/gateway.ts'
import { NAMED_GRANT, namedGuest } from '../support/named-guests.ts'
import { type PluginGateway, startPluginGateway } from '../support/plugin-gateway.ts'
import { assert, suite } from '../support/suite.ts'

/** A filter that names a plugin nobody has stored, on every way into a gateway that runs. */
const test = suite('gateway/plugin-names', { timeoutMs: 60_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const FILES = { '1.wasm': namedGuest('1') }

const apply = ({ gateway, dir, dataDir }: PluginGateway, file: string) =>
  run(['apply', '-f', file], {
    cwd: dir,
    env: {
      PENSTOCK_SERVER: `http://127.0.0.1:${gateway.adminPort}`,
      PENSTOCK_DATA_DIR: dataDir,
    },
  })

/** Puts another text into the configuration, and has it read again; why it was refused. */
async function change(at: PluginGateway, from: string, to: string): Promise<string> {
  const file = join(at.dir, 'gateway.yaml')
  const text = await readFile(file, 'utf8')
  assert.ok(text.includes(from), from)
  await writeFile(file, text.replace(from, to))
  return (await at.gateway.reload()).join('\n')
}

test('apply tells line and column in the file that was sent', async () => {
  const at = await startPluginGateway(cleanup, `plugin: greeter, ${NAMED_GRANT}`, FILES)
  await at.plugin('push', '1.wasm')
  await at.write(
    'more.yaml',
    'name: more\nkind: Pipeline\nfilters:\n  - { name: f, kind: WasmHost, plugin: greter@1.0.0 }\n',
  )
  const { code, err } = await apply(at, 'more.yaml')
  assert.is(code, 1)
  assert.match(err, 'more.yaml:4:40: error: there is no plugin "greter" in the store, only greeter')
  assert.match(err, '(did you mean "greeter@1.0.0"?)')
  await at.write(
    'more.yaml',
    (await readFile(join(at.dir, 'more.yaml'), 'utf8')).replace('greter', 'greeter'),
  )
  assert.is((await apply(at, 'more.yaml')).err, '')
})

test('a file that is changed to name one is refused with its place, and what ran goes on', async () => {
  const at = await startPluginGateway(cleanup, `plugin: greeter, ${NAMED_GRANT}`, FILES)
  await at.plugin('push', '1.wasm')
  await at.gateway.reload()
  const reason = await change(at, 'plugin: greeter', 'plugin: greeter@2.0.0')
  assert.match(reason, /gateway\.yaml:\d+:\d+: error: the plugin "greeter" has no version 2\.0\.0/)
  assert.is(await at.version(), '1')
})

test('one that was missing at the start does not stand in the way of other changes', async () => {
  const at = await startPluginGateway(cleanup, 'plugin: nobody, failPolicy: open')
  assert.is((await at.get('/')).status, 200)
  const other =
    '---\nkind: Pipeline\nname: other\nfilters: [{ name: a, kind: Mock, rules: [{ code: 204 }] }]\n'
  const text = await readFile(join(at.dir, 'gateway.yaml'), 'utf8')
  await writeFile(join(at.dir, 'gateway.yaml'), `${text}${other}`)
  assert.equal(await at.gateway.reload(), [])
  assert.ok(at.gateway.control.get('other') !== undefined)
})
