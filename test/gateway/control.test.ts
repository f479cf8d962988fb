import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { ConfigError } from '../../host/config/issues.ts'
import { FileObjectStore } from '../../host/control/object-store.ts'
import { isGatewayError } from '../../host/errors.ts'
import { Cleanup, fetchFrom, startGateway, type TestGateway, until } from '../support/gateway.ts'
import { versionGuest } from '../support/guests.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/control')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const SERVER = `kind: HTTPServer
name: server
port: 0
address: 127.0.0.1
rules:
  - paths:
      - { pathPrefix: /api, backend: made }
      - { backend: main }
---
`
const MAIN = mock('main', 'from file')

function mock(name: string, body: string): string {
  return `kind: Pipeline
name: ${name}
filters:
  - name: mock
    kind: Mock
    rules: [{ body: "${body}" }]
---
`
}

function mockDocument(
  name: string,
  body: string,
): { kind: string; name: string; filters: object[] } {
  return { kind: 'Pipeline', name, filters: [{ name: 'mock', kind: 'Mock', rules: [{ body }] }] }
}

async function code(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return ''
  } catch (error) {
    if (error instanceof ConfigError) return 'CONFIG'
    return isGatewayError(error) ? error.code : String(error)
  }
}

function start(yaml: string, dataDir?: string): Promise<TestGateway> {
  return startGateway(
    cleanup,
    yaml,
    {},
    { watch: false, ...(dataDir === undefined ? {} : { dataDir }) },
  )
}

test('objects of the API and of files live side by side, and survive a restart', async () => {
  const { gateway, get, dir } = await start(SERVER.replace('backend: made', 'backend: main') + MAIN)
  const { control } = gateway
  const outcome = await control.put([mockDocument('made', 'one')], 'create')
  assert.equal(outcome.created, ['made'])
  await control.put([mockDocument('made', 'two')], 'update')
  assert.equal(
    control.list().map(({ name, source }) => [name, source]),
    [
      ['server', 'file'],
      ['main', 'file'],
      ['made', 'api'],
    ],
  )
  assert.is((await get('/')).body, 'from file')
  const dataDir = join(dir, '.penstock')
  await gateway.close()
  const again = await start(SERVER + MAIN, dataDir)
  assert.is((await again.get('/api')).body, 'two')
})

test('what a file owns, the API does not change', async () => {
  const { gateway } = await start(SERVER.replace('backend: made', 'backend: main') + MAIN)
  const { control } = gateway
  assert.is(await code(control.put([mockDocument('main', 'x')], 'update')), 'ADMIN_CONFLICT')
  assert.is(await code(control.delete('main')), 'ADMIN_CONFLICT')
  assert.is(await control.delete('nobody'), undefined)
})

test('creating twice, changing the kind and an invalid document are refused and change nothing', async () => {
  const { gateway } = await start(SERVER.replace('backend: made', 'backend: main') + MAIN)
  const { control } = gateway
  await control.put([mockDocument('made', 'one')], 'create')
  const revision = control.revision
  assert.is(await code(control.put([mockDocument('made', 'two')], 'create')), 'ADMIN_CONFLICT')
  const server = { kind: 'HTTPServer', name: 'made', port: 0 }
  assert.is(await code(control.put([server], 'update')), 'ADMIN_CONFLICT')
  const broken = { kind: 'Pipeline', name: 'other', filters: [{ name: 'm', kind: 'Mokc' }] }
  assert.is(await code(control.put([broken], 'create')), 'CONFIG')
  assert.is(control.revision, revision)
  assert.equal(control.get('made')?.spec, mockDocument('made', 'one'))
})

test('of a change with one object that cannot start nothing is kept, and the next change starts from there', async () => {
  const { gateway, dir } = await start(SERVER.replace('backend: made', 'backend: main') + MAIN)
  const { control } = gateway
  const broken = {
    kind: 'Pipeline',
    name: 'broken',
    filters: [{ name: 'plugin', kind: 'WasmHost', code: 'gone.wasm' }],
  }
  const both = [mockDocument('made', 'one'), broken]
  assert.is(await code(control.put(both, 'create')), 'OBJECT_START')
  assert.is(control.get('made'), undefined)
  assert.is(control.get('broken'), undefined)
  const server = {
    kind: 'HTTPServer',
    name: 'second',
    port: 0,
    address: '127.0.0.1',
    rules: [{ paths: [{ backend: 'made' }] }],
  }
  // Nothing is remembered of the pipeline that was there for a moment.
  assert.is(await code(control.put([server], 'create')), 'CONFIG')
  await control.put([mockDocument('made', 'two'), server], 'create')
  assert.is((await fetchFrom(gateway.portOf('second') ?? 0, '/')).body, 'two')
  assert.is(await code(control.put([{ ...server, name: 'main' }], 'create')), 'ADMIN_CONFLICT')
  await control.put([mockDocument('made', 'three')], 'update')
  assert.is((await fetchFrom(gateway.portOf('second') ?? 0, '/')).body, 'three')
  const generations = Object.fromEntries(
    control.status().map(({ name, generation }) => [name, generation]),
  )
  assert.equal(generations, { server: 1, main: 1, made: 2, second: 1 })
  const names = (await new FileObjectStore(join(dir, '.penstock')).load()).map(({ name }) => name)
  assert.equal(names, ['made', 'second'])
})

