import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Cleanup, until } from '../support/gateway.ts'
import { versionGuest } from '../support/guests.ts'
import { type PluginGateway, startPluginGateway } from '../support/plugin-gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/plugin-missing', { timeoutMs: 60_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const ready = async ({ gateway }: PluginGateway) => {
  const answer = await fetch(`http://127.0.0.1:${gateway.adminPort}/readyz`)
  return answer.status
}

const reasonOf = ({ gateway }: PluginGateway) =>
  gateway.control.readinessChecks().find(({ name }) => name === 'plugins')?.reason ?? ''

const CODE = 'code: plugin.wasm'

test('a plugin that fails to load does not keep the gateway from starting, nor from being ready', async () => {
  for (const content of [Buffer.from('no module'), versionGuest('1').subarray(0, 100)]) {
    const at = await startPluginGateway(cleanup, CODE, { 'plugin.wasm': content })
    assert.is((await at.get('/')).status, 503)
    assert.is(await ready(at), 200)
    assert.ok(at.lines.some((line) => line.includes('starts without a plugin')))
  }
})

test('failPolicy: open serves without it', async () => {
  const at = await startPluginGateway(cleanup, `${CODE}, failPolicy: open`)
  assert.is((await at.get('/')).status, 200)
  assert.match((await at.plugin('ls')).out, /main\/plugin +plugin\.wasm +- +missing/)
})

test('a required one makes /readyz say no, with the reason, until it loads', async () => {
  const at = await startPluginGateway(cleanup, `${CODE}, required: true, failPolicy: open`)
  assert.is(await ready(at), 503)
  assert.match(reasonOf(at), /^main\/plugin: cannot read the code .*plugin\.wasm/)
  assert.is((await at.get('/')).status, 200, 'what need not wait for it is served')
  await writeFile(join(at.dir, 'plugin.wasm'), versionGuest('1'))
  await until(async () => (await ready(at)) === 200, 'it is tried again', 20_000)
  assert.is(await at.version(), '1')
  assert.is(reasonOf(at), '')
})

test('a required stored plugin that nobody has pushed yet is named', async () => {
  const grant = 'grant: { headers: { write: [x-version] } }'
  const at = await startPluginGateway(cleanup, `plugin: limit@1.0.0, required: true, ${grant}`)
  assert.is(await ready(at), 503)
  assert.match(reasonOf(at), 'there is no plugin limit in the store')
  await writeFile(join(at.dir, 'limit.wasm'), versionGuest('1'))
  await at.plugin('push', 'limit.wasm', '--as', 'limit@1.0.0')
  await until(async () => (await ready(at)) === 200, 'it is tried again', 20_000)
})

test('while one is missing, a change of something else is made, and the missing one stays missing', async () => {
  const at = await startPluginGateway(cleanup, `${CODE}, failPolicy: open`)
  const mock = { name: 'mock', kind: 'Mock', rules: [{ code: 204 }] }
  await at.gateway.control.put([{ kind: 'Pipeline', name: 'other', filters: [mock] }], 'create')
  assert.is((await at.get('/')).status, 200)
  assert.is(at.gateway.control.statusOf('other')?.state, 'running')
})

test('later, one that fails to load is refused, and nothing is changed', async () => {
  const at = await startPluginGateway(cleanup, `${CODE}, required: true`, {
    'plugin.wasm': versionGuest('1'),
  })
  await writeFile(join(at.dir, 'plugin.wasm'), 'no module')
  const refused = await at.gateway.reload()
  assert.match(refused.join(), 'not a WebAssembly module')
  assert.is(await at.version(), '1')
  assert.is(await ready(at), 200)
})
