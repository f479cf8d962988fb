import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { pluginNames } from '../../bench/plugin-costs.ts'
import { type FilterRequest, type LoadOptions, loadFilter } from '../../host/testing.ts'
import { Cleanup, fetchFrom, startGateway, startUpstream } from '../support/gateway.ts'
import { compiled } from '../support/guest.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('testing/equals-gateway', { timeoutMs: 240_000 })
const cleanup = new Cleanup()
test.after(() => cleanup.run())

/** Requests for each plugin; each is a socket of its own. */
const RUNS = 60

/** What the connection and the proxy write themselves, on either side. */
const OF_THE_HOST = new Set([
  'connection',
  'content-length',
  'date',
  'host',
  'keep-alive',
  'transfer-encoding',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
])

interface Plugin {
  readonly name: string
  /** What sets it apart from another line of the same plugin. */
  readonly with?: string
  readonly parameters: Readonly<Record<string, string | number | boolean>>
  /** Results that lead to the upstream. */
  readonly jumps: readonly string[]
  /** A header without which chance decides: every request has it. */
  readonly always?: string
  /** Values of authorization. */
  readonly tokens?: readonly string[]
  /** As under `keys:` of the filter. */
  readonly keys?: LoadOptions['keys']
  /** Bodies are JSON more often than not. */
  readonly isJson?: boolean
}

const SECRET = Buffer.from('a secret of more than thirty-two bytes')

