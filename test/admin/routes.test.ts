import { GatewayError } from '../../host/errors.ts'
import { assert, suite } from '../support/suite.ts'
import { type AdminRig, openRig } from './support.ts'

const test = suite('admin/routes')
let rig: AdminRig

test.before.each(async () => {
  rig = await openRig()
})
test.after.each(() => rig.close())

const SERVER = { kind: 'HTTPServer', name: 'web', port: 10080, pipeline: 'demo' }
const PIPELINE = { kind: 'Pipeline', name: 'demo', filters: [{ name: 'limit', kind: 'WasmHost' }] }

const send = (method: string, path: string, document?: unknown) =>
  rig.send(
    method,
    path,
    document === undefined ? {} : { type: 'application/json', body: JSON.stringify(document) },
  )

test('the API lists its own routes in groups', async () => {
  const groups = (await send('GET', '/apis/v2')).json()
  const entries = groups.flatMap((group: { entries: unknown[] }) => group.entries)
  const paths = entries.map(
    (entry: { method: string; path: string }) => `${entry.method} ${entry.path}`,
  )
  for (const path of [
    'GET /apis/v2/objects',
    'PUT /apis/v2/plugins/{pipeline}/{filter}',
    'GET /livez',
  ]) {
    assert.ok(paths.includes(path), path)
  }
  assert.is(new Set(paths).size, paths.length)
})

test('about, healthz and the kinds', async () => {
  assert.match((await send('GET', '/apis/v2/about')).text, /^penstock \d+\.\d+\.\d+/)
  assert.is((await send('GET', '/apis/v2/healthz')).status, 200)
  assert.equal((await send('GET', '/apis/v2/object-kinds')).json(), [
    'AutoCertManager',
    'ConsulServiceRegistry',
    'EtcdServiceRegistry',
    'EurekaServiceRegistry',
    'GlobalFilter',
    'HTTPServer',
    'NacosServiceRegistry',
    'Pipeline',
    'ZookeeperServiceRegistry',
  ])
})

test('an object is created once, with its location, and shown as it was written', async () => {
  const created = await send('POST', '/apis/v2/objects', PIPELINE)
  assert.is(created.status, 201)
  assert.is(created.headers['location'], '/apis/v2/objects/demo')
  assert.equal(created.json().created, ['demo'])
  assert.is(created.headers['x-config-version'], '2', 'the version after the change')
  assert.equal((await send('GET', '/apis/v2/objects/demo')).json(), PIPELINE)
  assert.equal((await send('GET', '/apis/v2/objects/')).json(), [PIPELINE])
  const again = await send('POST', '/apis/v2/objects', PIPELINE)
  assert.is(again.status, 409)
  assert.is(again.json().code, 'ADMIN_CONFLICT')
})

test('an object is replaced under its own name only, and only when it is there', async () => {
  assert.is((await send('PUT', '/apis/v2/objects/demo', PIPELINE)).status, 404)
  rig.control.add(PIPELINE)
  const next = { ...PIPELINE, filters: [] }
  assert.equal((await send('PUT', '/apis/v2/objects/demo', next)).json().updated, ['demo'])
  assert.equal(rig.control.get('demo')?.spec, next)
  const renamed = await send('PUT', '/apis/v2/objects/demo', { ...PIPELINE, name: 'other' })
  assert.is(renamed.status, 400)
  assert.match(renamed.json().message, /"other".*"demo"/)
})

test('a set is applied as a whole, so that its objects may need one another', async () => {
  assert.is((await send('POST', '/apis/v2/objects', SERVER)).status, 422)
  const outcome = (await send('PUT', '/apis/v2/objects', [SERVER, PIPELINE])).json()
  assert.equal(outcome.created, ['web', 'demo'])
})

