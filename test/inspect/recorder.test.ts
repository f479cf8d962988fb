import { Cleanup, startUpstream, until } from '../support/gateway.ts'
import { versionGuest } from '../support/guests.ts'
import { onePipeline } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'
import { startInspected } from './support.ts'

const test = suite('inspect/recorder')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const ADAPTOR = `  - name: tenant
    kind: RequestAdaptor
    header:
      set: { x-tenant: acme }
      del: [cookie]
    method: PUT
    body: changed`

const proxy = (url: string): string => `  - name: upstream
    kind: Proxy
    pools:
      - servers:
          - url: ${url}`

test('a request is recorded as received, with what each filter made of it, and the answer', async () => {
  const upstream = await startUpstream(cleanup)
  const flow = 'flow:\n  - filter: tenant\n    alias: first\n  - filter: upstream'
  const rig = await startInspected(cleanup, onePipeline(`${ADAPTOR}\n${proxy(upstream.url)}`, flow))
  const answer = await rig.get('/orders?page=2', {
    method: 'POST',
    headers: { Cookie: 'a=1', 'X-Two': ['1', '2'] },
    body: 'as sent',
  })
  const record = await rig.last()
  assert.is(record.method, 'POST')
  assert.is(record.target, '/orders?page=2')
  assert.is(record.server, 'server')
  assert.is(record.pipeline, 'main')
  assert.is(record.status, 200)
  assert.is(record.state, 'done')
  assert.is(record.sentBytes, Buffer.byteLength(answer.body))
  assert.ok((record.durationMs ?? 0) > 0)

  const [adaptor, forward] = record.steps
  assert.is(record.steps.length, 2)
  assert.equal(
    [adaptor?.label, adaptor?.filter, adaptor?.kind],
    ['first', 'tenant', 'RequestAdaptor'],
  )
  assert.equal([forward?.label, forward?.kind], ['upstream', 'Proxy'])
  const before = record.requests[adaptor?.request[0] ?? -1]
  const after = record.requests[adaptor?.request[1] ?? -1]
  assert.is(before, record.requests[0])
  assert.is(before?.method, 'POST')
  assert.is(before?.path, '/orders')
  assert.is(before?.query, 'page=2')
  assert.ok(before?.headers.includes('Cookie'))
  assert.equal(
    before?.headers.filter((_, at, list) => list[at - 1]?.toLowerCase() === 'x-two'),
    ['1', '2'],
  )
  assert.is(before?.body.text, 'as sent')
  assert.is(after?.method, 'PUT')
  assert.not(after?.headers.some((name) => name.toLowerCase() === 'cookie'))
  assert.ok(after?.headers.includes('acme'))
  assert.is(after?.body.text, 'changed')
  // The proxy changes nothing in the request, and makes a response.
  assert.is(forward?.request[0], forward?.request[1])
  assert.is(forward?.response[0], -1)
  const final = record.responses[record.finalResponse]
  assert.is(record.finalResponse, forward?.response[1])
  assert.is(final?.status, 200)
  assert.is(final?.body.text, answer.body)
  assert.ok(final?.body.isComplete)
})

test('a request that no rule takes is recorded without a step', async () => {
  const rig = await startInspected(
    cleanup,
    onePipeline('  - { name: mock, kind: Mock, rules: [{ body: hi }] }').replace(
      '- backend: main',
      '- { path: /only, backend: main }',
    ),
  )
  assert.is((await rig.get('/other')).status, 404)
  const record = await rig.last()
  assert.equal(record.steps, [])
  assert.is(record.status, 404)
  assert.is(record.pipeline, '')
  assert.is(record.responses[record.finalResponse]?.status, 404)
})

