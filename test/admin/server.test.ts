import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import {
  HEADER_TIMEOUT_MS,
  MAX_ADMIN_CONNECTIONS,
  MAX_DOCUMENT_BODY_BYTES,
  MAX_MODULE_BODY_BYTES,
} from '../../host/admin/limits.ts'
import { createAdminServer } from '../../host/admin/server.ts'
import { GatewayError, isGatewayError } from '../../host/errors.ts'
import { silentLogger } from '../../host/observe/log.ts'
import { FakeControl } from '../support/fake-control.ts'
import { assert, suite } from '../support/suite.ts'
import { type AdminRig, openRig } from './support.ts'

const test = suite('admin/server')
let rig: AdminRig

test.before.each(async () => {
  rig = await openRig()
})
test.after.each(() => rig.close())

const PIPELINE = { kind: 'Pipeline', name: 'demo', filters: [{ name: 'limit', kind: 'WasmHost' }] }
const JSON_TYPE = 'application/json'

const post = (document: unknown, type = JSON_TYPE) =>
  rig.send('POST', '/apis/v2/objects', { type, body: JSON.stringify(document) })

test('every reply carries the configuration version and forbids type guessing', async () => {
  rig.control.revision = 41
  const calls = [
    ['GET', '/livez'],
    ['GET', '/apis/v2'],
    ['GET', '/nowhere'],
    ['DELETE', '/apis/v2'],
    ['POST', '/apis/v2/objects'],
  ] as const
  for (const [method, path] of calls) {
    const { headers } = await rig.send(method, path)
    assert.is(headers['x-config-version'], '41', path)
    assert.is(headers['x-content-type-options'], 'nosniff', path)
    assert.is(headers['access-control-allow-origin'], undefined, path)
  }
})

test('a wrong or missing token is refused, and says how to send one', async () => {
  for (const authorization of [null, 'Bearer wrong', 'Basic abc']) {
    const answer = await rig.send('GET', '/apis/v2/objects', { headers: { authorization } })
    assert.is(answer.status, 401)
    assert.match(answer.headers['www-authenticate'] as string, 'Bearer')
    assert.is(answer.headers['content-type'], 'application/problem+json')
    assert.is(answer.json().code, 'ADMIN_UNAUTHORIZED')
    assert.match(answer.json().hint, 'admin.token')
  }
})

test('of a thousand wrong tokens ten are looked at and the rest must wait', async () => {
  const counts: Record<number, number> = {}
  for (let i = 0; i < 1_000; i++) {
    const headers = { authorization: `Bearer ${'x'.repeat(i % 60)}${i}` }
    const { status, headers: answered } = await rig.send('GET', '/apis/v2/objects', { headers })
    counts[status] = (counts[status] ?? 0) + 1
    if (status === 429) assert.ok(Number(answered['retry-after']) > 0)
  }
  assert.equal(counts, { 401: 10, 429: 990 })
  assert.is((await rig.send('GET', '/apis/v2/objects')).status, 200)
})

test('a path that does not exist is told to authorized callers only', async () => {
  const headers = { authorization: null }
  assert.is((await rig.send('GET', '/apis/v2/nothing', { headers })).status, 401)
  assert.is((await rig.send('GET', '/apis/v2/nothing')).status, 404)
})

test('a request under a foreign name is refused: DNS rebinding', async () => {
  const { port } = rig.server
  const foreign = [
    'evil.example',
    `evil.example:${port}`,
    'localhost',
    '127.0.0.1:1',
    `a@localhost:${port}`,
  ]
  for (const host of foreign) {
    for (const path of ['/apis/v2/objects', '/livez', '/readyz']) {
      const answer = await rig.send('GET', path, { headers: { host } })
      assert.is(answer.status, 403, `${host} ${path}`)
      assert.is(answer.json().code, 'ADMIN_FORBIDDEN')
    }
  }
  for (const host of [
    `localhost:${port}`,
    `LOCALHOST:${port}`,
    `127.0.0.1:${port}`,
    `[::1]:${port}`,
  ]) {
    assert.is((await rig.send('GET', '/apis/v2/objects', { headers: { host } })).status, 200, host)
  }
})

test('a request without a name is refused', async () => {
  for (const host of ['Host:\r\n', '']) {
    const socket = connect(rig.server.port, '127.0.0.1')
    socket.end(`GET /livez HTTP/1.0\r\n${host}\r\n`)
    assert.match(await text(socket), /^HTTP\/1\.1 403 /)
  }
})

test('a foreign origin is refused even with the right token', async () => {
  const { port } = rig.server
  for (const origin of [
    'http://evil.example',
    'null',
    `http://evil.example:${port}`,
    `ftp://localhost:${port}`,
  ]) {
    assert.is(
      (await rig.send('GET', '/apis/v2/objects', { headers: { origin } })).status,
      403,
      origin,
    )
  }
  const own = { origin: `http://localhost:${port}` }
  assert.is((await rig.send('GET', '/apis/v2/objects', { headers: own })).status, 200)
})

