import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { PAGE_POLICY } from '../../host/admin/page.ts'
import { readToken } from '../../host/admin/token-file.ts'
import type { ExchangeRecord, ExchangeSummary, LiveEvent } from '../../host/inspect/record.ts'
import { Cleanup, fetchFrom, startGateway, startUpstream, until } from '../support/gateway.ts'
import { versionGuest } from '../support/guests.ts'
import { onePipeline } from '../support/one-pipeline.ts'
import { assert, suite } from '../support/suite.ts'
import { tokenSigner } from '../support/tokens.ts'

const test = suite('admin/inspect')

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

const INSPECT = '/apis/v2/inspect'
const PAGE = new Map([['index.html', { bytes: Buffer.from('<p>'), type: 'text/html' }]])

const MOCK = '  - { name: mock, kind: Mock, rules: [{ body: hi }] }'

/** A gateway that records, with an admin API on a free port. */
async function start(
  yaml = onePipeline(MOCK),
  files: Readonly<Record<string, Uint8Array | string>> = {},
) {
  const rig = await startGateway(cleanup, yaml, files, {
    watch: false,
    admin: { address: '127.0.0.1', port: 0 },
    development: { page: () => Promise.resolve(PAGE), onMoved: () => undefined },
  })
  const port = rig.gateway.adminPort ?? 0
  const key = rig.gateway.inspector?.key.text ?? ''
  const call = (path: string, method = 'GET', body?: string, token = key) =>
    fetchFrom(port, path, {
      method,
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body }),
    })
  const list = async (): Promise<ExchangeSummary[]> =>
    JSON.parse((await call(`${INSPECT}/exchanges`)).body)
  const newest = async (): Promise<ExchangeRecord> => {
    await until(async () => (await list())[0]?.state === 'done', 'an exchange has ended')
    const id = (await list())[0]?.id
    return JSON.parse((await call(`${INSPECT}/exchanges/${id}`)).body)
  }
  return { ...rig, adminPort: port, key, call, list, newest }
}

test('what is recorded needs the key or the token; the key opens nothing else', async () => {
  const { call, key, dir } = await start()
  const token = (await readToken(join(dir, '.penstock'))) ?? ''
  const path = `${INSPECT}/exchanges`
  assert.is((await call(path, 'GET', undefined, '')).status, 401)
  assert.is((await call(path, 'GET', undefined, `${key}x`)).status, 401)
  assert.is((await call(path, 'GET', undefined, key)).status, 200)
  assert.is((await call(path, 'GET', undefined, token)).status, 200)
  for (const [method, other] of [
    ['GET', '/apis/v2/objects'],
    ['GET', '/apis/v2/status'],
    ['GET', '/metrics'],
    ['DELETE', '/apis/v2/objects/main'],
    ['GET', '/readyz'],
  ] as const) {
    assert.is((await call(other, method, undefined, key)).status, 401, other)
  }
  // A key in a query would end up in logs and histories: it opens nothing.
  assert.is((await call(`${path}?token=${key}&key=${key}`, 'GET', undefined, '')).status, 401)
})

test('exchanges are listed, shown whole and forgotten', async () => {
  const { call, get, list, newest } = await start()
  await get('/a?b=1', { headers: { 'x-one': '1' } })
  const record = await newest()
  assert.is(record.target, '/a?b=1')
  assert.ok(record.requests[0]?.headers.includes('x-one'))
  assert.is(record.responses[record.finalResponse]?.body.text, 'hi')
  const missing = await call(`${INSPECT}/exchanges/none`)
  assert.is(missing.status, 404)
  assert.is(JSON.parse(missing.body).code, 'INSPECT_NOT_FOUND')
  assert.is((await call(`${INSPECT}/exchanges`, 'DELETE')).status, 200)
  assert.equal(await list(), [])
  assert.is(JSON.parse((await call(INSPECT)).body).maxExchanges, 200)
})

interface Feed {
  readonly events: LiveEvent[]
  readonly hasEnded: () => boolean
  close(): void
}

function open(port: number, key: string): Promise<Feed> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        port,
        host: '127.0.0.1',
        path: `${INSPECT}/live`,
        headers: { authorization: `Bearer ${key}` },
      },
      (response) => {
        if (response.statusCode !== 200) {
          response.resume()
          reject(new Error(String(response.statusCode)))
          return
        }
        assert.match(response.headers['content-type'] ?? '', /^text\/event-stream/)
        const events: LiveEvent[] = []
        let text = ''
        let hasEnded = false
        response.on('data', (chunk) => {
          text += chunk
          const parts = text.split('\n\n')
          text = parts.pop() ?? ''
          for (const part of parts) {
            const data = /^data: (.*)$/m.exec(part)?.[1]
            if (data !== undefined) events.push(JSON.parse(data))
          }
        })
        response.on('end', () => {
          hasEnded = true
        })
        response.on('error', () => undefined)
        resolve({ events, hasEnded: () => hasEnded, close: () => call.destroy() })
      },
    )
    call.on('error', reject)
    call.end()
  })
}

