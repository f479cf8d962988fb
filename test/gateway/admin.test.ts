import { request } from 'node:http'
import { readToken } from '../../host/admin/token-file.ts'
import { runCli } from '../../host/cli/main.ts'
import { fakeIo } from '../cli/support.ts'
import { Cleanup, startGateway, type TestGateway } from '../support/gateway.ts'
import { versionGuest } from '../support/guests.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/admin')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const CONFIG = `kind: HTTPServer
name: server
port: 0
address: 127.0.0.1
rules:
  - paths: [{ backend: main }]
---
kind: Pipeline
name: main
filters:
  - name: mock
    kind: Mock
    rules: [{ body: from file }]
`

interface Call {
  readonly status: number
  readonly data: ReturnType<typeof JSON.parse>
}

interface Rig extends TestGateway {
  call(method: string, path: string, document?: unknown): Promise<Call>
  /** Runs a command line against this gateway; -f paths are relative to its folder. */
  penstock(line: string): Promise<{ code: number; out: string; err: string }>
}

async function start(yaml = CONFIG): Promise<Rig> {
  const started = await startGateway(
    cleanup,
    yaml,
    { 'v1.wasm': versionGuest('1') },
    {
      admin: { address: '127.0.0.1', port: 0 },
      watch: false,
    },
  )
  const port = started.gateway.adminPort ?? 0
  const dataDir = `${started.dir}/.penstock`
  const token = (await readToken(dataDir)) ?? ''
  return {
    ...started,
    call: (method, path, document) => callApi(port, token, method, path, document),
    penstock: async (line) => {
      const env = { PENSTOCK_SERVER: `http://127.0.0.1:${port}`, PENSTOCK_DATA_DIR: dataDir }
      const io = fakeIo({ cwd: started.dir, env })
      const code = await runCli(line.split(' '), io)
      return { code, out: io.out(), err: io.err() }
    },
  }
}

function callApi(
  port: number,
  token: string,
  method: string,
  path: string,
  document: unknown,
): Promise<Call> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const call = request(
      { host: '127.0.0.1', port, method, path: `/apis/v2${path}`, headers, agent: false },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk
        })
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, data: JSON.parse(text) }),
        )
      },
    )
    call.on('error', reject)
    call.end(document === undefined ? undefined : JSON.stringify(document))
  })
}

const mock = (name: string, body: string) => ({
  kind: 'Pipeline',
  name,
  filters: [{ name: 'mock', kind: 'Mock', rules: [{ body }] }],
})

test('an object is created, replaced and deleted over HTTP while traffic flows', async () => {
  const { call, get } = await start()
  assert.is((await call('POST', '/objects', mock('made', 'one'))).status, 201)
  assert.is((await call('POST', '/objects', mock('made', 'two'))).status, 409)
  assert.is((await call('PUT', '/objects/made', mock('made', 'two'))).status, 200)
  assert.equal((await call('GET', '/objects/made')).data, mock('made', 'two'))
  assert.is((await call('GET', '/status/objects/made')).data.state, 'running')
  assert.is((await call('DELETE', '/objects/made')).status, 200)
  assert.is((await call('GET', '/objects/made')).status, 404)
  assert.is((await get('/')).body, 'from file')
})

test('an invalid spec is refused at the write with pointers, and what runs stays as it is', async () => {
  const { call, get, gateway } = await start()
  const before = JSON.stringify(gateway.control.list())
  const { revision } = gateway.control
  const invalid = {
    kind: 'Pipeline',
    name: 'made',
    flow: [{ filter: 'mock', jumpIf: { nonsense: 'nowhere' } }, { filter: 'missing' }],
    filters: [{ name: 'mock', kind: 'Mock', rules: [{ bdy: 'x' }] }],
  }
  const { status, data } = await call('POST', '/objects', invalid)
  assert.is(status, 422)
  assert.is(data.code, 'CONFIG_INVALID')
  const pointers: string[] = data.issues.map((issue: { pointer: string }) => issue.pointer)
  for (const pointer of ['/filters/0/rules/0', '/flow/1/filter', '/flow/0/jumpIf']) {
    assert.ok(
      pointers.some((seen) => seen.startsWith(pointer)),
      `${pointer} in ${pointers.join(' ')}`,
    )
  }
  assert.is(JSON.stringify(gateway.control.list()), before)
  assert.is(gateway.control.revision, revision)
  assert.is((await get('/')).body, 'from file')
})

test('a reference to what is not there is refused at the write, not at the request', async () => {
  const { call } = await start()
  const web = {
    kind: 'HTTPServer',
    name: 'web',
    port: 0,
    rules: [{ paths: [{ backend: 'nowhere' }] }],
  }
  const missing = await call('POST', '/objects', web)
  assert.is(missing.status, 422)
  assert.match(JSON.stringify(missing.data.issues), 'nowhere')
  const wasm = {
    kind: 'Pipeline',
    name: 'made',
    filters: [{ name: 'w', kind: 'WasmHost', code: 'none.wasm' }],
  }
  assert.is((await call('POST', '/objects', wasm)).status, 422)
  assert.is((await call('GET', '/objects/made')).status, 404)
})

test('what files own is read-only, with a hint where to change it', async () => {
  const { call } = await start()
  const answer = await call('PUT', '/objects/main', mock('main', 'x'))
  assert.is(answer.status, 409)
  assert.match(answer.data.message, 'gateway.yaml')
})

test('the commands work against a real gateway', async () => {
  const { penstock, write } = await start()
  assert.match((await penstock('get')).out, /server\s+HTTPServer\s+running/)
  assert.is((await penstock('status')).code, 0)
  await write(
    'made.yaml',
    'kind: Pipeline\nname: made\nfilters:\n  - { name: m, kind: Mock, rules: [] }\n',
  )
  const applied = await penstock('apply -f made.yaml')
  assert.is(applied.err, '')
  assert.is(applied.out, 'Pipeline/made created\n')
  assert.is((await penstock('delete made')).out, 'made deleted\n')
  await write(
    'bad.yaml',
    'kind: Pipeline\nname: made\nfilters:\n  - { name: m, kind: Mock, ruls: [] }\n',
  )
  const refused = await penstock('apply -f bad.yaml')
  assert.is(refused.code, 1)
  assert.match(refused.err, /bad\.yaml:4:\d+: error: .*ruls.*did you mean "rules"/)
})

test('a pushed module runs at once, and a broken one is refused while the old one goes on', async () => {
  const { penstock, write, get } = await start(
    CONFIG.replace('filters:', 'filters:\n  - { name: version, kind: WasmHost, code: v1.wasm }'),
  )
  await write('v2.wasm', versionGuest('2'))
  await write('broken.wasm', 'no module')
  const version = async () => (await get('/')).headers['x-version']
  assert.is(await version(), '1')
  const pushed = await penstock('plugin push v2.wasm --filter main/version')
  assert.is(pushed.err, '')
  assert.match(pushed.out, /^main\/version runs [0-9a-f]{12}, before [0-9a-f]{12} \(\d+ ms\)\n$/)
  assert.is(await version(), '2')
  const broken = await penstock('plugin push broken.wasm --filter main/version')
  assert.is(broken.code, 1)
  assert.match(broken.err, /^error: .*module/)
  assert.is(await version(), '2')
})
