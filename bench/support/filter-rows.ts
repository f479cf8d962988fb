/** One native filter as a benchmark runs it: an ordinary use of it, on an ordinary request. */
export interface FilterRow {
  readonly kind: string
  /** What of it is used, where the kind alone does not say. */
  readonly what: string
  readonly fields: object
  readonly method?: string
  readonly path?: string
  /** Beside those every request has: names and values in turn. */
  readonly headers?: readonly string[]
  readonly body?: string
  /** What has been answered before it; null, the default, for nothing. */
  readonly response?: { readonly headers: readonly string[]; readonly body: string } | null
  /** The result it must give; undefined to go on. */
  readonly result?: string
}

/** What every upstream and every service answers, at once and without a socket. */
export const CANNED_ANSWER =
  '{"request":{"method":"GET","path":"/bench","header":{}},"response":null}'

/** Fields every request has, as a browser behind a load balancer sends them. */
export const COMMON_FIELDS: readonly string[] = [
  ...['Host', 'bench.example', 'User-Agent', 'bench/1.0', 'Accept', '*/*'],
  ...['Accept-Encoding', 'gzip', 'X-User', 'somebody', 'Cookie', 'session=abc; theme=dark'],
]

/** Kinds without a row: each is measured elsewhere, or does not run without what only a server has. */
export const WITHOUT_A_ROW: ReadonlyMap<string, string> = new Map([
  ['CertExtractor', 'it needs a connection with a certificate'],
  ['WasmHost', 'the benchmark `plugins` measures it'],
  ['WebSocketProxy', 'its cost is that of a connection'],
])

const JSON_BODY = '{"kind":"order","items":[1,2,3],"customer":{"name":"somebody","city":"here"}}'
const ORIGIN = 'https://app.example'
const answered = { headers: ['Content-Type', 'application/json'], body: JSON_BODY }
const oneServer = { servers: [{ url: 'http://127.0.0.1:9095' }] }
const threeServers = {
  servers: [9095, 9096, 9097].map((port) => ({ url: `http://127.0.0.1:${port}` })),
}

export const FILTER_ROWS: readonly FilterRow[] = [
  {
    kind: 'CORSAdaptor',
    what: 'an origin that is allowed',
    fields: { allowedOrigins: [ORIGIN], allowedMethods: ['GET', 'POST'] },
    headers: ['Origin', ORIGIN],
  },
  {
    kind: 'DataBuilder',
    what: 'three fields of a body',
    fields: { dataKey: 'order', template: 'kind: {{.req.JSONBody.kind}}\ncity: "x"\nn: 1' },
    method: 'POST',
    body: JSON_BODY,
  },
  { kind: 'Fallback', what: '', fields: { mockCode: 200 }, response: answered, result: 'fallback' },
  {
    kind: 'HeaderToJSON',
    what: '',
    fields: { headerMap: [{ header: 'X-User', json: 'user' }] },
    method: 'POST',
    body: JSON_BODY,
  },
  {
    kind: 'Mock',
    what: 'the second of two rules',
    fields: { rules: [{ match: { path: '/other' } }, { code: 200, body: 'mocked' }] },
    result: 'mocked',
  },
  { kind: 'Proxy', what: 'one server', fields: { pools: [oneServer] } },
  {
    kind: 'Proxy',
    what: 'three servers, leastRequest, retry, outlier detection',
    fields: {
      pools: [
        {
          ...threeServers,
          loadBalance: { policy: 'leastRequest' },
          retryPolicy: 'retry',
          outlierDetection: {},
        },
      ],
    },
  },
  {
    kind: 'RateLimiter',
    what: 'one rule',
    fields: {
      policies: [{ name: 'p', limitForPeriod: 1_000_000_000, limitRefreshPeriod: '1h' }],
      defaultPolicyRef: 'p',
      urls: [{ url: { prefix: '/' } }],
    },
  },
  {
    kind: 'Redirector',
    what: 'an expression',
    fields: { match: '^/bench/(.*)$', replacement: '/new/$1' },
    path: '/bench/path',
    result: 'redirected',
  },
  { kind: 'RedirectorV2', what: 'scheme', fields: { scheme: 'https' }, result: 'redirected' },
  { kind: 'RemoteFilter', what: 'without the service', fields: { url: 'http://127.0.0.1:9096' } },
  {
    kind: 'RequestAdaptor',
    what: 'three headers and a prefix',
    fields: {
      header: { del: ['X-Gone'], set: { 'X-Team': 'a' }, add: { 'X-More': 'b' } },
      path: { addPrefix: '/v1' },
    },
  },
  {
    kind: 'RequestAdaptor',
    what: 'a template',
    fields: { template: 'header: { set: { X-By: "{{.req.Header.Get "X-User"}}" } }' },
  },
  {
    kind: 'RequestBuilder',
    what: 'a template',
    fields: { template: 'method: GET\nurl: /users/{{.req.Header.Get "X-User"}}' },
  },
  {
    kind: 'ResponseAdaptor',
    what: 'two headers',
    fields: { header: { del: ['Server'], set: { 'X-Team': 'a' } } },
    response: answered,
  },
  {
    kind: 'ResponseBuilder',
    what: 'a template',
    fields: { template: 'statusCode: 200\nbody: "hello {{.req.Header.Get "X-User"}}"' },
  },
  {
    kind: 'ResultBuilder',
    what: 'a condition',
    fields: { template: '{{if eq .req.Method "GET"}}result1{{end}}' },
    result: 'result1',
  },
  {
    kind: 'Validator',
    what: 'a header',
    fields: { headers: { 'X-User': { values: ['nobody', 'somebody'] } } },
  },
  {
    kind: 'Validator',
    what: 'a JWT, HS256',
    fields: { jwt: { algorithm: 'HS256', secret: Buffer.from('secret').toString('hex') } },
    headers: [
      'Authorization',
      // {"alg":"HS256","typ":"JWT"} {"sub":"bench"}, signed with the secret above.
      'Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJiZW5jaCJ9.mzEwMg7jjG3vj6U-nivCTtjx8ZcBdfXAzySG-VIUm_U',
    ],
  },
]
