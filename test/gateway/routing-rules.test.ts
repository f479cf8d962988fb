import { Agent } from 'node:http'
import { httpServerKind } from '../../host/objects/http-server-spec.ts'
import {
  Cleanup,
  fetchFrom,
  type GetOptions,
  startGateway,
  startUpstream,
} from '../support/gateway.ts'
import { assert, suite } from '../support/suite.ts'

/**
 * Every field of a rule and of a route through sockets: a request it takes, one it does not, a change of
 * the field on a connection that stays, and a wrong value that is refused while what ran goes on.
 */
const test = suite('gateway/routing-rules', { timeoutMs: 60_000 })

let cleanup = new Cleanup()
test.after.each(async () => {
  await cleanup.run()
  cleanup = new Cleanup()
})

interface Asked extends GetOptions {
  readonly path?: string
}

interface Case {
  /** The value of the field, and what stands beside it. */
  readonly value: unknown
  readonly beside?: object
  /** Requests with what comes back: a status, or what the upstream saw. */
  readonly see: readonly (readonly [asked: Asked, expected: string])[]
  /** Another value, and what comes back with it. */
  readonly changed: unknown
  readonly seeChanged: readonly (readonly [asked: Asked, expected: string])[]
  readonly wrong: unknown
  readonly message: string
}

const withHost = (host: string): Asked => ({ headers: { host } })
const matcher = (values: string[]) => [{ key: 'X-V', values }]
const both = [...matcher(['1']), { key: 'X-W', regexp: '^2' }]
const ofBoth = (...values: string[]): Asked => ({
  headers: Object.fromEntries(values.map((value, i) => [i === 0 ? 'x-v' : 'x-w', value])),
})
const queries = [
  { key: 'a', values: ['1'] },
  { key: 'b', regexp: '^2' },
]
const ME = { allowIPs: ['127.0.0.0/8'] }
const OTHERS = { allowIPs: ['10.0.0.0/8'] }
const body = (size: number): Asked => ({ method: 'POST', body: 'x'.repeat(size) })

const RULE_FIELDS: Readonly<Record<string, Case>> = {
  host: {
    value: '*.example.com',
    see: [
      [withHost('a.example.com:80'), '/'],
      [withHost('other.net'), '404'],
    ],
    changed: 'other.net',
    seeChanged: [
      [withHost('a.example.com'), '404'],
      [withHost('OTHER.net'), '/'],
    ],
    wrong: 'a*b',
    message: '`host` takes a host name with at most one *',
  },
  hostRegexp: {
    value: '^v[0-9]\\.',
    see: [
      [withHost('v1.net'), '/'],
      [withHost('vx.net'), '404'],
    ],
    changed: '^vx',
    seeChanged: [
      [withHost('v1.net'), '404'],
      [withHost('vx.net'), '/'],
    ],
    wrong: '(',
    message: 'missing closing )',
  },
  hosts: {
    value: [{ value: 'one' }, { value: '^two', isRegexp: true }],
    see: [
      [withHost('one'), '/'],
      [withHost('two.three'), '/'],
      [withHost('three'), '404'],
    ],
    changed: [{ value: 'three' }],
    seeChanged: [[withHost('one'), '404']],
    wrong: [{ value: '(', isRegexp: true }],
    message: 'missing closing )',
  },
  ipFilter: {
    value: ME,
    see: [[{}, '/']],
    changed: OTHERS,
    seeChanged: [[{}, '403']],
    wrong: { allowIPs: ['10.0.0.0/33'] },
    message: '`allowIPs[0]` is neither an IP address nor a range',
  },
  paths: {
    value: [{ backend: 'main' }],
    see: [[{ path: '/any' }, '/any']],
    changed: [],
    seeChanged: [[{ path: '/any' }, '404']],
    wrong: [{ backend: 'nobody' }],
    message: 'there is no Pipeline "nobody"',
  },
}