test('an invalid spec is unprocessable, every issue has its pointer, and nothing changes', async () => {
  rig.control.add(PIPELINE)
  const before = JSON.stringify(rig.control.list())
  const answer = await send('PUT', '/apis/v2/objects/demo', {
    name: 'demo',
    kind: 'Pipelin',
    pipeline: 'x',
  })
  assert.is(answer.status, 422)
  const problem = answer.json()
  assert.is(problem.code, 'CONFIG_INVALID')
  assert.is(problem.message, '2 problems in the configuration')
  assert.ok(problem.hint.length > 0)
  assert.equal(problem.issues, [
    {
      severity: 'error',
      path: 'kind',
      pointer: '/kind',
      message: 'there is no kind "Pipelin"',
      suggestion: 'Pipeline',
    },
    {
      severity: 'error',
      path: 'rules[0].paths[0].backend',
      pointer: '/rules/0/paths/0/backend',
      message: 'there is no pipeline "x"',
      suggestion: null,
    },
  ])
  assert.is(JSON.stringify(rig.control.list()), before)
  assert.is(answer.headers['x-config-version'], '1')
})

test('a generation that cannot be made is a refusal that names the object', async () => {
  rig.control.broken.set('web', 'cannot listen on 0.0.0.0:80: permission denied')
  const answer = await send('PUT', '/apis/v2/objects', [PIPELINE, { ...SERVER, pipeline: 'demo' }])
  assert.is(answer.status, 422)
  assert.is(answer.json().code, 'ADMIN_APPLY_FAILED')
  assert.is(answer.json().issues[0].object, 'web')
  assert.match(answer.json().issues[0].message, 'permission denied')
})

test('an object is deleted once, and not while another one needs it', async () => {
  rig.control.add(PIPELINE).add(SERVER)
  const needed = await send('DELETE', '/apis/v2/objects/demo')
  assert.is(needed.status, 409)
  assert.match(needed.json().message, 'web needs demo')
  assert.equal((await send('DELETE', '/apis/v2/objects/web')).json().deleted, ['web'])
  assert.is((await send('DELETE', '/apis/v2/objects/demo')).status, 200)
  assert.is((await send('DELETE', '/apis/v2/objects/demo')).status, 404)
})

test('an object from a file cannot be changed here', async () => {
  rig.control.add(PIPELINE, 'file')
  assert.is((await send('PUT', '/apis/v2/objects/demo', PIPELINE)).status, 409)
  assert.is((await send('DELETE', '/apis/v2/objects/demo')).status, 409)
})

test('a name that is not there is answered with the nearest one', async () => {
  rig.control.add(PIPELINE)
  const answer = await send('GET', '/apis/v2/objects/dmeo')
  assert.is(answer.status, 404)
  assert.match(answer.json().message, 'did you mean "demo"?')
  assert.is((await send('GET', '/apis/v2/status/objects/dmeo')).status, 404)
})

test('the status of objects says where they come from', async () => {
  rig.control.add(PIPELINE, 'file').add(SERVER)
  const all = (await send('GET', '/apis/v2/status/objects')).json()
  assert.equal(
    all.map((one: { name: string; source: string }) => [one.name, one.source]),
    [
      ['demo', 'file'],
      ['web', 'api'],
    ],
  )
  const one = (await send('GET', '/apis/v2/status/objects/demo')).json()
  assert.is(one.state, 'running')
  assert.is(one.generation, 1)
  const gateway = (await send('GET', '/apis/v2/status')).json()
  assert.is(gateway.isReady, true)
  assert.is(gateway.revision, 1)
})

test('a module is pushed byte for byte into the filter of the path', async () => {
  rig.control.add(PIPELINE)
  const body = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 255])
  for (const method of ['PUT', 'POST']) {
    const answer = await rig.send(method, '/apis/v2/plugins/demo/limit', {
      type: 'application/wasm',
      body,
    })
    assert.is(answer.status, 200)
    assert.match(answer.json().digest, /^sha256:/)
    assert.ok(body.equals(rig.control.pushed.at(-1)?.bytes ?? Buffer.alloc(0)))
  }
})

