import { Agent, type IncomingMessage, type ServerResponse } from 'node:http'
import { FILTER_KINDS } from '../../host/filters/builtin.ts'
import {
  type Answer,
  Cleanup,
  fetchFrom,
  type GetOptions,
  startGateway,
  startUpstream,
} from '../support/gateway.ts'
import { versionGuest } from '../support/guests.ts'
import { assert, suite } from '../support/suite.ts'

/**
 * Every filter through a change of its fields while a client keeps its connection: the change holds from
 * the next request on, and a wrong one is refused with its reason while what ran goes on.
 */
const test = suite('filters/changes', { timeoutMs: 60_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

type Ask = (path?: string, options?: GetOptions) => Promise<Answer>

/** One filter of a flow between an upstream that answers with what it was asked, and a client. */
interface Case {
  /** `@upstream` stands for the upstream, `@remote` for a service that adds the header `X-Remote`. */
  readonly fields: object
  readonly changed: object
  /** What a client sees of the fields, in a few words. */
  readonly see: (ask: Ask) => Promise<string>
  readonly before: string
  readonly after: string
  readonly bad: object
  readonly message: string
  /** The filters around it; `subject` is its place. Default: before a Proxy. */
  readonly filters?: readonly object[]
  readonly flow?: readonly object[]
}

const SUBJECT = { name: 'subject' }
const PROXY = { name: 'proxy', kind: 'Proxy', pools: [{ servers: [{ url: '@upstream' }] }] }
const AFTER_PROXY = [PROXY, SUBJECT]

/** What the upstream was asked. */
const seenBy = (answer: Answer): { url: string; body: string; headers: Record<string, string> } =>
  JSON.parse(answer.body)
const status = async (ask: Ask) => String((await ask()).status)
const body = async (ask: Ask) => (await ask()).body
const location = async (ask: Ask) => String((await ask('/old')).headers.location)
const header = (name: string) => async (ask: Ask) => String(seenBy(await ask()).headers[name])
const policy = (limit: number) => ({
  policies: [{ name: 'p', limitForPeriod: limit, limitRefreshPeriod: '1h', timeoutDuration: '0s' }],
  defaultPolicyRef: 'p',
  urls: [{ url: { prefix: '/' } }],
})

const CASES: Readonly<Record<string, Case>> = {
  CORSAdaptor: {
    fields: { allowedOrigins: ['https://a.example'] },
    changed: { allowedOrigins: ['https://b.example'] },
    see: async (ask) =>
      String((await ask('/', { headers: { origin: 'https://a.example' } })).status),
    before: '200',
    after: '403',
    bad: { allowedOrigins: ['*.a.*'] },
    message: '`allowedOrigins[0]` has more than one *',
  },
  DataBuilder: {
    fields: { dataKey: 'd', template: 'one' },
    changed: { dataKey: 'd', template: 'two' },
    filters: [SUBJECT, { name: 'show', kind: 'ResponseBuilder', template: 'body: "{{.data.d}}"' }],
    see: body,
    before: 'one',
    after: 'two',
    bad: { dataKey: '', template: 'x' },
    message: '`dataKey`',
  },
  Fallback: {
    fields: { mockCode: 201 },
    changed: { mockCode: 202 },
    filters: AFTER_PROXY,
    see: status,
    before: '201',
    after: '202',
    bad: { mockCode: 99 },
    message: '`mockCode` takes at least 200',
  },
  HeaderToJSON: {
    fields: { headerMap: [{ header: 'X-User', json: 'one' }] },
    changed: { headerMap: [{ header: 'X-User', json: 'two' }] },
    see: async (ask) =>
      seenBy(await ask('/', { method: 'POST', body: '{}', headers: { 'x-user': 'me' } })).body,
    before: '{"one":"me"}',
    after: '{"two":"me"}',
    bad: { headerMap: [] },
    message: '`headerMap` takes a list of at least 1 item',
  },
  Mock: {
    fields: { rules: [{ code: 201 }] },
    changed: { rules: [{ code: 202 }] },
    see: status,
    before: '201',
    after: '202',
    bad: { rules: [{ code: 9 }] },
    message: '`code` takes at least 200, not the number 9',
  },
  Proxy: {
    fields: { pools: [{ servers: [{ url: '@upstream/one' }] }] },
    changed: { pools: [{ servers: [{ url: '@upstream/two' }] }] },
    filters: [SUBJECT],
    see: async (ask) => seenBy(await ask()).url,
    before: '/one/',
    after: '/two/',
    bad: { pools: [{ servers: [] }] },
    message: 'a pool needs `servers`, `discovery` or `serviceName`',
  },
  RateLimiter: {
    fields: policy(1),
    changed: policy(2),
    see: async (ask) => `${await status(ask)} ${await status(ask)} ${await status(ask)}`,
    before: '200 429 429',
    // The limit is another one: its count begins anew.
    after: '200 200 429',
    bad: { ...policy(1), defaultPolicyRef: 'q' },
    message: 'there is no policy "q" in this filter: there is p',
  },
  Redirector: {
    fields: { match: '^/old', replacement: '/one' },
    changed: { match: '^/old', replacement: '/two' },
    see: location,
    before: '/one',
    after: '/two',
    bad: { match: '(', replacement: '' },
    message: 'missing closing )',
  },
  RedirectorV2: {
    fields: { path: { type: 'ReplaceFullPath', replaceFullPath: '/one' } },
    changed: { path: { type: 'ReplaceFullPath', replaceFullPath: '/two' } },
    see: location,
    before: '/one',
    after: '/two',
    bad: { path: { type: 'ReplaceFullPath' } },
    message: 'the type ReplaceFullPath needs `replaceFullPath`',
  },
  RemoteFilter: {
    fields: { url: '@remote/one' },
    changed: { url: '@remote/two' },
    see: header('x-remote'),
    before: '/one',
    after: '/two',
    bad: { url: 'ftp://x' },
    message: '`url` must be a URL',
  },
  RequestAdaptor: {
    fields: { header: { set: { 'X-Set': 'one' } } },
    changed: { header: { set: { 'X-Set': 'two' } } },
    see: header('x-set'),
    before: 'one',
    after: 'two',
    bad: { compress: 'gzip', decompress: 'gzip' },
    message: '`compress` and `decompress` exclude each other',
  },
  RequestBuilder: {
    fields: { template: 'url: /one' },
    changed: { template: 'url: /two' },
    see: async (ask) => seenBy(await ask()).url,
    before: '/one',
    after: '/two',
    bad: { template: '{{' },
    message: 'line 1 of the template',
  },
  ResponseAdaptor: {
    fields: { body: 'one' },
    changed: { body: 'two' },
    filters: AFTER_PROXY,
    see: body,
    before: 'one',
    after: 'two',
    bad: { body: 'x', decompress: 'gzip' },
    message: 'there is nothing to decompress',
  },
  ResponseBuilder: {
    fields: { template: 'body: one' },
    changed: { template: 'body: two' },
    see: body,
    before: 'one',
    after: 'two',
    bad: { template: '{{.x' },
    message: 'line 1 of the template',
    filters: [SUBJECT],
  },
  ResultBuilder: {
    fields: { template: 'result1' },
    changed: { template: 'result2' },
    filters: [
      SUBJECT,
      { name: 'one', kind: 'Mock', rules: [{ code: 201 }] },
      { name: 'two', kind: 'Mock', rules: [{ code: 202 }] },
    ],
    flow: [
      { filter: 'subject', jumpIf: { result1: 'one', result2: 'two' } },
      { filter: 'one' },
      { filter: 'two' },
    ],
    see: status,
    before: '201',
    after: '202',
    bad: { template: '{{nope}}' },
    message: 'nope',
  },
  Validator: {
    fields: { headers: { 'X-Key': { values: ['one'] } } },
    changed: { headers: { 'X-Key': { values: ['two'] } } },
    see: async (ask) => String((await ask('/', { headers: { 'x-key': 'one' } })).status),
    before: '200',
    after: '400',
    bad: { jwt: { algorithm: 'HS256', secret: 'no hex' } },
    message: '`secret` must be written in hex',
  },
  WasmHost: {
    fields: { code: 'one.wasm' },
    changed: { code: 'two.wasm' },
    see: header('x-version'),
    before: '1',
    after: '2',
    bad: { code: 'gone.wasm' },
    message: 'gone.wasm',
  },
}

/** What needs a server with TLS, or is no request and its answer: tested with TLS and with WebSockets. */
const ELSEWHERE: ReadonlySet<string> = new Set(['CertExtractor', 'WebSocketProxy'])

test('every filter has a case', () => {
  const kinds = FILTER_KINDS.map(({ kind }) => kind).filter((kind) => !ELSEWHERE.has(kind))
  assert.equal(Object.keys(CASES).sort(), kinds.toSorted())
})

for (const [kind, one] of Object.entries(CASES)) {
  test(`${kind}: a change holds from the next request on, a wrong one is refused`, async () => {
    const upstream = await startUpstream(cleanup)
    const remote = await startUpstream(cleanup, addRemoteHeader)
    const yaml = (fields: object): string =>
      configuration(kind, one, fields)
        .replaceAll('@upstream', upstream.url)
        .replaceAll('@remote', remote.url)
    const modules = { 'one.wasm': versionGuest('1'), 'two.wasm': versionGuest('2') }
    const gateway = await startGateway(
      cleanup,
      yaml(one.fields),
      kind === 'WasmHost' ? modules : {},
      { watch: false, threads: 1 },
    )
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    cleanup.add(() => agent.destroy())
    const ask: Ask = (path = '/', options = {}) =>
      fetchFrom(gateway.port, path, { ...options, agent })
    const reload = async (fields: object): Promise<string> => {
      await gateway.write('gateway.yaml', yaml(fields))
      return (await gateway.gateway.reload()).join('\n')
    }
    assert.is(await one.see(ask), one.before)
    assert.is(await reload(one.changed), '')
    assert.is(await one.see(ask), one.after)
    const reason = await reload(one.bad)
    assert.ok(reason.includes(one.message), `${one.message} is not in: ${reason}`)
    assert.ok(gateway.lines.some((line) => line.includes('change refused')))
    // A limit is spent by now; everything else is as it was.
    if (kind !== 'RateLimiter') assert.is(await one.see(ask), one.after)
    else assert.is(await status(ask), '429')
    const connections = gateway.gateway.control.statusOf('server')?.detail
    assert.is((connections as { connections: number }).connections, 1)
  })
}

function configuration(kind: string, one: Case, fields: object): string {
  const filters = (one.filters ?? [SUBJECT, PROXY]).map((filter) =>
    filter === SUBJECT ? { name: 'subject', kind, ...fields } : filter,
  )
  const pipeline = { kind: 'Pipeline', name: 'main', flow: one.flow ?? [], filters }
  const server = {
    kind: 'HTTPServer',
    name: 'server',
    address: '127.0.0.1',
    port: 0,
    rules: [{ paths: [{ backend: 'main' }] }],
  }
  return `${JSON.stringify(server)}\n---\n${JSON.stringify(pipeline)}\n`
}

/** The service of a RemoteFilter: it says by a header of the request which path it was asked at. */
function addRemoteHeader(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const chunks: Buffer[] = []
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
  incoming.on('end', () => {
    const message = JSON.parse(Buffer.concat(chunks).toString()) as {
      request: { header: Record<string, string[]> }
    }
    message.request.header['X-Remote'] = [incoming.url ?? '']
    outgoing.end(JSON.stringify(message))
  })
}