const ROUTE_FIELDS: Readonly<Record<string, Case>> = {
  path: {
    value: '/a',
    see: [
      [{ path: '/a?q' }, '/a?q'],
      [{ path: '/a/b' }, '404'],
    ],
    changed: '/a/b',
    seeChanged: [
      [{ path: '/a' }, '404'],
      [{ path: '/a/b' }, '/a/b'],
    ],
    wrong: 'a',
    message: '`path` takes a path that begins with "/"',
  },
  pathPrefix: {
    value: '/a',
    see: [
      [{ path: '/ab' }, '/ab'],
      [{ path: '/b' }, '404'],
    ],
    changed: '/b',
    seeChanged: [[{ path: '/ab' }, '404']],
    wrong: 'a',
    message: '`pathPrefix` takes a path that begins with "/"',
  },
  pathRegexp: {
    value: '^/[0-9]+$',
    see: [
      [{ path: '/12' }, '/12'],
      [{ path: '/1a' }, '404'],
    ],
    changed: 'a$',
    seeChanged: [
      [{ path: '/12' }, '404'],
      [{ path: '/1a' }, '/1a'],
    ],
    wrong: '(?=a)',
    message: 'the regular expression "(?=a)" is not valid',
  },
  rewriteTarget: {
    value: '/new/',
    beside: { pathPrefix: '/old/' },
    see: [[{ path: '/old/x?q=1' }, '/new/x?q=1']],
    changed: '/newer/',
    seeChanged: [[{ path: '/old/x' }, '/newer/x']],
    wrong: 7,
    message: '`rewriteTarget` takes text',
  },
  methods: {
    value: ['GET'],
    see: [
      [{}, '/'],
      [{ method: 'POST' }, '405'],
    ],
    changed: ['POST'],
    seeChanged: [
      [{}, '405'],
      [{ method: 'POST' }, '/'],
    ],
    wrong: ['FETCH'],
    message: 'takes one of "GET"',
  },
  headers: {
    value: both,
    see: [
      [ofBoth('1'), '/'],
      [ofBoth('3', '22'), '/'],
      [ofBoth('3'), '400'],
      [{}, '400'],
    ],
    changed: matcher(['3']),
    seeChanged: [
      [ofBoth('1'), '400'],
      [ofBoth('3'), '/'],
    ],
    wrong: [{ key: 'X-V' }],
    message: 'a header needs `values` or `regexp`, or it matches nothing',
  },
  matchAllHeader: {
    value: true,
    beside: { headers: both },
    see: [
      [ofBoth('1', '22'), '/'],
      [ofBoth('1'), '400'],
    ],
    changed: false,
    seeChanged: [[ofBoth('1'), '/']],
    wrong: 'all',
    message: '`matchAllHeader` takes true or false',
  },
  queries: {
    value: queries,
    see: [
      [{ path: '/?b=2x' }, '/?b=2x'],
      [{ path: '/?a=2' }, '400'],
    ],
    changed: [{ key: 'a', values: ['2'] }],
    seeChanged: [[{ path: '/?a=2' }, '/?a=2']],
    wrong: [{ key: 'a', regexp: '(' }],
    message: 'missing closing )',
  },
  matchAllQuery: {
    value: true,
    beside: { queries },
    see: [
      [{ path: '/?a=1&b=2' }, '/?a=1&b=2'],
      [{ path: '/?a=1' }, '400'],
    ],
    changed: false,
    seeChanged: [[{ path: '/?a=1' }, '/?a=1']],
    wrong: 1,
    message: '`matchAllQuery` takes true or false',
  },
  ipFilter: {
    value: ME,
    see: [[{}, '/']],
    changed: OTHERS,
    seeChanged: [[{}, '403']],
    wrong: { blockIPs: ['nowhere'] },
    message: '`blockIPs[0]` is neither an IP address nor a range',
  },
  setHeaders: {
    value: { 'X-Seen': '$request_method' },
    see: [[{}, '/ GET']],
    changed: { 'X-Seen': 'fixed' },
    seeChanged: [[{}, '/ fixed']],
    wrong: { 'Content-Length': '1' },
    message: 'the header Content-Length is written by the host itself',
  },
  clientMaxBodySize: {
    value: 10,
    see: [
      [body(10), '/'],
      [body(11), '413'],
    ],
    changed: -1,
    seeChanged: [[body(11), '/']],
    wrong: 'much',
    message: '`clientMaxBodySize` takes a number, not the text "much"',
  },
  backend: {
    value: 'main',
    see: [[{}, '/']],
    changed: 'mock',
    seeChanged: [[{}, '299']],
    wrong: 'server',
    message: '"server" is a HTTPServer; a backend is a Pipeline',
  },
  backendPool: {
    value: { servers: [{ url: '@upstream/one' }] },
    beside: { backend: undefined },
    see: [[{}, '/one/']],
    changed: { servers: [{ url: '@upstream/two' }] },
    seeChanged: [[{}, '/two/']],
    wrong: { servers: [{ url: '@upstream' }], retryPolicy: 'r' },
    message: 'a `backendPool` has no `retryPolicy`',
  },
}