test('whoever looks on gets what there is, then every exchange as it runs and ends', async () => {
  const { get, adminPort, key, gateway, call } = await start()
  await get('/before')
  const feed = await open(adminPort, key)
  cleanup.add(() => feed.close())
  await until(() => feed.events.length > 0, 'the first event')
  const first = feed.events[0]
  assert.is(first?.type, 'start')
  assert.equal(first?.type === 'start' && first.exchanges.map((one) => one.target), ['/before'])
  await get('/during')
  const seen = (): ExchangeSummary[] =>
    feed.events.flatMap((event) => (event.type === 'exchanges' ? event.exchanges : []))
  await until(() => seen().some((one) => one.target === '/during' && one.state === 'done'), 'seen')
  gateway.inspector?.live.notice('live', 'index.ts is live')
  await until(() => feed.events.some((event) => event.type === 'notice'), 'the notice')
  await call(`${INSPECT}/exchanges`, 'DELETE')
  await until(() => feed.events.some((event) => event.type === 'cleared'), 'it was cleared')
})

test('sixteen may look on, a place is free again when one leaves, and a gateway that closes ends them', async () => {
  const { adminPort, key, gateway } = await start()
  const feeds = await Promise.all(Array.from({ length: 16 }, () => open(adminPort, key)))
  await until(() => feeds.every((feed) => feed.events.length > 0), 'all look on')
  const refused = await open(adminPort, key).catch((error: Error) => error.message)
  assert.is(refused, '503')
  feeds[0]?.close()
  await until(
    () =>
      open(adminPort, key).then(
        (feed) => feeds.push(feed) > 0,
        () => false,
      ),
    'there is room again',
  )
  const startedAt = performance.now()
  await gateway.close()
  assert.ok(performance.now() - startedAt < 4_500, 'it does not wait for them')
  await until(() => feeds.slice(1).every((feed) => feed.hasEnded()), 'all have ended')
})

test('a request is sent again as it was received, and the new exchange says what it repeats', async () => {
  const upstream = await startUpstream(cleanup)
  const { call, get, newest, list } = await start(
    onePipeline(
      `  - name: upstream\n    kind: Proxy\n    pools: [{ servers: [{ url: "${upstream.url}" }] }]`,
    ),
  )
  await get('/orders?x=%20', { method: 'PUT', headers: { 'X-A': ['1', '2'] }, body: 'öl' })
  const first = await newest()
  const answer = await call(`${INSPECT}/exchanges/${first.id}/replay`, 'POST')
  assert.is(answer.status, 200)
  const { id } = JSON.parse(answer.body)
  assert.is.not(id, first.id)
  const again = await newest()
  assert.is(again.id, id)
  assert.is(again.replayOf, first.id)
  const fields = (record: ExchangeRecord): string[] =>
    (record.requests[0]?.headers ?? []).filter(
      (_, at, all) => !/^connection$/i.test(all[at - (at % 2)] ?? ''),
    )
  assert.equal(fields(again).toSorted(), fields(first).toSorted())
  assert.equal(again.requests[0]?.body, first.requests[0]?.body)
  assert.is(again.target, '/orders?x=%20')
  // The mark of a replay is nobody else's business.
  assert.not(Object.keys(upstream.requests[1]?.headers ?? {}).some((name) => /replay/.test(name)))
  assert.is((await list()).length, 2)
})

test('a request whose body was not seen whole is not repeated', async () => {
  const { call, get, newest } = await start()
  await get('/', { method: 'POST', body: 'x'.repeat(70_000) })
  const { id } = await newest()
  const refused = await call(`${INSPECT}/exchanges/${id}/replay`, 'POST')
  assert.is(refused.status, 409)
  assert.is(JSON.parse(refused.body).code, 'INSPECT_BODY')
})

test('the text of a curl command is given', async () => {
  const { call, get, newest, port } = await start()
  await get("/it's?a=[1]", { headers: { 'X-A': "o'clock" } })
  const { id } = await newest()
  const { body, headers } = await call(`${INSPECT}/exchanges/${id}/curl`)
  assert.match(headers['content-type'] ?? '', /^text\/plain/)
  assert.match(body, /^curl -i \\\n/)
  assert.match(body, String.raw`'http://127.0.0.1:${port}/it'\''s?a=[1]'`)
  assert.match(body, String.raw`-H 'X-A: o'\''clock'`)
})