test('configured names are allowed, with their port or with any', async () => {
  const other = await openRig({ allowedHosts: ['Gateway.internal', 'edge.example:8443'] })
  const statusOf = async (host: string) =>
    (await other.send('GET', '/apis/v2/objects', { headers: { host } })).status
  try {
    assert.is(await statusOf('gateway.internal:9000'), 200)
    assert.is(await statusOf('gateway.internal'), 200)
    assert.is(await statusOf('edge.example:8443'), 200)
    assert.is(await statusOf('edge.example:9000'), 403)
  } finally {
    await other.close()
  }
})

test('a body that is no JSON, YAML or module is refused before it is read: CSRF', async () => {
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    '',
  ]) {
    const answer = await post(PIPELINE, type)
    assert.is(answer.status, 415, type)
    assert.is(answer.json().code, 'ADMIN_MEDIA_TYPE')
  }
  const push = await rig.send('PUT', '/apis/v2/plugins/demo/limit', { type: JSON_TYPE, body: '{}' })
  assert.is(push.status, 415)
  assert.is(rig.control.objects.size, 0)
})

test('takes JSON and each of the YAML types', async () => {
  const types = [
    JSON_TYPE,
    'application/json; charset=utf-8',
    'application/yaml',
    'text/yaml',
    'application/x-yaml',
  ]
  for (const [index, type] of types.entries()) {
    const answer = await post({ ...PIPELINE, name: `p${index}` }, type)
    assert.is(answer.status, 201, type)
  }
  const body = 'kind: Pipeline\nname: yaml\nfilters: []\n'
  assert.is((await rig.send('POST', '/apis/v2/objects', { type: 'text/yaml', body })).status, 201)
  assert.equal(rig.control.get('yaml')?.spec, { kind: 'Pipeline', name: 'yaml', filters: [] })
})

test('answers YAML to whoever accepts it, and refusals as JSON all the same', async () => {
  rig.control.add(PIPELINE)
  const headers = { accept: 'application/x-yaml' }
  const answer = await rig.send('GET', '/apis/v2/objects/demo', { headers })
  assert.is(answer.headers['content-type'], 'application/yaml')
  assert.is(
    answer.text,
    'kind: Pipeline\nname: demo\nfilters:\n  - name: limit\n    kind: WasmHost\n',
  )
  const refused = await rig.send('GET', '/apis/v2/objects/no', { headers })
  assert.is(refused.json().code, 'ADMIN_NOT_FOUND')
})

test('an announced body past the limit is refused unread, a chunked one when it gets there', async () => {
  const announced = await rig.send('POST', '/apis/v2/objects', {
    type: JSON_TYPE,
    headers: { 'content-length': String(MAX_DOCUMENT_BODY_BYTES + 1), expect: '100-continue' },
  })
  assert.is(announced.status, 413)
  assert.is(announced.json().code, 'ADMIN_BODY_TOO_LARGE')
  const chunked = await rig.send('POST', '/apis/v2/objects', {
    type: JSON_TYPE,
    headers: { 'transfer-encoding': 'chunked' },
    body: Buffer.alloc(MAX_DOCUMENT_BODY_BYTES + 1, 32),
  })
  assert.is(chunked.status, 413)
})

test('a module may be larger than a document, up to its own limit', async () => {
  rig.control.add(PIPELINE)
  const send = (length: number) =>
    rig.send('PUT', '/apis/v2/plugins/demo/limit', {
      type: 'application/wasm',
      body: Buffer.alloc(length),
    })
  assert.is((await send(MAX_DOCUMENT_BODY_BYTES + 1)).status, 200)
  assert.is((await send(MAX_MODULE_BODY_BYTES + 1)).status, 413)
})

test('a body that cannot be read is a bad request that says why', async () => {
  const cases: [type: string, body: string | Uint8Array, message: RegExp][] = [
    [JSON_TYPE, '{', /not JSON/],
    [JSON_TYPE, '', /not JSON/],
    [JSON_TYPE, '"text"', /neither a JSON object/],
    [JSON_TYPE, '[1]', /neither a JSON object/],
    [JSON_TYPE, '[]', /no document/],
    [JSON_TYPE, '[{},{}]', /2 documents/],
    [JSON_TYPE, Buffer.from([0x7b, 0xff, 0x7d]), /UTF-8/],
    [JSON_TYPE, `{"a":${'['.repeat(200)}${']'.repeat(200)}}`, /nested deeper/],
    ['text/yaml', '# nothing', /no document/],
  ]
  for (const [type, body, message] of cases) {
    const answer = await rig.send('POST', '/apis/v2/objects', { type, body })
    assert.is(answer.status, 400, String(body))
    assert.match(answer.json().message, message)
  }
})

