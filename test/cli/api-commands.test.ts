import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GatewayError } from '../../host/errors.ts'
import { type AdminRig, openRig } from '../admin/support.ts'
import { assert, suite } from '../support/suite.ts'
import { type FakeIoOptions, run, runAgainst } from './support.ts'

const test = suite('cli/api-commands')
let rig: AdminRig
let folder = ''

test.before.each(async () => {
  rig = await openRig()
  folder = await mkdtemp(join(tmpdir(), 'penstock-cli-'))
})
test.after.each(async () => {
  await rig.close()
  await rm(folder, { recursive: true })
})

const SERVER = { kind: 'HTTPServer', name: 'web', port: 10080, pipeline: 'demo' }
const PIPELINE = { kind: 'Pipeline', name: 'demo', filters: [{ name: 'limit', kind: 'WasmHost' }] }

const penstock = (line: string, options: FakeIoOptions = {}) =>
  runAgainst(rig, line.split(' '), { cwd: folder, ...options })

const save = (name: string, text: string | Uint8Array) => writeFile(join(folder, name), text)

test('get lists objects with their state in aligned columns', async () => {
  rig.control.add(SERVER, 'file').add(PIPELINE)
  const { code, out } = await penstock('get')
  assert.is(code, 0)
  assert.is(
    out,
    'NAME  KIND        STATE    GENERATION  SOURCE\n' +
      'web   HTTPServer  running  1           file\n' +
      'demo  Pipeline    running  1           api\n',
  )
})

test('get takes kinds by name, plural and alias, and all', async () => {
  rig.control.add(SERVER).add(PIPELINE)
  for (const kind of ['pl', 'PL', 'pipeline', 'pipelines', 'Pipeline']) {
    const { out } = await penstock(`get ${kind}`)
    assert.match(out, 'demo')
    assert.not.match(out, 'web')
  }
  assert.match((await penstock('get hs')).out, 'web')
  assert.match((await penstock('get all')).out, /web[\s\S]*demo/)
  const wrong = await penstock('get pipline')
  assert.is(wrong.code, 2)
  assert.match(wrong.err, 'did you mean "Pipeline"?')
})

test('get writes JSON and YAML that read back as the object', async () => {
  rig.control.add(SERVER).add(PIPELINE)
  assert.equal(JSON.parse((await penstock('get pl demo -o json')).out), PIPELINE)
  assert.equal(JSON.parse((await penstock('get -o json')).out), [SERVER, PIPELINE])
  const yaml = await penstock('get pl demo -o yaml')
  assert.is(yaml.out, 'kind: Pipeline\nname: demo\nfilters:\n  - name: limit\n    kind: WasmHost\n')
  assert.is((await penstock('get -o yaml')).out.split('---\n').length, 3)
})

test('get tells what is missing, and an empty gateway says how to fill it', async () => {
  assert.match((await penstock('get')).out, 'penstock apply')
  rig.control.add(PIPELINE)
  const missing = await penstock('get pl dmeo')
  assert.is(missing.code, 1)
  assert.match(missing.err, /^error: there is no object dmeo \(did you mean "demo"\?\)\n/)
  assert.is((await penstock('get hs demo')).code, 2)
})

test('apply sends every document at once and tells what became of each', async () => {
  rig.control.add(PIPELINE)
  await save(
    'all.yaml',
    'kind: HTTPServer\nname: web\npipeline: other\n---\nkind: Pipeline\nname: other\n',
  )
  await save('demo.json', JSON.stringify(PIPELINE))
  const { code, out } = await penstock('apply -f all.yaml -f demo.json')
  assert.is(code, 0)
  assert.is(out, 'HTTPServer/web created\nPipeline/other created\nPipeline/demo updated\n')
  assert.is(rig.control.objects.size, 3)
  const json = await penstock('apply -f all.yaml -o json')
  assert.equal(JSON.parse(json.out).updated, ['web', 'other'])
})

test('apply reads standard input', async () => {
  const { code, out } = await penstock('apply -f -', { stdin: 'kind: Pipeline\nname: piped\n' })
  assert.is(code, 0)
  assert.is(out, 'Pipeline/piped created\n')
})

test('apply shows what the gateway refuses, and exits 1', async () => {
  await save(
    'bad.yaml',
    'kind: HTTPServer\nname: web\npipeline: nowhere\n---\nkind: Pipelin\nname: x\n',
  )
  const { code, out, err } = await penstock('apply -f bad.yaml')
  assert.is(code, 1)
  assert.is(out, '')
  assert.match(err, /^error: 2 problems in the configuration\n/)
  assert.match(err, 'there is no pipeline "nowhere"')
  assert.match(err, 'bad.yaml:5:7: error: there is no kind "Pipelin" (did you mean "Pipeline"?)')
  assert.is(rig.control.objects.size, 0)
})

test('apply finds errors of syntax without asking the gateway', async () => {
  await save('broken.yaml', 'kind: [\n')
  const { code, err } = await penstock('apply -f broken.yaml')
  assert.is(code, 1)
  assert.match(err, /broken\.yaml:\d+:\d+: error: /)
  assert.is((await penstock('apply -f missing.yaml')).code, 2)
})

test('delete takes names and files, in whatever order they need one another', async () => {
  rig.control.add(PIPELINE).add(SERVER)
  const needed = await penstock('delete demo')
  assert.is(needed.code, 1)
  assert.match(needed.err, 'web needs demo')
  await save('all.yaml', 'kind: Pipeline\nname: demo\n---\nkind: HTTPServer\nname: web\n')
  const { code, out } = await penstock('delete -f all.yaml')
  assert.is(code, 0)
  assert.is(out, 'web deleted\ndemo deleted\n')
  assert.is((await penstock('delete demo')).code, 1)
})