/** A token of these claims, signed with `SECRET`. */
function signed(claims: unknown, algorithm = 'HS256'): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ alg: algorithm })}.${part(claims)}`
  return `Bearer ${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`
}

const TOKENS = [
  signed({ sub: 'ada', roles: ['admin', 'dev,ops'] }),
  signed({ sub: 'Löwe 100%', exp: 4_000_000_000 }),
  signed({ sub: 'ada', exp: 1_000_000_000 }),
  signed({ sub: 'root' }, 'none'),
  `${signed({ sub: 'root' })}x`,
  'Bearer a.b.c',
]

const PLUGINS: readonly Plugin[] = [
  {
    name: 'request-headers',
    parameters: {
      remove: 'x-internal-*\ncookie',
      default: 'x-tenant: acme',
      set: 'x-all: {method} {path} {scheme} {header:accept} {query:q}!',
      add: 'x-added: 1',
    },
    jumps: [],
  },
  {
    name: 'api-key',
    parameters: { keys: 'mobile: k-1\npartner: k-2', query: 'q', realm: 'orders' },
    jumps: [],
  },
  {
    name: 'response-body',
    parameters: { replace: 'a => ä\nbody => text', maskDigits: 12 },
    jumps: [],
  },
  { name: 'request-id', parameters: { trust: true }, jumps: [] },
  {
    name: 'ab-split',
    parameters: { b: 30, c: 30, by: 'x-user', force: 'q' },
    jumps: ['b', 'c'],
    always: 'x-user',
  },
  {
    name: 'jwt-claims',
    parameters: {
      secret: SECRET.toString('hex'),
      claims: 'sub => x-user\nroles => x-roles',
      optional: true,
    },
    jumps: [],
    tokens: TOKENS,
  },
  {
    name: 'jwt-claims',
    with: ' with a key',
    parameters: { claims: 'sub => x-user\nroles => x-roles', optional: true },
    keys: { token: { algorithm: 'HS256', secret: SECRET.toString('hex') } },
    jumps: [],
    tokens: TOKENS,
  },
  {
    name: 'redact',
    parameters: { paths: '**.secret\nuser.name => remove', kinds: 'email, card', in: 'both' },
    jumps: [],
    isJson: true,
  },
  {
    name: 'token-bucket',
    // Nothing comes back while the test runs: both see the same numbers of tokens.
    parameters: { rate: 0.001, burst: 4, by: 'x-user', costs: 'POST: 2\nDELETE: 0' },
    jumps: [],
  },
  {
    name: 'flash-sale',
    parameters: { start: '2026-01-01T00:00Z', stock: 3, by: 'x-user', title: 'Three lamps' },
    jumps: [],
  },
]

const word = fc.constantFrom('a', 'b', 'k-1', 'k-2', 'acme', 'x y', '4111 1111 1111 1234', 'ü')
const value = fc.constantFrom('', 'a', 'b', 'k-1', 'k-2', 'text/html', 'application/json', '\xfc')
const names = fc.constantFrom(
  'accept',
  'x-api-key',
  'x-tenant',
  'x-internal-a',
  'x-user',
  'x-request-id',
  'tracestate',
)
const headers = fc.uniqueArray(fc.tuple(names, value), { selector: ([name]) => name, maxLength: 5 })
const cookie = fc.constantFrom(null, 'ab=a', 'ab=b; theme=dark', 'theme=dark;ab=c', 'ab=z')
const trace = fc.constantFrom(
  null,
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
)
const sample = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
  path: fc.constantFrom('/', '/a/b', '/a%20b', '/?q=a', '/x?q=k-1', '/x?q=b&q=c', '/?p=%zz'),
  headers,
  cookie,
  trace,
  body: fc.option(
    fc.array(word, { maxLength: 4 }).map((words) => words.join(' ')),
    { nil: '' },
  ),
  status: fc.constantFrom(200, 201, 206, 404, 503),
  type: fc.constantFrom(null, 'text/html', 'application/json', 'image/png'),
  answer: fc.array(word, { maxLength: 6 }).map((words) => `body ${words.join(' ')}`),
  token: fc.nat(),
  json: fc.option(
    fc.record({
      user: fc.record({ name: word, mail: fc.constantFrom('ada@shop.example', 'no') }),
      list: fc.array(fc.record({ secret: fc.jsonValue({ maxDepth: 1 }), note: word })),
    }),
  ),
})

type Sample = typeof sample extends fc.Arbitrary<infer S> ? S : never

/** What can be compared: numbers that are made anew for each request are only known by their form. */
function comparable(list: readonly (readonly [string, string])[]): string[] {
  return list
    .filter(([name]) => !OF_THE_HOST.has(name.toLowerCase()))
    .map(([name, text]) => {
      const shown = text
        .replace(/^[0-9a-z]{8}-[0-9a-f]{6}$/, 'ID')
        .replace(
          /^00-([0-9a-f]{32})-[0-9a-f]{16}-/,
          (_, id: string) =>
            `00-${id === '0af7651916cd43dd8448eb211c80319c' ? 'KEPT' : 'MADE'}-PARENT-`,
        )
      // The two are asked one after the other, and time goes on.
      const isTime = /^(?:retry-after|ratelimit)$/i.test(name)
      return `${name.toLowerCase()}: ${isTime ? shown.replace(/\d+/g, 'N') : shown}`
    })
    .sort()
}

const pairs = (raw: readonly string[]): [string, string][] =>
  raw.flatMap((name, index) =>
    index % 2 === 0 ? [[name, raw[index + 1] ?? ''] as [string, string]] : [],
  )

test('every plugin of this repository is compared', () => {
  assert.equal([...new Set(PLUGINS.map(({ name }) => name))].sort(), pluginNames())
})

for (const plugin of PLUGINS) {
  const { name, parameters, jumps, always, tokens, keys = {}, isJson } = plugin
  test(`${name}${plugin.with ?? ''}: the test kit answers as a gateway does`, async () => {
    let sent: Sample | null = null
    let seen: { line: string; headers: string[]; body: string } | null = null
    const upstream = await startUpstream(cleanup, (incoming, outgoing) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        seen = {
          line: `${incoming.method} ${incoming.url}`,
          headers: comparable(pairs(incoming.rawHeaders)),
          body: Buffer.concat(chunks).toString('utf8'),
        }
        outgoing.statusCode = sent?.status ?? 200
        if (sent?.type != null) outgoing.setHeader('content-type', sent.type)
        outgoing.end(sent?.answer)
      })
    })
    const dir = new URL(`../../plugins/${name}/`, import.meta.url)
    const wasm = await compiled(dir.pathname)
    const jumpIf = Object.fromEntries(jumps.map((jump) => [jump, 'upstream']))
    const yaml = `kind: HTTPServer
name: server
port: 0
rules: [{ paths: [{ pathPrefix: /, backend: main }] }]
---
kind: Pipeline
name: main
flow: [{ filter: plugin, jumpIf: ${JSON.stringify(jumpIf)} }, { filter: upstream }]
filters:
  - { name: plugin, kind: WasmHost, code: plugin.wasm, timeout: 20s, parameters: ${JSON.stringify(parameters)}, keys: ${JSON.stringify(keys)} }
  - { name: upstream, kind: Proxy, pools: [{ servers: [{ url: '${upstream.url}' }] }] }
`
    // The machine may be busy.
    const options = { dataWaitMs: 20_000 }
    const { port } = await startGateway(cleanup, yaml, { 'plugin.wasm': wasm }, options)
    const filter = await loadFilter(wasm, { parameters, keys })
    await fc.assert(
      fc.asyncProperty(sample, async (random) => {
        const text = isJson === true && random.json !== null ? JSON.stringify(random.json) : null
        const one = text === null ? random : { ...random, body: text, answer: text }
        sent = one
        seen = null
        const fields = Object.fromEntries([
          ...(always === undefined ? [] : [[always, 'somebody']]),
          ...one.headers,
          ...(one.cookie === null ? [] : [['cookie', one.cookie]]),
          ...(one.trace === null ? [] : [['traceparent', one.trace]]),
          ...(tokens === undefined ? [] : [['authorization', tokens[one.token % tokens.length]]]),
          ...(text === null ? [] : [['content-type', 'application/json']]),
        ]) as Record<string, string>
        const body = one.method === 'GET' || one.method === 'DELETE' ? '' : one.body
        const answer = await fetchFrom(port, one.path, {
          method: one.method,
          headers: fields,
          body,
        })
        const init: FilterRequest = {
          method: one.method,
          path: one.path,
          headers: fields,
          body,
          jumps,
          upstream: {
            status: one.status,
            headers: one.type === null ? {} : { 'content-type': one.type },
            body: one.answer,
          },
        }
        const run = await filter.request(init)
        assert.is(run.reachedUpstream, seen !== null, 'the upstream was reached')
        if (seen !== null) {
          const { request } = run
          const query = request.query === '' ? '' : `?${request.query}`
          assert.equal(seen, {
            line: `${request.method} ${request.path}${query}`,
            headers: comparable(request.headers.entries),
            body: request.text(),
          })
        }
        const received = Object.entries(answer.headers).flatMap(([key, text]) =>
          [text ?? ''].flat().map((single) => [key, single] as const),
        )
        assert.is(answer.status, run.response.status)
        assert.is(answer.body, run.response.text())
        assert.equal(comparable(received), comparable(run.response.headers.entries))
      }),
      { numRuns: RUNS },
    )
  })
}