test('a response phase of a plugin is a step of its own, after the flow', async () => {
  const upstream = await startUpstream(cleanup)
  const plugin = '  - name: version\n    kind: WasmHost\n    code: v.wasm'
  const rig = await startInspected(cleanup, onePipeline(`${plugin}\n${proxy(upstream.url)}`), {
    'v.wasm': versionGuest('7'),
  })
  await rig.get('/')
  const record = await rig.last()
  assert.equal(
    record.steps.map((step) => [step.label, step.phase, step.isOwed]),
    [
      ['version', 'request', false],
      ['upstream', 'request', false],
      ['version', 'response', true],
    ],
  )
  const [inward, , outward] = record.steps
  assert.ok(record.requests[inward?.request[1] ?? -1]?.headers.includes('x-version'))
  const [from, to] = outward?.response ?? [-1, -1]
  assert.not(record.responses[from]?.headers.includes('x-version'))
  assert.ok(record.responses[to]?.headers.includes('x-version'))
  assert.is(record.finalResponse, to)
  assert.match(inward?.plugin ?? '', /^[0-9a-f]{8}$/)
})

test('a body is kept up to its limit, and text is told from bytes', async () => {
  const rig = await startInspected(
    cleanup,
    onePipeline('  - { name: mock, kind: Mock, rules: [{ body: hi }] }'),
  )
  // Nobody reads a body before a mock.
  await rig.get('/', { method: 'POST', body: Buffer.from([0xff, 0xfe, 0]) })
  const binary = await rig.last()
  assert.is(binary.requests[0]?.body.text, null)
  assert.is(binary.requests[0]?.body.base64, '//4A')

  const upstream = await startUpstream(cleanup, (incoming, outgoing) => {
    incoming.resume().on('end', () => outgoing.end('é'.repeat(100_000)))
  })
  const other = await startInspected(cleanup, onePipeline(proxy(upstream.url)))
  await other.get('/', { method: 'POST', body: 'x'.repeat(100_000) })
  const record = await other.last()
  const sent = record.requests[0]?.body
  assert.equal([sent?.size, sent?.isCut, sent?.isComplete], [100_000, true, true])
  assert.is(sent?.text, 'x'.repeat(64 * 1024))
  const got = record.responses[record.finalResponse]?.body
  assert.is(got?.size, 200_000)
  assert.is(got?.text, 'é'.repeat(32 * 1024))
})

test('the last 200 exchanges are kept, the newest first, and can be forgotten', async () => {
  const rig = await startInspected(
    cleanup,
    onePipeline('  - { name: mock, kind: Mock, rules: [{ body: hi }] }'),
  )
  for (let i = 0; i < 205; i++) await rig.get(`/${i}`)
  await until(() => rig.summaries().every((one) => one.state === 'done'), 'all have ended')
  const targets = rig.summaries().map((one) => one.target)
  assert.is(targets.length, 200)
  assert.is(targets[0], '/204')
  assert.is(targets.at(-1), '/5')
  rig.inspector.clear()
  assert.equal(rig.summaries(), [])
})

test('exchanges that hold much push out older ones before there are 200', async () => {
  const upstream = await startUpstream(cleanup)
  const bodies = Array.from(
    { length: 15 },
    (_, i) => `  - name: a${i}
    kind: RequestAdaptor
    body: ${'a'.repeat(70_000)}${i}`,
  )
  const rig = await startInspected(
    cleanup,
    onePipeline(`${bodies.join('\n')}\n${proxy(upstream.url)}`),
  )
  for (let i = 0; i < 80; i++) await rig.get(`/${i}`)
  await until(() => rig.summaries().every((one) => one.state === 'done'), 'all have ended')
  const { length } = rig.summaries()
  assert.ok(length < 75 && length > 50, String(length))
})

test('a client that leaves is shown as broken off', async () => {
  const upstream = await startUpstream(cleanup, () => undefined)
  const rig = await startInspected(cleanup, onePipeline(proxy(upstream.url)))
  const { request } = await import('node:http')
  const call = request({ port: rig.port, path: '/slow' }).on('error', () => undefined)
  call.end()
  await until(() => upstream.requests.length === 1, 'the upstream was asked')
  assert.is(rig.summaries()[0]?.state, 'running')
  assert.is(rig.summaries()[0]?.durationMs, null)
  call.destroy()
  assert.is((await rig.last()).state, 'broken')
})

test('without development nothing is recorded and nothing stands in the way', async () => {
  const { startGateway } = await import('../support/gateway.ts')
  const { gateway, get } = await startGateway(
    cleanup,
    onePipeline('  - { name: mock, kind: Mock, rules: [{ body: hi }] }'),
  )
  assert.is((await get('/')).body, 'hi')
  assert.is(gateway.inspector, null)
})
