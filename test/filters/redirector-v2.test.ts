import { Cleanup, startGateway } from '../support/gateway.ts'
import { refusal } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/redirector-v2')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

test('changes scheme, host, port and path, or the prefix of the route', async () => {
  const v2 = async (fields: string, path = '/api/v1/x?q=1'): Promise<string | undefined> => {
    const { get } = await startGateway(
      cleanup,
      `kind: HTTPServer
name: server
port: 0
address: 127.0.0.1
rules:
  - paths:
      - { pathPrefix: /api, backend: main }
---
kind: Pipeline
name: main
filters:
  - { name: r, kind: RedirectorV2, ${fields} }
  - { name: mock, kind: Mock, rules: [{ code: 200 }] }
`,
      {},
      { watch: false },
    )
    const answer = await get(path, { headers: { host: 'site.example:81' } })
    return answer.headers.location ?? String(answer.status)
  }
  assert.is(await v2('scheme: https'), 'https://site.example:81/api/v1/x?q=1')
  assert.is(await v2('hostname: other.example'), 'http://other.example/api/v1/x?q=1')
  assert.is(await v2('port: 8443, scheme: https'), 'https://site.example:8443/api/v1/x?q=1')
  assert.is(await v2('path: { type: ReplaceFullPath, replaceFullPath: /all }'), '/all?q=1')
  assert.is(
    await v2('path: { type: ReplacePrefixMatch, replacePrefixMatch: /new }'),
    '/new/v1/x?q=1',
  )
  assert.is(await v2('path: { type: ReplacePrefixMatch, replacePrefixMatch: /api }'), '200')
})

test('needs the field of its type', async () => {
  assert.equal(
    await refusal(cleanup, '- { name: r, kind: RedirectorV2, path: { type: ReplaceFullPath } }'),
    ['the type ReplaceFullPath needs `replaceFullPath`'],
  )
})

test('takes statuses that redirect, and hosts and schemes that there are', async () => {
  const messages = async (fields: string) =>
    (await refusal(cleanup, `- { name: r, kind: RedirectorV2, ${fields} }`)).join('; ')
  assert.match(await messages('statusCode: 200'), '`statusCode` takes the number 301')
  assert.match(await messages('hostname: "a/b"'), '`hostname` is not a host')
  assert.match(await messages('scheme: ftp'), '`scheme` takes one of "http", "https", not "ftp"')
})
