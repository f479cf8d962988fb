import { Cleanup, startUpstream } from '../support/gateway.ts'
import { pipelineYaml, startPipeline } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/response-builder')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

test('builds status, headers and body, with other delimiters too', async () => {
  const { get } = await startPipeline(
    cleanup,
    `
- name: build
  kind: ResponseBuilder
  leftDelim: "[["
  rightDelim: "]]"
  template: |
    statusCode: 2[[printf "%02d" 1]]
    headers:
      X-A: [one, two]
      X-Single: "[[.req.Method]]"
    body: "{{literal}} [[.req.URL.RawQuery]]"`,
  )
  const answer = await get('/?a=1')
  assert.is(answer.status, 201)
  assert.is(answer.headers['x-a'], 'one, two')
  assert.is(answer.headers['x-single'], 'GET')
  assert.is(answer.body, '{{literal}} a=1')
})

test('merges the answers of several namespaces', async () => {
  const first = await startUpstream(cleanup, (_, out) => void out.end('{"a": 1, "both": "first"}'))
  const second = await startUpstream(
    cleanup,
    (_, out) => void out.end('{"b": 2, "both": "second"}'),
  )
  const call = (name: string, url: string): string => `
- { name: ask-${name}, kind: RequestBuilder, template: "url: /${name}" }
- { name: ${name}, kind: Proxy, pools: [{ servers: [{ url: ${url} }] }] }`
  const { get } = await startPipeline(
    cleanup,
    `${call('one', first.url)}${call('two', second.url)}
- name: merge
  kind: ResponseBuilder
  template: |
    headers: { Content-Type: [application/json] }
    body: |
      {{mergeObject .responses.one.JSONBody .responses.two.JSONBody | toRawJson}}`,
    `
- { filter: ask-one, namespace: one }
- { filter: one, namespace: one }
- { filter: ask-two, namespace: two }
- { filter: two, namespace: two }
- filter: merge`,
  )
  const answer = await get('/')
  assert.is(answer.headers['content-type'], 'application/json')
  assert.equal(JSON.parse(answer.body), { a: 1, b: 2, both: 'second' })
  assert.is(first.requests[0]?.url, '/one')
})

test('takes the response of another namespace as it is, streamed', async () => {
  const size = 3 * 1024 * 1024
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    outgoing.statusCode = 207
    outgoing.setHeader('x-from', 'upstream')
    outgoing.end(Buffer.alloc(size, 'x'))
  })
  const { get } = await startPipeline(
    cleanup,
    `
- { name: ask, kind: RequestBuilder, sourceNamespace: DEFAULT }
- { name: proxy, kind: Proxy, pools: [{ servers: [{ url: ${upstream.url} }] }] }
- { name: take, kind: ResponseBuilder, sourceNamespace: ns }`,
    `
- { filter: ask, namespace: ns }
- { filter: proxy, namespace: ns }
- filter: take`,
  )
  const answer = await get('/')
  assert.is(answer.status, 207)
  assert.is(answer.headers['x-from'], 'upstream')
  assert.is(answer.body.length, size)
})

test('what cannot be built, and a namespace without a response, is buildErr', async () => {
  for (const fields of [
    'template: "statusCode: 99"',
    'template: "statusCode: no"',
    'template: "{{.responses.none.Body.x}}{{index .responses.none.Header 0}}"',
    'sourceNamespace: none',
  ]) {
    const { get } = await startPipeline(
      cleanup,
      `
- { name: build, kind: ResponseBuilder, ${fields} }
- { name: mock, kind: Mock, rules: [{ code: 299 }] }`,
      '- { filter: build, jumpIf: { buildErr: mock } }\n- filter: mock',
    )
    assert.is((await get('/')).status, 299, fields)
  }
})

test('a new response after a reload, while the former template served', async () => {
  const filters = (body: string): string =>
    `- { name: build, kind: ResponseBuilder, template: "body: ${body}" }`
  const { get, write, gateway } = await startPipeline(cleanup, filters('one'))
  assert.is((await get('/')).body, 'one')
  await write('gateway.yaml', pipelineYaml(filters('two')))
  await gateway.reload()
  assert.is((await get('/')).body, 'two')
  await write('gateway.yaml', pipelineYaml(filters('{{.x')))
  await gateway.reload()
  assert.is((await get('/')).body, 'two')
})
