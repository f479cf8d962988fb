import { gunzipSync, gzipSync } from 'node:zlib'
import { Cleanup, fetchFrom, startUpstream } from '../support/gateway.ts'
import { startPipeline } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/response-adaptor')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

async function start(fields: string, body: string | Buffer, headers: Record<string, string> = {}) {
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value)
    outgoing.end(body)
  })
  return startPipeline(
    cleanup,
    `
- { name: proxy, kind: Proxy, pools: [{ servers: [{ url: ${upstream.url} }] }] }
- name: adapt
  kind: ResponseAdaptor
${fields.replace(/^/gm, '  ')}
- { name: failed, kind: Fallback, mockCode: 299 }`,
    `
- filter: proxy
- { filter: adapt, jumpIf: { decompressFailed: failed, compressFailed: failed, buildErr: failed } }
- filter: END
- filter: failed`,
  )
}

test('a template sees both messages and says how the response changes', async () => {
  const { get } = await start(
    `
header: { set: { X-Static: "1" } }
template: |
  header: { set: { X-Status: "{{.resp.StatusCode}}", X-Path: "{{.req.URL.Path}}" } }
  body: "{{.resp.JSONBody.a | upper}}"`,
    '{"a": "text"}',
  )
  const answer = await get('/here')
  assert.is(answer.body, 'TEXT')
  assert.is(answer.headers['x-status'], '200')
  assert.is(answer.headers['x-path'], '/here')
})

test('decompresses for the filters after it', async () => {
  const { get } = await start('decompress: gzip', gzipSync('inside'), {
    'content-encoding': 'gzip',
    etag: '"a"',
  })
  const answer = await get('/')
  assert.is(answer.body, 'inside')
  assert.is(answer.headers['content-encoding'], undefined)
  assert.is(answer.headers.etag, 'W/"a"')
})

test('a body that only says it is gzip is decompressFailed', async () => {
  const { get } = await start('decompress: gzip', 'no gzip', { 'content-encoding': 'gzip' })
  assert.is((await get('/')).status, 299)
})

test('compresses a body that is not encoded yet', async () => {
  const text = 'text '.repeat(10_000)
  const { port } = await start('compress: gzip', text)
  const { request } = await import('node:http')
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, agent: false }, (response) => {
      assert.is(response.headers['content-encoding'], 'gzip')
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve(Buffer.concat(chunks)))
    })
    call.on('error', reject)
    call.end()
  })
  assert.is(gunzipSync(bytes).toString(), text)
  const encoded = await start('compress: gzip', 'as it is', { 'content-encoding': 'br' })
  assert.is((await fetchFrom(encoded.port, '/')).body, 'as it is')
})

test('a template that fails is buildErr', async () => {
  const { get } = await start('template: "body: {{.resp.JSONBody.a}}"', 'no json')
  assert.is((await get('/')).status, 299)
})