test('every field of a rule and of a route has a case', () => {
  const rule = httpServerKind.spec.shape.rules.unwrap().element
  assert.equal(Object.keys(RULE_FIELDS).sort(), Object.keys(rule.shape).sort())
  const route = rule.shape.paths.unwrap().element
  assert.equal(Object.keys(ROUTE_FIELDS).sort(), Object.keys(route.shape).sort())
})

const ruleOf = (field: string, one: Case, value: unknown) => ({
  paths: [{ backend: 'main' }],
  ...one.beside,
  [field]: value,
})
const routeOf = (field: string, one: Case, value: unknown) => ({
  paths: [{ backend: 'main', ...one.beside, [field]: value }],
})

for (const [what, fields, make] of [
  ['rule', RULE_FIELDS, ruleOf],
  ['route', ROUTE_FIELDS, routeOf],
] as const) {
  for (const [field, one] of Object.entries(fields)) {
    test(`${field} of a ${what}: it decides, a change holds at once, a wrong one is refused`, async () => {
      const upstream = await startUpstream(cleanup, (incoming, outgoing) => {
        const seen = incoming.headers['x-seen']
        outgoing.end(seen === undefined ? incoming.url : `${incoming.url} ${seen}`)
      })
      const yaml = (value: unknown): string =>
        configuration(make(field, one, value)).replaceAll('@upstream', upstream.url)
      const gateway = await startGateway(cleanup, yaml(one.value), {}, { watch: false })
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      cleanup.add(() => agent.destroy())
      const expect = async (list: Case['see']): Promise<void> => {
        for (const [asked, expected] of list) {
          const { path = '/', ...options } = asked
          const answer = await fetchFrom(gateway.port, path, { ...options, agent })
          const seen = answer.status === 200 ? answer.body : String(answer.status)
          assert.is(seen, expected, JSON.stringify(asked).slice(0, 200))
        }
      }
      const reload = async (value: unknown): Promise<string> => {
        await gateway.write('gateway.yaml', yaml(value))
        return (await gateway.gateway.reload()).join('\n')
      }
      await expect(one.see)
      assert.is(await reload(one.changed), '')
      await expect(one.seeChanged)
      const reason = await reload(one.wrong)
      assert.ok(reason.includes(one.message), `${one.message} is not in: ${reason}`)
      await expect(one.seeChanged)
    })
  }
}

function configuration(rule: object): string {
  const server = {
    kind: 'HTTPServer',
    name: 'server',
    address: '127.0.0.1',
    port: 0,
    rules: [rule],
  }
  const main = {
    kind: 'Pipeline',
    name: 'main',
    filters: [{ name: 'proxy', kind: 'Proxy', pools: [{ servers: [{ url: '@upstream' }] }] }],
  }
  const mock = {
    kind: 'Pipeline',
    name: 'mock',
    filters: [{ name: 'mock', kind: 'Mock', rules: [{ code: 299 }] }],
  }
  return [server, main, mock].map((one) => `${JSON.stringify(one)}\n`).join('---\n')
}
