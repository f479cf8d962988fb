import { Cleanup, startUpstream } from '../support/gateway.ts'
import { refusal, startPipeline } from '../support/pipeline.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('filters/remote-filter')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

interface Message {
  request: {
    method: string
    path: string
    query: string
    header: Record<string, string[]>
    body: string | null
  }
  response: { statusCode: number; header: Record<string, string[]>; body: string | null } | null
}

/** A gateway whose remote service answers what `change` makes of what it got. */
async function start(
  change: (message: Message) => { status?: number; reply: unknown },
  fields = '',
) {
  const asked: Message[] = []
  const remote = await startUpstream(cleanup, (incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const message = JSON.parse(Buffer.concat(chunks).toString()) as Message
      asked.push(structuredClone(message))
      const { status = 200, reply } = change(message)
      outgoing.statusCode = status
      outgoing.end(typeof reply === 'string' ? reply : JSON.stringify(reply))
    })
  })
  const upstream = await startUpstream(cleanup)
  const gateway = await startPipeline(
    cleanup,
    `- { name: remote, kind: RemoteFilter, url: "${remote.url}/filter", ${fields} }
- { name: proxy, kind: Proxy, pools: [{ servers: [{ url: ${upstream.url} }] }] }
- { name: mock, kind: Mock, rules: [{ code: 299 }] }`,
    `
- { filter: remote, jumpIf: { failed: mock } }
- filter: proxy
- filter: END
- filter: mock`,
  )
  return { ...gateway, asked, upstream }
}

test('the service sees the request and changes it', async () => {
  const { get, asked } = await start((message) => {
    message.request.method = 'PUT'
    message.request.path = '/changed é'
    message.request.query = 'b=2'
    message.request.header['X-Added'] = ['one', 'two']
    delete message.request.header['X-Gone']
    message.request.body = Buffer.from('new').toString('base64')
    return { reply: message }
  })
  const answer = await get('/in?a=1', { method: 'POST', body: 'old', headers: { 'x-gone': '1' } })
  const seen = JSON.parse(answer.body)
  assert.is(seen.method, 'PUT')
  assert.is(seen.url, '/changed%20%C3%A9?b=2')
  assert.is(seen.headers['x-added'], 'one, two')
  assert.is(seen.headers['x-gone'], undefined)
  assert.is(seen.body, 'new')
  assert.is(asked[0]?.request.path, '/in')
  assert.equal(asked[0]?.request.header['X-Gone'], ['1'])
  assert.is(asked[0]?.request.body, Buffer.from('old').toString('base64'))
})

test('205 means that the response is there already', async () => {
  const { get, upstream } = await start((message) => ({
    status: 205,
    reply: {
      request: message.request,
      response: {
        statusCode: 418,
        header: { 'X-By': ['remote'] },
        body: Buffer.from('tea').toString('base64'),
      },
    },
  }))
  const answer = await get('/')
  assert.is(answer.status, 418)
  assert.is(answer.headers['x-by'], 'remote')
  assert.is(answer.body, 'tea')
  assert.is(upstream.requests.length, 0)
})

test('whatever the service answers wrongly is the result failed, and changes nothing', async () => {
  const replies: readonly ((message: Message) => { status?: number; reply: unknown })[] = [
    () => ({ status: 500, reply: {} }),
    () => ({ reply: 'no json' }),
    () => ({ reply: [] }),
    (message) => ({ reply: { request: { ...message.request, method: 'A B' } } }),
    (message) => ({ reply: { request: { ...message.request, path: 'relative' } } }),
    (message) => ({ reply: { request: { ...message.request, header: { a: ['x\n'] } } } }),
    (message) => ({ reply: { request: message.request, response: { statusCode: 99 } } }),
    () => ({ reply: ' '.repeat(200 * 1024) }),
  ]
  for (const reply of replies) {
    const { get } = await start(reply)
    assert.is((await get('/')).status, 299)
  }
})

test('a service that is late or not there is the result failed', async () => {
  const silent = await startUpstream(cleanup, () => undefined)
  for (const fields of [`url: "${silent.url}", timeout: 50ms`, 'url: "http://127.0.0.1:1"']) {
    const { get } = await startPipeline(
      cleanup,
      `- { name: remote, kind: RemoteFilter, ${fields} }\n- { name: mock, kind: Mock }`,
    )
    assert.is((await get('/')).status, 503)
  }
})

test('bodies past 64 KiB are not sent', async () => {
  const { get, asked } = await start((message) => ({ reply: message }))
  const answer = await get('/', { method: 'POST', body: Buffer.alloc(64 * 1024 + 1) })
  assert.is(answer.status, 299)
  assert.is(asked.length, 0)
})

test('the URL must be one', async () => {
  assert.equal(await refusal(cleanup, '- { name: r, kind: RemoteFilter, url: "ftp://x" }'), [
    '`url` must be a URL such as http://127.0.0.1:9096/filter',
  ])
})