test('a push into a pipeline or filter that is not there says which, and what is near', async () => {
  rig.control.add(PIPELINE).add(SERVER)
  const push = (path: string) =>
    rig.send('PUT', `/apis/v2/plugins/${path}`, { type: 'application/wasm', body: 'x' })
  const cases: [path: string, message: string][] = [
    ['dem/limit', 'there is no pipeline dem (did you mean "demo"?)'],
    ['web/limit', 'there is no pipeline web'],
    ['demo/limt', 'there is no filter limt in the pipeline demo (did you mean "limit"?)'],
  ]
  for (const [path, message] of cases) {
    const answer = await push(path)
    assert.is(answer.status, 404)
    assert.is(answer.json().message, message)
  }
  assert.equal(rig.control.pushed, [])
})

test('a module that is refused comes back with the reason', async () => {
  rig.control.add(PIPELINE).failWith = new GatewayError('GUEST_MODULE_INVALID', {
    offset: 4,
    reason: 'unexpected end',
  })
  const answer = await rig.send('PUT', '/apis/v2/plugins/demo/limit', {
    type: 'application/wasm',
    body: 'x',
  })
  assert.is(answer.status, 422)
  assert.match(answer.json().message, 'unexpected end')
})

test('probes need no token; reasons do', async () => {
  const open = { headers: { authorization: null } }
  assert.is((await rig.send('GET', '/livez', open)).status, 200)
  for (const path of ['/readyz', '/healthz']) {
    assert.is((await rig.send('GET', path, open)).text, 'ok\n')
  }
  rig.control.isReady = false
  rig.control.checks = [
    { name: 'configuration', ok: true, reason: '' },
    { name: 'objects', ok: false, reason: 'web: the port is taken' },
  ]
  const stranger = await rig.send('GET', '/readyz?verbose', open)
  assert.is(stranger.status, 503)
  assert.is(stranger.text, '[+] configuration ok\n[-] objects failed\nnot ready\n')
  const operator = await rig.send('GET', '/readyz?verbose')
  assert.match(operator.text, '[-] objects failed: web: the port is taken\n')
  assert.is((await rig.send('GET', '/livez', open)).status, 200)
  const wrong = { headers: { authorization: 'Bearer wrong' } }
  assert.is((await rig.send('GET', '/readyz?verbose', wrong)).status, 401)
})

test('only the methods of a path are answered, HEAD without a body', async () => {
  const answer = await send('DELETE', '/apis/v2/objects')
  assert.is(answer.status, 405)
  assert.is(answer.headers['allow'], 'GET, HEAD, POST, PUT')
  const head = await send('HEAD', '/apis/v2/objects')
  assert.is(head.status, 200)
  assert.is(head.text, '')
})

test('code is read again, and the data of a filter is listed, written and deleted', async () => {
  rig.control.add(PIPELINE)
  assert.equal((await send('POST', '/apis/v2/wasm/code')).json().updated, ['demo'])
  const path = '/apis/v2/wasm/data/demo/limit'
  assert.equal((await send('GET', path)).json(), {})
  const values = { text: 'a', number: 7, flag: true, bytes: { base64: '/w==' } }
  assert.equal((await send('PUT', path, values)).json(), { written: 4 })
  assert.equal((await send('GET', path)).json(), { ...values, number: '7', flag: 'true' })
  assert.equal((await send('DELETE', path)).json(), { deleted: 4 })
  assert.equal((await send('GET', path)).json(), {})
})

test('data that is none is refused whole, and so is that of a filter that is not there', async () => {
  rig.control.add(PIPELINE)
  const path = '/apis/v2/wasm/data/demo/limit'
  for (const values of [{ a: null }, { a: [] }, { a: { base64: '!' } }, { a: {} }, { '': 'x' }]) {
    const answer = await send('PUT', path, { ok: '1', ...values })
    assert.is(answer.status, 400, JSON.stringify(values))
    assert.is(answer.json().code, 'ADMIN_BODY_INVALID')
  }
  assert.equal((await send('GET', path)).json(), {})
  const missing = await send('GET', '/apis/v2/wasm/data/demo/limt')
  assert.is(missing.status, 404)
  assert.match(missing.json().message, 'did you mean "limit"?')
  assert.is((await send('DELETE', '/apis/v2/wasm/data/dmo/limit')).status, 404)
})