test('a pipeline that a server still needs is not deleted', async () => {
  const { gateway, dir } = await start(SERVER.replace('backend: made', 'backend: main') + MAIN)
  await gateway.control.put([mockDocument('made', 'one')], 'create')
  const server = {
    kind: 'HTTPServer',
    name: 'second',
    port: 0,
    address: '127.0.0.1',
    rules: [{ paths: [{ backend: 'made' }] }],
  }
  await gateway.control.put([server], 'create')
  assert.is(await code(gateway.control.delete('made')), 'CONFIG')
  assert.is((await fetchFrom(gateway.portOf('second') ?? 0, '/')).body, 'one')
  await gateway.control.delete('second')
  await gateway.control.delete('made')
  assert.equal(await new FileObjectStore(join(dir, '.penstock')).load(), [])
})

test('one object that cannot start does not take another down, and starts when it can', async () => {
  const holder = createServer()
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
  const { port } = holder.address() as AddressInfo
  const blocked = SERVER.replace('name: server', 'name: blocked').replace(
    'port: 0',
    `port: ${port}`,
  )
  const yaml = (SERVER + blocked).replaceAll('backend: made', 'backend: main') + MAIN
  const { gateway, get } = await start(yaml)
  assert.is((await get('/')).body, 'from file')
  assert.is(gateway.control.statusOf('blocked')?.state, 'failed')
  assert.match(gateway.control.statusOf('blocked')?.error ?? '', /cannot listen|EADDRINUSE/)
  assert.not(gateway.control.isReady)
  await new Promise((resolve) => holder.close(resolve))
  await until(() => gateway.control.statusOf('blocked')?.state === 'running', 'it runs', 10_000)
  assert.ok(gateway.control.isReady)
})

test('a change of a file that is not valid is refused with its place, and the former one goes on', async () => {
  const yaml = SERVER.replace('backend: made', 'backend: main') + MAIN
  const { gateway, get, write, lines } = await start(yaml)
  await write('gateway.yaml', yaml.replace('kind: Mock', 'kind: Mokc'))
  await gateway.reload()
  assert.ok(lines.some((line) => line.includes('Mokc') && line.includes('gateway.yaml:')))
  assert.is((await get('/')).body, 'from file')
  await write('gateway.yaml', yaml.replace('from file', 'mended'))
  await gateway.reload()
  assert.is((await get('/')).body, 'mended')
})

test('a pushed plugin replaces the one of the file, survives a restart and ends when code changes', async () => {
  const yaml = `${SERVER.replace('backend: made', 'backend: main')}kind: Pipeline
name: main
filters:
  - { name: plugin, kind: WasmHost, code: plugin.wasm }
  - { name: mock, kind: Mock, rules: [{ body: ok }] }
`
  const files = { 'plugin.wasm': versionGuest('1'), 'other.wasm': versionGuest('3') }
  const first = await startGateway(cleanup, yaml, files, { watch: false })
  const version = async (at: TestGateway): Promise<unknown> =>
    (await at.get('/')).headers['x-version']
  assert.is(await version(first), '1')
  const pushed = await first.gateway.control.pushPlugin(versionGuest('2'), 'main', 'plugin')
  assert.match(pushed.digest, /^sha256:[0-9a-f]{64}$/)
  assert.is.not(pushed.digest, pushed.previousDigest)
  assert.is(await version(first), '2')
  await first.gateway.close()
  const second = await startGateway(cleanup, yaml, files, {
    watch: false,
    dataDir: join(first.dir, '.penstock'),
    files: [join(first.dir, 'gateway.yaml')],
  })
  assert.is(await version(second), '2')
  await first.write('gateway.yaml', yaml.replace('plugin.wasm', 'other.wasm'))
  await second.gateway.reload()
  assert.is(await version(second), '3')
})

test('a broken module is not pushed, with the reason, and neither is one into nowhere', async () => {
  const yaml = `${SERVER.replace('backend: made', 'backend: main')}kind: Pipeline
name: main
filters:
  - { name: plugin, kind: WasmHost, code: plugin.wasm }
  - { name: mock, kind: Mock, rules: [{ body: ok }] }
`
  const at = await startGateway(
    cleanup,
    yaml,
    { 'plugin.wasm': versionGuest('1') },
    { watch: false },
  )
  const { control } = at.gateway
  assert.is(await code(control.pushPlugin(Buffer.from('junk'), 'main', 'plugin')), 'GUEST_REFUSED')
  assert.is(await code(control.pushPlugin(versionGuest('2'), 'main', 'mock')), 'OBJECT_NOT_FOUND')
  assert.is(await code(control.pushPlugin(versionGuest('2'), 'none', 'plugin')), 'OBJECT_NOT_FOUND')
  assert.is((await at.get('/')).headers['x-version'], '1')
  await at.gateway.reload()
  assert.is((await at.get('/')).headers['x-version'], '1')
})
