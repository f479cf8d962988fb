import { gunzipSync, gzipSync } from 'node:zlib'
import { Cleanup, startUpstream } from '../support/gateway.ts'
import { accessLines, refusal, startPipeline } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/request-adaptor')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

interface Seen {
  method: string
  url: string
  headers: Record<string, string | undefined>
  body: Buffer
}

/** A gateway with an adaptor, and what its upstream saw last. */
async function start(fields: string) {
  const seen: Seen[] = []
  const upstream = await startUpstream(cleanup, (incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const { method = '', url = '', headers } = incoming
      seen.push({ method, url, headers: headers as Seen['headers'], body: Buffer.concat(chunks) })
      outgoing.end()
    })
  })
  const gateway = await startPipeline(
    cleanup,
    `
- name: adapt
  kind: RequestAdaptor
${fields.replace(/^/gm, '  ')}
- { name: proxy, kind: Proxy, pools: [{ servers: [{ url: ${upstream.url} }] }] }
- { name: mock, kind: Mock, rules: [{ code: 299 }] }`,
    `
- filter: adapt
  jumpIf: { decompressFailed: mock, compressFailed: mock, signFailed: mock, buildErr: mock }
- filter: proxy
- filter: END
- filter: mock`,
  )
  return { ...gateway, seen }
}

test('a template says what changes and wins over the fields beside it', async () => {
  const { get, seen } = await start(`
method: PUT
header: { set: { X-Static: "1" } }
template: |
  method: {{if eq .req.Method "POST"}}PATCH{{else}}DELETE{{end}}
  path: { replace: "/by/{{.req.Header.Get "X-User"}}" }
  body: '{{.req.JSONBody.a}}'`)
  await get('/in?q', { method: 'POST', body: '{"a": 5}', headers: { 'x-user': 'me' } })
  assert.is(seen[0]?.method, 'PATCH')
  assert.is(seen[0]?.url, '/by/me?q')
  assert.is(seen[0]?.headers['x-static'], '1')
  assert.is(seen[0]?.body.toString(), '5')
})

test('a header of the configuration about the client reaches the upstream, one of the client does not', async () => {
  const own = await start('header: { set: { X-Real-IP: 1.2.3.4, X-Forwarded-Proto: https } }')
  await own.get('/', { headers: { 'x-real-ip': '6.6.6.6', 'x-forwarded-for': '6.6.6.6' } })
  assert.is(own.seen[0]?.headers['x-real-ip'], '1.2.3.4')
  assert.is(own.seen[0]?.headers['x-forwarded-proto'], 'https')
  assert.is(own.seen[0]?.headers['x-forwarded-for'], '127.0.0.1')
})

test('compresses a body that is not encoded yet', async () => {
  const { get, seen } = await start('compress: gzip')
  const text = 'text '.repeat(10_000)
  await get('/', { method: 'POST', body: text })
  assert.is(seen[0]?.headers['content-encoding'], 'gzip')
  assert.is(gunzipSync(seen[0]?.body ?? '').toString(), text)
  await get('/', { method: 'POST', body: 'as it is', headers: { 'content-encoding': 'br' } })
  assert.is(seen[1]?.headers['content-encoding'], 'br')
  assert.is(seen[1]?.body.toString(), 'as it is')
})

test('decompresses gzip, and only that', async () => {
  const { get, seen } = await start('decompress: gzip')
  const headers = { 'content-encoding': 'gzip' }
  await get('/', { method: 'POST', body: gzipSync('inside'), headers })
  assert.is(seen[0]?.headers['content-encoding'], undefined)
  assert.is(seen[0]?.body.toString(), 'inside')
  await get('/', { method: 'POST', body: 'plain' })
  assert.is(seen[1]?.body.toString(), 'plain')
})

test('what is no gzip, and what becomes too large, is decompressFailed', async () => {
  const { get } = await start('decompress: gzip')
  const headers = { 'content-encoding': 'gzip' }
  assert.is((await get('/', { method: 'POST', body: 'no gzip', headers })).status, 299)
  const bomb = gzipSync(Buffer.alloc(17 * 1024 * 1024))
  assert.is((await get('/', { method: 'POST', body: bomb, headers })).status, 299)
})

test('a body that is too large to be signed is signFailed, a template that fails buildErr', async () => {
  const sign = await start('sign: { accessKeyId: a, accessKeySecret: b }')
  const body = Buffer.alloc(5 * 1024 * 1024)
  assert.is((await sign.get('/', { method: 'POST', body })).status, 299)
  const build = await start('template: "method: {{.req.JSONBody.x}}"')
  assert.is((await build.get('/')).status, 299)
  const wrong = await start('template: "path: { replace: relative }"')
  assert.is((await wrong.get('/')).status, 299)
  assert.match(String(accessLines(wrong)[0]?.['tags']), 'path.replace')
})

test('reports what excludes each other', async () => {
  const one = async (fields: string): Promise<string> =>
    (await refusal(cleanup, `- { name: a, kind: RequestAdaptor, ${fields} }`)).join('; ')
  assert.is(
    await one('compress: gzip, decompress: gzip'),
    '`compress` and `decompress` exclude each other',
  )
  assert.is(
    await one('body: x, decompress: gzip'),
    'there is nothing to decompress: `body` replaces the body',
  )
  assert.match(await one('compress: br'), '`compress` takes one of empty text, "gzip"')
  assert.match(await one('template: "{{"'), 'line 1 of the template')
})
