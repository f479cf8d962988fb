import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { FILTER_KINDS } from '../../host/filters/builtin.ts'
import { Cleanup, type GetOptions, startGateway, startUpstream, until } from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'
import { wat } from '../support/wat.ts'

/**
 * Every result that a filter declares, given by a real gateway and taken by a jump. A filter that declares
 * another one needs a case here.
 */
const test = suite('filters/results', { timeoutMs: 60_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

/** What makes a filter give one of its results. */
interface Case {
  /** Its fields; `@upstream` in a text stands for the address of an upstream. */
  readonly fields: object
  /** A filter that answers before it. */
  readonly before?: object
  readonly resilience?: readonly object[]
  readonly path?: string
  readonly request?: GetOptions
  /** Requests before the one that counts. */
  readonly warmUps?: number
  readonly upstream?: (incoming: IncomingMessage, outgoing: ServerResponse) => void
  readonly files?: Readonly<Record<string, Uint8Array>>
}

/** Why a result is declared that no request leads to: configurations may name it in `jumpIf`. */
interface NeverGiven {
  readonly never: string
  readonly fields: object
}

const DEAD = 'http://127.0.0.1:1'
const pool = (fields: object) => ({ pools: [fields] })
const servers = (url: string) => ({ servers: [{ url }] })
const FAILING_TEMPLATE = '{{.req.JSONBody.missing}}'
const ORIGIN = { allowedOrigins: ['https://a.example'] }
const GZIP_LIE = {
  kind: 'Mock',
  rules: [{ code: 200, headers: { 'Content-Encoding': 'gzip' }, body: 'no gzip' }],
}
const post = (body: string | Buffer, headers: Record<string, string> = {}): GetOptions => ({
  method: 'POST',
  body,
  headers,
})

/** A guest that answers so on every request. */
const guest = (code: string, imports = '') =>
  wat(`(module ${imports} (memory (export "memory") 1)
    (func (export "penstock_on_request") (result i32) ${code}))`)
const plugin = (code: string, imports = '', fields: object = {}): Case => ({
  fields: { code: 'plugin.wasm', ...fields },
  files: { 'plugin.wasm': guest(code, imports) },
})

const numbers = (count: number, first: number): number[] =>
  Array.from({ length: count }, (_, i) => first + i)

const CASES: Readonly<Record<string, Case | NeverGiven>> = {
  'CORSAdaptor.preflighted': {
    fields: ORIGIN,
    request: {
      method: 'OPTIONS',
      headers: { origin: 'https://a.example', 'access-control-request-method': 'GET' },
    },
  },
  'CORSAdaptor.rejected': {
    fields: ORIGIN,
    request: { headers: { origin: 'https://b.example' } },
  },
  'DataBuilder.buildErr': { fields: { dataKey: 'd', template: FAILING_TEMPLATE } },
  'Fallback.fallback': {
    before: { kind: 'Mock', rules: [{ code: 500 }] },
    fields: { mockCode: 200 },
  },
  'Fallback.responseNotFound': { fields: { mockCode: 200 } },
  'HeaderToJSON.jsonEncodeDecodeErr': {
    fields: { headerMap: [{ header: 'X-User', json: 'user' }] },
    request: post('no JSON', { 'x-user': 'me' }),
  },
  'HeaderToJSON.bodyReadErr': {
    fields: { headerMap: [{ header: 'X-User', json: 'user' }] },
    request: post(Buffer.alloc(5 * 1024 * 1024, ' '), { 'x-user': 'me' }),
  },
  'Mock.mocked': { fields: { rules: [{ code: 200 }] } },
  'Proxy.internalError': { fields: pool({ discovery: { file: { path: 'missing.yaml' } } }) },
  'Proxy.serverError': { fields: pool(servers(DEAD)) },
  'Proxy.failureCode': {
    fields: pool(servers('@upstream')),
    upstream: (_, outgoing) => void outgoing.writeHead(500).end(),
  },
  'Proxy.timeout': {
    fields: pool({ ...servers('@upstream'), timeout: '100ms' }),
    upstream: () => undefined,
  },
  'Proxy.shortCircuited': {
    fields: pool({ ...servers(DEAD), circuitBreakerPolicy: 'breaker' }),
    resilience: [
      { name: 'breaker', kind: 'CircuitBreaker', slidingWindowSize: 1, minimumNumberOfCalls: 1 },
    ],
    warmUps: 1,
  },
  'RateLimiter.rateLimited': {
    fields: {
      policies: [{ name: 'p', limitForPeriod: 1, limitRefreshPeriod: '1h', timeoutDuration: '0s' }],
      urls: [{ url: { prefix: '/' }, policyRef: 'p' }],
    },
    warmUps: 1,
  },
  'Redirector.redirected': { fields: { match: '^/old', replacement: '/new' }, path: '/old' },
  'RedirectorV2.redirected': { fields: { scheme: 'https' } },
  'RemoteFilter.failed': { fields: { url: DEAD } },
  'RemoteFilter.responseAlready': {
    fields: { url: '@upstream' },
    upstream: (incoming, outgoing) => {
      incoming.resume().on('end', () => {
        // Node sends no body with 205; the reply is read whatever the status.
        outgoing.socket?.end(remoteReply())
      })
    },
  },
  'RequestAdaptor.decompressFailed': {
    fields: { decompress: 'gzip' },
    request: post('no gzip', { 'content-encoding': 'gzip' }),
  },
  'RequestAdaptor.compressFailed': {
    never: 'compressing a stream has no way to fail before it is sent',
    fields: { compress: 'gzip' },
  },
  'RequestAdaptor.signFailed': {
    fields: { sign: { accessKeyId: 'a', accessKeySecret: 'b' } },
    request: post(Buffer.alloc(5 * 1024 * 1024)),
  },
  'RequestAdaptor.buildErr': { fields: { template: `method: ${FAILING_TEMPLATE}` } },
  'RequestBuilder.buildErr': { fields: { template: `method: ${FAILING_TEMPLATE}` } },
  'ResponseAdaptor.responseNotFound': { fields: { body: 'x' } },
  'ResponseAdaptor.decompressFailed': { before: GZIP_LIE, fields: { decompress: 'gzip' } },
  'ResponseAdaptor.compressFailed': {
    never: 'compressing a stream has no way to fail before it is sent',
    fields: { compress: 'gzip' },
  },
  'ResponseAdaptor.buildErr': {
    before: { kind: 'Mock', rules: [{ code: 200 }] },
    fields: { template: `body: ${FAILING_TEMPLATE}` },
  },
  'ResponseBuilder.buildErr': { fields: { template: `body: ${FAILING_TEMPLATE}` } },
  'ResultBuilder.unknown': { fields: { template: 'nothing that is declared' } },
  'ResultBuilder.buildErr': { fields: { template: FAILING_TEMPLATE } },
  ...Object.fromEntries(
    numbers(10, 0).map((n) => [`ResultBuilder.result${n}`, { fields: { template: `result${n}` } }]),
  ),
  'Validator.invalid': { fields: { headers: { 'X-Key': { values: ['right'] } } } },
  'WasmHost.wasmError': plugin('unreachable'),
  'WasmHost.replied': plugin(
    '(drop (call $reply (i32.const 401) (i32.const 0) (i32.const 0))) (i32.const 0)',
    '(import "penstock_v1" "reply" (func $reply (param i32 i32 i32) (result i32)))',
  ),
  'WebSocketProxy.clientError': { fields: pool(servers(DEAD)) },
  'WebSocketProxy.internalError': {
    fields: pool(servers(DEAD)),
    request: {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
    },
  },
  ...Object.fromEntries(
    numbers(9, 1).map((n) => [`WasmHost.wasmResult${n}`, plugin(`(i32.const ${n})`)]),
  ),
}

/** Results that need more than a request: each has a test of its own below. */
const OWN_TESTS: ReadonlySet<string> = new Set(['Proxy.clientError', 'WasmHost.outOfVM'])

const declared = FILTER_KINDS.flatMap(({ kind, results }) =>
  results.map((result) => `${kind}.${result}`),
)

test('every declared result has a case, and every case is of a declared result', () => {
  const known = [...Object.keys(CASES), ...OWN_TESTS].sort()
  assert.equal(known, [...declared].sort())
})

for (const [name, one] of Object.entries(CASES)) {
  const [kind = '', result = ''] = name.split('.')
  if ('never' in one) {
    test(`${name} may be named and is never given: ${one.never}`, async () => {
      const gateway = await start(kind, result, { ...one, before: GZIP_LIE })
      assert.not((await gateway.get('/')).status === 299)
    })
    continue
  }
  test(`${name} is given and taken by a jump`, async () => {
    const { get, lines } = await start(kind, result, one)
    const ask = () => get(one.path ?? '/', one.request ?? {})
    for (let i = 0; i < (one.warmUps ?? 0); i++) assert.not((await ask()).status === 299)
    assert.is((await ask()).status, 299)
    await until(() => lines.some((line) => line.includes(`subject(${result},`)), 'its tag')
  })
}

test('Proxy.clientError is given when the client leaves', async () => {
  const upstream = await startUpstream(cleanup, () => undefined)
  const { port, lines } = await start('Proxy', 'clientError', {
    fields: pool(servers(upstream.url)),
  })
  const call = request({ host: '127.0.0.1', port, path: '/', agent: false })
  call.on('error', () => undefined)
  call.end()
  await until(() => upstream.requests.length === 1, 'the request')
  call.destroy()
  await until(() => lines.some((line) => line.includes('subject(clientError,')), 'its tag')
})

test('WasmHost.outOfVM is given when the only instance is busy for too long', async () => {
  const loop = plugin('(loop $l (br $l)) (i32.const 0)', '', {
    maxConcurrency: 1,
    timeout: '2s',
    queueTimeout: '50ms',
  })
  const { get } = await start('WasmHost', 'outOfVM', loop)
  const busy = get('/')
  const answers = await Promise.all([get('/'), get('/'), get('/')])
  assert.ok(answers.some(({ status }) => status === 299))
  await busy
})

/** A gateway whose filter `subject` jumps to a Mock that answers 299 when it gives `result`. */
async function start(kind: string, result: string, one: Case) {
  const upstream = one.upstream === undefined ? null : await startUpstream(cleanup, one.upstream)
  const fields = JSON.stringify(one.fields).replace('@upstream', upstream?.url ?? '')
  const first = one.before === undefined ? [] : [{ name: 'first', ...one.before }]
  const pipeline = {
    kind: 'Pipeline',
    name: 'main',
    flow: [
      ...first.map(({ name }) => ({ filter: name, jumpIf: { mocked: 'subject' } })),
      { filter: 'subject', jumpIf: { [result]: 'taken' } },
      { filter: 'END' },
      { filter: 'taken' },
    ],
    filters: [
      ...first,
      { name: 'subject', kind, ...(JSON.parse(fields) as object) },
      { name: 'taken', kind: 'Mock', rules: [{ code: 299 }] },
    ],
    resilience: one.resilience ?? [],
  }
  const server = {
    kind: 'HTTPServer',
    name: 'server',
    address: '127.0.0.1',
    port: 0,
    clientMaxBodySize: 16 * 1024 * 1024,
    rules: [{ paths: [{ backend: 'main' }] }],
  }
  const yaml = `${JSON.stringify(server)}\n---\n${JSON.stringify(pipeline)}\n`
  return await startGateway(cleanup, yaml, one.files ?? {}, { watch: false, threads: 1 })
}

/** 205 with a body, as the service of a RemoteFilter writes it. */
function remoteReply(): string {
  const body = JSON.stringify({ response: { statusCode: 200, header: {}, body: null } })
  return `HTTP/1.1 205 Reset Content\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`
}