test('a test is written into the folder of the plugin, beside those that are there', async () => {
  const upstream = await startUpstream(cleanup)
  const plugin = `  - name: version
    kind: WasmHost
    code: plugin/build/v.wasm
    parameters: { greeting: "it's", count: 3 }
    secrets: { users-token: hunter22 }
    keys:
      login: ${JSON.stringify(tokenSigner('EdDSA').spec)}
      partner: ${JSON.stringify(tokenSigner('HS256').spec)}`
  const { call, get, newest, dir } = await start(
    onePipeline(
      `${plugin}\n  - name: upstream\n    kind: Proxy\n    pools: [{ servers: [{ url: "${upstream.url}" }] }]`,
    ),
    { 'plugin/build/v.wasm': versionGuest('7'), 'plugin/index.ts': '// the sources' },
  )
  await get('/orders?page=2', {
    method: 'POST',
    headers: { Authorization: 'Bearer x' },
    body: '{}',
  })
  const { id, steps } = await newest()
  assert.equal(
    steps.map((step) => step.isTestable),
    [true, false, false],
  )
  const path = `${INSPECT}/exchanges/${id}/test`
  const written = await call(path, 'POST', '{}')
  assert.is(written.status, 201)
  const { path: file, text } = JSON.parse(written.body)
  assert.is(file, join(dir, 'plugin/recorded-post-orders.test.ts'))
  assert.is(readFileSync(file, 'utf8'), text)
  assert.match(text, "import { loadFilter } from '@penstock/gateway/testing'")
  assert.match(text, "greeting: 'it\\'s',")
  assert.match(text, 'count: 3,')
  assert.match(text, 'Its secrets and keys do not stand here')
  assert.match(text, "secrets: {\n      'users-token': 'a secret for tests',\n    },")
  assert.match(text, /login: \{ algorithm: 'EdDSA', publicKey: '-----BEGIN PUBLIC KEY-----\\n/)
  assert.match(text, /partner: \{ algorithm: 'HS256', secret: '0{128}' \}/)
  assert.not.match(text, 'hunter22')
  assert.not.match(text, tokenSigner('HS256').spec.secret)
  assert.match(text, /now: '\d{4}-\d\d-\d\dT[\d:.]+Z',/)
  assert.match(text, "path: '/orders?page=2'")
  assert.match(text, "body: '{}'")
  assert.match(text, 'It holds Authorization as received')
  assert.match(text, "assert.equal(result.request.headers.get('x-version'), '7')")
  assert.match(text, "assert.equal(result.response.headers.get('x-version'), '7')")
  assert.is((await call(path, 'POST', '{"step":0}')).status, 201)
  assert.equal(
    readdirSync(join(dir, 'plugin'))
      .filter((name) => name.endsWith('.test.ts'))
      .toSorted(),
    ['recorded-post-orders-2.test.ts', 'recorded-post-orders.test.ts'],
  )
  for (const body of ['{"step":1}', '{"step":99}']) {
    const refused = await call(path, 'POST', body)
    assert.is(JSON.parse(refused.body).code, 'INSPECT_NO_PLUGIN')
  }
  assert.is((await call(path, 'POST', '{"step":"../.."}')).status, 400)
  rmSync(join(dir, 'plugin'), { recursive: true })
  const gone = await call(path, 'POST', '{}')
  assert.is(JSON.parse(gone.body).code, 'INSPECT_TEST_FILE')
  assert.not(existsSync(join(dir, 'plugin')))
})

test('the page is open, may load nothing from elsewhere, and tells nothing without the key', async () => {
  const { call } = await start()
  const page = await call('/ui/', 'GET', undefined, '')
  assert.is(page.status, 200)
  assert.is(page.headers['content-security-policy'], PAGE_POLICY)
  assert.is(page.headers['x-frame-options'], 'DENY')
  assert.is(page.headers['referrer-policy'], 'no-referrer')
  assert.is(page.body, '<p>')
  assert.is((await call('/ui/index.html', 'GET', undefined, '')).status, 200)
  assert.is((await call('/ui/other.js', 'GET', undefined, '')).status, 404)
  assert.is((await call('/ui/..%2Fadmin.token', 'GET', undefined, '')).status, 404)
})

test('a gateway that does not record says so', async () => {
  const rig = await startGateway(
    cleanup,
    onePipeline(MOCK),
    {},
    {
      admin: { address: '127.0.0.1', port: 0 },
    },
  )
  const token = (await readToken(join(rig.dir, '.penstock'))) ?? ''
  const port = rig.gateway.adminPort ?? 0
  for (const path of [INSPECT, `${INSPECT}/exchanges`, `${INSPECT}/live`, '/ui/']) {
    const headers = { authorization: `Bearer ${token}` }
    const { status, body } = await fetchFrom(port, path, { headers })
    assert.is(status, 404)
    assert.is(JSON.parse(body).code, 'INSPECT_OFF')
  }
})

test('when the ports are taken the next free ones are used, and it is said', async () => {
  const first = await start()
  const moved: unknown[] = []
  const yaml = onePipeline(MOCK).replace('port: 0', `port: ${first.port}`)
  const second = await startGateway(
    cleanup,
    yaml,
    {},
    {
      admin: { address: '127.0.0.1', port: first.adminPort },
      development: { page: () => Promise.resolve(PAGE), onMoved: (one) => moved.push(one) },
    },
  )
  assert.is((await fetchFrom(second.port, '/')).body, 'hi')
  assert.is.not(second.port, first.port)
  assert.is.not(second.gateway.adminPort, first.adminPort)
  assert.equal(moved, [{ server: 'server', wanted: first.port, port: second.port }])
})
