import { Cleanup, startUpstream } from '../support/gateway.ts'
import { accessLines, refusal, startPipeline } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/request-builder')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

/** What the upstream was asked, for a request that is built by `template` in a namespace of its own. */
async function built(
  template: string,
  request: { path?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; seen: Record<string, never> & { headers: Record<string, string> } }> {
  const upstream = await startUpstream(cleanup)
  const { get } = await startPipeline(
    cleanup,
    `
- name: build
  kind: RequestBuilder
  template: |
${template.replace(/^/gm, '    ')}
- name: proxy
  kind: Proxy
  pools: [{ servers: [{ url: ${upstream.url} }] }]
- name: take
  kind: ResponseBuilder
  sourceNamespace: ns`,
    `
- { filter: build, namespace: ns }
- { filter: proxy, namespace: ns }
- filter: take`,
  )
  const { path = '/', body, headers = {} } = request
  const init = body === undefined ? { headers } : { method: 'POST', body, headers }
  const answer = await get(path, init)
  return { status: answer.status, seen: answer.status === 200 ? JSON.parse(answer.body) : {} }
}

test('builds method, URL, headers and body from what the client sent', async () => {
  const { seen } = await built(
    `method: post
url: /users/{{.req.JSONBody.user.id}}?from={{.req.URL.Query.Get "q" | urlquery}}
headers:
  X-Path: ["{{.req.URL.Path}}"]
  X-Who: ["{{.req.Header.Get "X-Who"}}", second]
  X-Cookie: ["{{(.req.Cookie "c").Value}}"]
  Content-Length: ["5"]
body: |
  {"big": {{.req.JSONBody.big}}, "name": "{{.req.JSONBody.user.name | jsonEscape}}"}`,
    {
      path: '/in/%C3%A9?q=a%20b',
      body: '{"user": {"id": 7, "name": "O\\"Brien"}, "big": 12345678901234567890}',
      headers: { 'x-who': 'me', cookie: 'c=cookie-value' },
    },
  )
  assert.is(seen['method'], 'POST')
  assert.is(seen['url'], '/users/7?from=a+b')
  assert.is(seen.headers['x-path'], Buffer.from('/in/é', 'utf8').toString('latin1'))
  assert.is(seen.headers['x-who'], 'me, second')
  assert.is(seen.headers['x-cookie'], 'cookie-value')
  assert.is(seen['body'], '{"big": 12345678901234567890, "name": "O\\"Brien"}\n')
})

test('an empty template is a GET of the root', async () => {
  const { seen } = await built('{{/* nothing */}}')
  assert.is(seen['method'], 'GET')
  assert.is(seen['url'], '/')
})

test('builds a form with fields and files', async () => {
  const { seen } = await built(
    `method: POST
formData:
  plain: { value: one }
  file: { value: "{{.req.Body}}", fileName: 'a"b.txt' }`,
    { body: 'content' },
  )
  const type = seen.headers['content-type'] ?? ''
  assert.match(type, /^multipart\/form-data; boundary=/)
  const body = String(seen['body'])
  assert.ok(body.includes('name="plain"\r\n\r\none\r\n'))
  assert.ok(body.includes('name="file"; filename="a%22b.txt"'))
  assert.ok(body.includes('\r\n\r\ncontent\r\n'))
  assert.ok(body.endsWith(`--${type.split('boundary=')[1]}--\r\n`))
})

test('takes the request of another namespace, body and all, more than once', async () => {
  const upstream = await startUpstream(cleanup)
  const { get } = await startPipeline(
    cleanup,
    `
- { name: share, kind: RequestBuilder, sourceNamespace: DEFAULT }
- { name: none, kind: RequestBuilder, sourceNamespace: nowhere }
- name: proxy
  kind: Proxy
  pools: [{ servers: [{ url: ${upstream.url} }] }]
- name: merge
  kind: ResponseBuilder
  template: |
    body: '{{.responses.a.JSONBody.body}}-{{.responses.b.JSONBody.body}}-{{.responses.c.StatusCode}}'
- { name: mock, kind: Mock, rules: [{ code: 299 }] }`,
    `
- { filter: share, alias: s1, namespace: a }
- { filter: proxy, alias: p1, namespace: a }
- { filter: share, alias: s2, namespace: b }
- { filter: proxy, alias: p2, namespace: b }
- { filter: none, namespace: c, jumpIf: { buildErr: mocked } }
- { filter: mock, alias: mocked, namespace: b }
- { filter: merge }`,
  )
  const answer = await get('/', { method: 'POST', body: 'twice' })
  assert.is(answer.status, 503)
  assert.equal(
    upstream.requests.map(({ method }) => method),
    ['POST', 'POST'],
  )
})

test('what cannot be built is buildErr, with the reason in the log and none for the client', async () => {
  const filters = (template: string): string => `
- { name: build, kind: RequestBuilder, template: '${template}' }
- { name: mock, kind: Mock, rules: [{ code: 299 }] }`
  const flow = '- { filter: build, jumpIf: { buildErr: mock } }\n- filter: mock'
  const rows: readonly (readonly [template: string, reason: RegExp])[] = [
    ['{{.req.JSONBody.a}}', /the body of the request in DEFAULT is not JSON/],
    ['url: "{{fail "no"}}"', /line 1: fail: no/],
    ['method: "A B"', /"A B" is not a method/],
    ['url: "ftp://x"', /is not an http or https URL/],
    ['headers: { "a b": [c] }', /"a b" is not a header name/],
    ['headers: { "a": ["x\\u0001"] }', /the value of the header a cannot be sent/],
    ['[1]', /must give a map/],
    ['a: [', /what the template built cannot be used/],
    ['body: { a: b }', /`body` must be text/],
  ]
  for (const [template, reason] of rows) {
    const gateway = await startPipeline(cleanup, filters(template), flow)
    const answer = await gateway.get('/', { method: 'POST', body: 'no json' })
    assert.is(answer.status, 299, template)
    assert.match(String(accessLines(gateway)[0]?.['tags']), reason)
  }
})

test('a mistake in a template is found when the pipeline is read', async () => {
  const one = async (fields: string): Promise<string> =>
    (await refusal(cleanup, `- { name: build, kind: RequestBuilder, ${fields} }`)).join('; ')
  assert.is(
    await one('template: "{{.req.Method | uper}}"'),
    'line 1 of the template: there is no function "uper" (did you mean "upper"?)',
  )
  assert.is(await one('leftDelim: "[["'), 'a builder needs `template` or `sourceNamespace`')
  assert.is(
    await one('template: a, sourceNamespace: b'),
    '`sourceNamespace` and `template` exclude each other',
  )
  assert.is(await one('template: a, protocol: grpc'), 'the only protocol is "http"')
})
