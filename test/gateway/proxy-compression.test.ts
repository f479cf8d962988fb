import { request } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { Cleanup, startUpstream } from '../support/gateway.ts'
import { startProxy } from '../support/proxy-gateway.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('gateway/proxy-compression')

let cleanup = new Cleanup()

test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const servers = (...urls: string[]) => urls.map((url) => ({ url }))

test('compression obeys quality values, length, type and what is encoded already', async () => {
  const text = 'a text that repeats itself. '.repeat(200)
  const upstream = await startUpstream(cleanup, (incoming, outgoing) => {
    const [type = '', encoding = ''] = decodeURIComponent(incoming.url?.slice(1) ?? '').split('|')
    outgoing.setHeader('content-type', type)
    outgoing.setHeader('etag', '"1"')
    if (encoding !== '') outgoing.setHeader('content-encoding', encoding)
    outgoing.end(incoming.headers['x-short'] === undefined ? text : 'short')
  })
  const { port } = await startProxy(cleanup, {
    compression: { minLength: 100 },
    pools: [{ servers: servers(upstream.url) }],
  })
  const ask = (path: string, headers: Record<string, string>) =>
    new Promise<{
      encoding: string | undefined
      vary: string | undefined
      etag: string | undefined
      body: Buffer
    }>((resolve, reject) => {
      const call = request({
        host: '127.0.0.1',
        port,
        path: `/${encodeURIComponent(path)}`,
        headers,
        agent: false,
      })
      call.on('error', reject)
      call.on('response', (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({
            encoding: response.headers['content-encoding'],
            vary: response.headers.vary,
            etag: response.headers.etag,
            body: Buffer.concat(chunks),
          }),
        )
      })
      call.end()
    })
  const zipped = await ask('text/plain', { 'accept-encoding': 'br, gzip;q=0.5' })
  assert.is(zipped.encoding, 'gzip')
  assert.is(zipped.vary, 'Accept-Encoding')
  assert.is(zipped.etag, 'W/"1"')
  assert.is(gunzipSync(zipped.body).toString(), text)
  const refusals: [path: string, accept: Record<string, string>][] = [
    ['text/plain', {}],
    ['text/plain', { 'accept-encoding': 'gzip;q=0' }],
    ['text/plain', { 'accept-encoding': 'identity, gzip;q=0.5' }],
    ['text/plain', { 'accept-encoding': 'gzip', 'x-short': '1' }],
    ['image/png', { 'accept-encoding': 'gzip' }],
    ['text/event-stream', { 'accept-encoding': 'gzip' }],
  ]
  for (const [path, headers] of refusals) {
    const answer = await ask(path, headers)
    assert.is(answer.encoding, undefined, `${path} ${JSON.stringify(headers)}`)
    assert.ok(['short', text].includes(answer.body.toString()))
  }
  assert.is((await ask('text/plain|br', { 'accept-encoding': 'gzip' })).encoding, 'br')
})

test('a large body is compressed as a stream', async () => {
  const text = 'another text that repeats itself. '.repeat(50_000)
  const upstream = await startUpstream(cleanup, (_, outgoing) => {
    outgoing.setHeader('content-type', 'application/json')
    outgoing.end(text)
  })
  const { port } = await startProxy(cleanup, {
    compression: {},
    pools: [{ servers: servers(upstream.url) }],
  })
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    const headers = { 'accept-encoding': 'gzip' }
    const call = request({ host: '127.0.0.1', port, path: '/', headers, agent: false })
    call.on('error', reject)
    call.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve(Buffer.concat(chunks)))
    })
    call.end()
  })
  assert.ok(bytes.length < text.length / 10)
  assert.is(gunzipSync(bytes).toString(), text)
})