test('plugin push sends the file byte for byte and says what runs now', async () => {
  rig.control.add(PIPELINE)
  const bytes = Buffer.from([0, 0x61, 0x73, 0x6d, 255])
  await save('limit.wasm', bytes)
  const { code, out } = await penstock('plugin push limit.wasm --filter demo/limit')
  assert.is(code, 0)
  assert.is(out, 'demo/limit runs abababababab, before cdcdcdcdcdcd (2 ms)\n')
  assert.ok(bytes.equals(rig.control.pushed[0]?.bytes ?? Buffer.alloc(0)))
})

test('plugin push shows why a module is refused', async () => {
  rig.control.add(PIPELINE)
  await save('bad.wasm', 'no module')
  rig.control.failWith = new GatewayError('GUEST_MODULE_INVALID', {
    offset: 0,
    reason: 'bad magic',
  })
  const { code, err } = await penstock('plugin push bad.wasm --filter demo/limit')
  assert.is(code, 1)
  assert.match(err, 'bad magic')
  const missing = await penstock('plugin push none.wasm --filter demo/limit')
  assert.is(missing.code, 2)
  assert.is(missing.err.split('\n')[0], 'error: cannot read none.wasm: no such file or folder')
})

test('status exits 0 when all is well and 1 when it is not', async () => {
  rig.control.add(PIPELINE)
  const well = await penstock('status')
  assert.is(well.code, 0)
  assert.match(well.out, /^penstock \S+, ready, configuration 1\n/)
  rig.control.isReady = false
  rig.control.checks = [{ name: 'objects', ok: false, reason: 'web: the port is taken' }]
  const ill = await penstock('status')
  assert.is(ill.code, 1)
  assert.match(ill.out, 'not ready')
  assert.match(ill.out, 'objects: web: the port is taken')
  const json = await penstock('status -o json')
  assert.is(json.code, 1)
  assert.is(JSON.parse(json.out).isReady, false)
})

test('a gateway that does not run is told apart, with how to start it', async () => {
  await rig.server.close(0)
  const { code, err } = await penstock('get')
  assert.is(code, 2)
  assert.match(
    err,
    /^error: cannot reach the gateway at http:\/\/127\.0\.0\.1:\d+: connection refused\n/,
  )
  assert.match(err, 'penstock serve -f FILE')
})

test('a token that is missing, wrong or open to others is explained', async () => {
  const env = { PENSTOCK_DATA_DIR: folder }
  const missing = await penstock('get', { env })
  assert.is(missing.code, 2)
  assert.match(missing.err, join(folder, 'admin.token'))
  assert.match(missing.err, '--data-dir')
  const wrong = await penstock('get --token wrong')
  assert.is(wrong.code, 1)
  assert.match(wrong.err, 'the token is missing or wrong')
  await chmod(join(rig.dataDir, 'admin.token'), 0o644)
  const open = await penstock('get')
  assert.is(open.code, 2)
  assert.match(open.err, 'chmod 600')
  assert.is((await penstock(`get --token ${rig.token}`)).code, 0)
})

test('something else that answers is not taken for a gateway, and gets no token by redirect', async () => {
  const seen: (string | undefined)[] = []
  const other = createServer((request, response) => {
    seen.push(request.headers.authorization)
    if (request.url === '/stolen') response.end('{}')
    else response.writeHead(302, { location: '/stolen' }).end('<html>')
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  try {
    const server = `127.0.0.1:${(other.address() as AddressInfo).port}`
    const { code, err } = await run(['get', '--server', server, '--token', 'x'])
    assert.is(code, 2)
    assert.match(err, 'is no Penstock admin API')
    assert.is(seen.length, 1)
  } finally {
    other.closeAllConnections()
    other.close()
  }
})

test('text from the gateway cannot move the cursor of a terminal', async () => {
  rig.control.add({ kind: 'Pipeline', name: 'evil\x1b[2J' })
  for (const format of ['default', 'json', 'yaml']) {
    const { out } = await penstock(`get -o ${format}`)
    assert.not.ok(out.includes('\x1b'), format)
  }
})

test('wasm reload-code tells which pipelines run other code', async () => {
  assert.is((await penstock('wasm reload-code')).out, 'reloaded demo (3 ms)\n')
  assert.equal(JSON.parse((await penstock('wasm reload-code -o json')).out).updated, ['demo'])
})

test('wasm list-data, apply-data and delete-data look after the data of a filter', async () => {
  rig.control.add(PIPELINE)
  assert.is((await penstock('wasm list-data demo limit')).out, '{}\n')
  await save('data.yaml', 'tenant: acme\ncount: 7\nraw: { base64: /w== }\n')
  const applied = await penstock('wasm apply-data demo limit -f data.yaml')
  assert.is(applied.err, '')
  assert.is(applied.out, '3 written to demo/limit\n')
  const listed = await penstock('wasm list-data demo limit')
  assert.is(listed.out, 'tenant: acme\ncount: "7"\nraw:\n  base64: "/w=="\n')
  await save('again.yaml', listed.out)
  assert.is((await penstock('wasm apply-data demo limit -f again.yaml')).code, 0)
  assert.is((await penstock('wasm delete-data demo limit')).out, '3 deleted from demo/limit\n')
  assert.is((await penstock('wasm apply-data demo limit')).code, 2)
  const missing = await penstock('wasm list-data demo none')
  assert.is(missing.code, 1)
})
