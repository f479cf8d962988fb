import { Cleanup, startUpstream } from '../support/gateway.ts'
import { refusal, startPipeline } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/header-to-json')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const FILTER = `
- name: map
  kind: HeaderToJSON
  headerMap:
    - { header: X-User, json: user }
    - { header: X-Role, json: role }`

async function start() {
  const upstream = await startUpstream(cleanup)
  return startPipeline(
    cleanup,
    `${FILTER}
- { name: proxy, kind: Proxy, pools: [{ servers: [{ url: ${upstream.url} }] }] }
- { name: encode, kind: Mock, rules: [{ code: 291 }] }
- { name: read, kind: Mock, rules: [{ code: 292 }] }`,
    `
- { filter: map, jumpIf: { jsonEncodeDecodeErr: encode, bodyReadErr: read } }
- filter: proxy
- filter: END
- { filter: encode, jumpIf: { mocked: END } }
- filter: read`,
  )
}

test('adds headers to an object, to each object of a list, and to an empty body', async () => {
  const { get } = await start()
  const sent = async (body: string, headers: Record<string, string> = { 'x-user': 'me' }) =>
    JSON.parse((await get('/', { method: 'POST', body, headers })).body).body
  assert.is(
    await sent('{"b": 1, "user": "x", "big": 12345678901234567890}'),
    '{"b":1,"big":12345678901234567890,"user":"me"}',
  )
  assert.is(await sent('[{"a":1},{}]'), '[{"a":1,"user":"me"},{"user":"me"}]')
  assert.is(await sent(''), '{"user":"me"}')
  assert.is(await sent('not json', { 'x-other': '1' }), 'not json')
})

test('a body that is no object is jsonEncodeDecodeErr, one that is too large bodyReadErr', async () => {
  const { get } = await start()
  const status = async (body: string | Buffer): Promise<number> =>
    (await get('/', { method: 'POST', body, headers: { 'x-user': 'me' } })).status
  assert.is(await status('not json'), 291)
  assert.is(await status('"text"'), 291)
  assert.is(await status('[1]'), 291)
  assert.is(await status(Buffer.alloc(5 * 1024 * 1024, ' ')), 292)
})

test('a map is needed', async () => {
  assert.equal(await refusal(cleanup, '- { name: h, kind: HeaderToJSON, headerMap: [] }'), [
    '`headerMap` takes a list of at least 1 item, not an empty list',
  ])
})