test('an error of YAML syntax comes with its place', async () => {
  const body = 'kind: Pipeline\nname: [demo\n'
  const answer = await rig.send('POST', '/apis/v2/objects', { type: 'application/yaml', body })
  assert.is(answer.status, 400)
  const [issue] = answer.json().issues
  assert.ok(issue.line >= 2, JSON.stringify(issue))
  assert.ok(issue.message.length > 0)
})

test('keys that mean something to JavaScript objects are refused and change nothing', async () => {
  const before = Object.getOwnPropertyNames(Object.prototype)
  for (const key of ['__proto__', 'constructor', 'prototype']) {
    const body = `{"kind":"Pipeline","name":"x","filters":[{"${key}":{"polluted":true}}]}`
    for (const type of [JSON_TYPE, 'application/yaml']) {
      const answer = await rig.send('POST', '/apis/v2/objects', { type, body })
      assert.ok(answer.status === 422 || answer.status === 400, `${key} ${answer.status}`)
      assert.match(JSON.stringify(answer.json().issues), key)
      if (type === JSON_TYPE) assert.is(answer.json().issues[0].pointer, `/filters/0/${key}`)
    }
  }
  assert.is(rig.control.objects.size, 0)
  assert.equal(Object.getOwnPropertyNames(Object.prototype), before)
  assert.is(Reflect.get({}, 'polluted'), undefined)
})

test('an error nobody expected is logged under an id, and the caller learns only the id', async () => {
  rig.control.failWith = new TypeError('secret /etc/path of the host')
  const answer = await post(PIPELINE)
  assert.is(answer.status, 500)
  const { code, message } = answer.json()
  assert.is(code, 'ADMIN_INTERNAL')
  assert.not.match(answer.text, /secret|etc|at .*\.ts/)
  const requestId = /admin-\d+-\d+/.exec(message)?.[0]
  const line = JSON.parse(rig.log.at(-1) ?? '{}')
  assert.is(line.requestId, requestId)
  assert.match(line.error.stack, 'secret')
})

test('a plugin that fails while it is loaded is unprocessable, not a failure of the gateway', async () => {
  rig.control.add(PIPELINE).failWith = new GatewayError('GUEST_TIMEOUT', { ms: 100 })
  const answer = await rig.send('PUT', '/apis/v2/plugins/demo/limit', {
    type: 'application/wasm',
    body: 'x',
  })
  assert.is(answer.status, 422)
  assert.is(answer.json().code, 'GUEST_TIMEOUT')
})

test('what is no HTTP is answered and closed', async () => {
  const socket = connect(rig.server.port, '127.0.0.1')
  socket.end('\0\0\0 garbage\r\n\r\n')
  const answer = await text(socket)
  assert.match(answer, /^HTTP\/1\.1 400 /)
  assert.match(answer, /x-config-version: 1/)
})

test('an address that is taken fails with LISTEN', async () => {
  const { port } = rig.server
  const log = silentLogger()
  try {
    await createAdminServer({ control: new FakeControl(), log, dataDir: rig.dataDir, port })
    assert.unreachable()
  } catch (error) {
    assert.ok(isGatewayError(error, 'LISTEN'), String(error))
  }
})

test('closing cuts a caller that never finishes its request', async () => {
  const socket = connect(rig.server.port, '127.0.0.1')
  socket.on('error', () => undefined)
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.write('POST /apis/v2/objects HTTP/1.1\r\n')
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await rig.server.close(10)
  await rig.server.close(10)
  await closed
})

test('a connection past the limit is closed, and the others go on', async () => {
  const { port } = rig.server
  const sockets = Array.from({ length: MAX_ADMIN_CONNECTIONS }, () => connect(port, '127.0.0.1'))
  try {
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    const extra = connect(port, '127.0.0.1').on('error', () => undefined)
    await once(extra, 'close')
    const first = sockets[0]
    first?.end(`GET /livez HTTP/1.1\r\nhost: localhost:${port}\r\nconnection: close\r\n\r\n`)
    assert.match(first === undefined ? '' : await text(first), /^HTTP\/1\.1 200 /)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
})

test('a head that does not end in time is cut', async () => {
  const socket = connect(rig.server.port, '127.0.0.1')
  const startedAt = performance.now()
  socket.write('GET /livez HTTP/1.1\r\n')
  await text(socket)
  const elapsedMs = performance.now() - startedAt
  assert.ok(elapsedMs >= HEADER_TIMEOUT_MS - 50, `${elapsedMs}`)
  assert.ok(elapsedMs < HEADER_TIMEOUT_MS + 15_000, `${elapsedMs}`)
})
