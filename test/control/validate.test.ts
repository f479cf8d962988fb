import fc from 'fast-check'
import { documentOf } from '../../host/config/document.ts'
import { formatIssue } from '../../host/config/issues.ts'
import { valueAt } from '../../host/config/json.ts'
import { duration, z } from '../../host/config/schema.ts'
import { type Validated, validateDocuments, validateSources } from '../../host/control/validate.ts'
import type { FilterKindFacts } from '../../host/objects/object.ts'
import { OBJECT_SPECS } from '../../host/objects/specs.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('control/validate', { timeoutMs: 60_000 })

const filterKinds: FilterKindFacts[] = [
  {
    kind: 'Gate',
    results: ['closed', 'timeout'],
    spec: z.strictObject({
      limit: z.int().min(1).default(50),
      period: duration().prefault('10ms'),
    }),
  },
  { kind: 'Note', results: [], spec: z.strictObject({ text: z.string() }) },
  { kind: 'Guest', results: ['wasmError'], hasOpenResults: true, spec: z.strictObject({}) },
]
const known = [
  { kind: 'Pipeline', name: 'running' },
  { kind: 'HTTPServer', name: 'front' },
]

function run(files: Record<string, string>, env: Record<string, string> = {}): Validated {
  const sources = Object.entries(files).map(([file, text]) => ({ file, baseDir: '/conf', text }))
  const lookups = { env, readFile: null }
  return validateSources({ sources, kinds: OBJECT_SPECS, filterKinds, known, lookups })
}

function linesOf(text: string, env: Record<string, string> = {}): string[] {
  return run({ 'g.yaml': text }, env).issues.map((issue) =>
    formatIssue(issue).replace(/^g\.yaml:/, ''),
  )
}

const pipeline = (rest: string) => `name: demo\nkind: Pipeline\n${rest}`
const server = (rest: string) => `name: s\nkind: HTTPServer\nport: 10080\n${rest}`
const filters = 'filters:\n  - { name: a, kind: Gate }\n  - { name: b, kind: Note, text: x }\n'

test('turns valid documents into specs', () => {
  const { objects, issues } = run(
    {
      'p.yaml': pipeline(
        `${filters}flow:\n  - filter: a\n    jumpIf: { closed: END }\n  - filter: b\n`,
      ),
      's.json': JSON.stringify({
        name: 's',
        kind: 'HTTPServer',
        port: '${PORT}',
        rules: [{ paths: [{ pathPrefix: '/', backend: 'demo' }] }],
      }),
    },
    { PORT: '10080' },
  )
  assert.equal(issues, [])
  const [first, second] = objects
  assert.is(first?.kind, 'Pipeline')
  assert.is(first?.name, 'demo')
  assert.is(first?.file, 'p.yaml')
  assert.is(first?.baseDir, '/conf')
  assert.equal(first?.spec, {
    name: 'demo',
    kind: 'Pipeline',
    labels: {},
    flow: [
      { filter: 'a', jumpIf: { closed: 'END' } },
      { filter: 'b', jumpIf: {} },
    ],
    filters: [
      {
        name: 'a',
        kind: 'Gate',
        spec: { limit: 50, period: 10 },
        json: { name: 'a', kind: 'Gate' },
      },
      {
        name: 'b',
        kind: 'Note',
        spec: { text: 'x' },
        json: { name: 'b', kind: 'Note', text: 'x' },
      },
    ],
    resilience: [],
    data: {},
  })
  // What may be shown keeps the reference; what is compared and used has its value.
  assert.is(second?.raw['port'], '${PORT}')
  assert.is(second?.resolved['port'], 10_080)
})

test('reports every problem of a pipeline with its place', () => {
  const cases: [text: string, ...lines: string[]][] = [
    ['', '1:1: error: `filters` is missing'],
    ['filters: []', '3:10: error: `filters` takes a list of at least 1 item, not an empty list'],
    ['filters: {}', '3:10: error: `filters` takes a list, not a mapping'],
    ['filters:\n  - x', '4:5: error: `filters[0]` takes a mapping, not "x"'],
    ['filters:\n  - kind: Gate', '4:5: error: `name` is missing'],
    ['filters:\n  - name: a', '4:5: error: `kind` is missing'],
    [
      'filters:\n  - { name: a b, kind: Gate }',
      '4:13: error: a name has 1 to 253 letters, digits or - _ . ~',
    ],
    [
      'filters:\n  - { name: a, kind: Gaet }',
      '4:22: error: there is no filter kind "Gaet" (did you mean "Gate"?)',
    ],
    [
      'filters:\n  - { name: a, kind: RateLimiter }',
      '4:22: error: the filter kind "RateLimiter" is not supported yet',
    ],
    [
      'filters:\n  - name: a\n    kind: Gate\n    limt: 5',
      '6:5: error: unknown field `limt` (did you mean "limit"?)',
    ],
    [
      'filters:\n  - name: a\n    kind: Gate\n    limit: five',
      '6:12: error: `limit` takes a number, not the text "five"',
    ],
    [
      'filters:\n  - name: a\n    kind: Gate\n    period: 5x',
      '6:13: error: `period` takes a duration such as "100ms" or "10s", not "5x"',
    ],
    ['filters:\n  - name: a\n    kind: Note', '4:5: error: `text` is missing'],
    [
      'filters:\n  - { name: END, kind: Gate }',
      '4:13: error: no filter can be named END: it ends the flow',
    ],
    [
      `${filters}  - { name: a, kind: Guest }`,
      '6:13: error: "a" is the name of another filter already, in line 4',
    ],
    [`${filters}flow: [{ filter: c }]`, '6:18: error: there is no filter "c" in this pipeline'],
    [
      'filters: [{ name: proxy, kind: Gate }]\nflow: [{ filter: prxoy }]',
      '4:18: error: there is no filter "prxoy" in this pipeline (did you mean "proxy"?)',
    ],
    [
      `${filters}flow:\n  - filter: a\n    jumpif: { closed: END }\n  - filter: b`,
      '8:5: error: unknown field `jumpif` (did you mean "jumpIf"?)',
    ],
    [
      `${filters}flow:\n  - filter: a\n    jumpIf: { close: END }\n  - filter: b`,
      '8:15: error: "close" is not a result of "a" (Gate): it has closed, timeout (did you mean "closed"?)',
    ],
    [
      `${filters}flow:\n  - filter: b\n    jumpIf: { any: END }\n  - filter: a`,
      '8:15: error: "any" is not a result of "b" (Note): it has none',
    ],
    [
      `${filters}flow:\n  - filter: a\n    jumpIf: { closed: bb }\n  - { filter: b, alias: bbb }`,
      '8:23: error: there is no later node "bb" in the flow (did you mean "bbb"?)',
    ],
    [
      `${filters}flow:\n  - filter: a\n    jumpIf: { closed: b }\n  - { filter: b, alias: last }`,
      '8:23: error: the filter "b" is no later node of the flow under this name (did you mean "last"?)',
    ],
    [
      `${filters}flow:\n  - filter: b\n  - filter: a\n    jumpIf: { closed: b }`,
      '9:23: error: a jump only goes forward: "b" stands before this one, in line 7',
    ],
    [
      `${filters}flow:\n  - filter: b\n  - filter: a\n    jumpIf: { closed: a }`,
      '9:23: error: a jump only goes forward: "a" is this node',
    ],
    [
      `${filters}flow:\n  - filter: a\n    jumpIf: { closed: b }\n  - filter: b\n  - filter: b`,
      '8:23: error: the flow has 2 later nodes called "b": give them aliases',
    ],
    [
      `${filters}flow:\n  - filter: a\n    jumpIf: { closed: 5 }\n  - filter: b`,
      '8:23: error: `closed` takes text, not the number 5: put it in quotes',
    ],
    [
      `${filters}flow:\n  - { filter: a, alias: x }\n  - { filter: b, alias: x }`,
      '8:25: error: "x" is the name of another node already, in line 7',
    ],
    [
      `${filters}flow:\n  - { filter: a, alias: b }\n  - filter: b`,
      '7:25: error: "b" is the name of another node already, in line 8',
    ],
    [
      `${filters}flow:\n  - { filter: a, alias: END }\n  - filter: b`,
      '7:25: error: no node can be called END: it ends the flow',
    ],
    [
      `${filters}flow:\n  - filter: a\n  - filter: END\n    jumpIf: { closed: b }\n  - filter: b`,
      '9:15: error: END has no results to jump from',
    ],
    [
      `${filters}flow:\n  - { filter: a, namespace: other }\n  - filter: b`,
      '7:29: error: nothing before this node makes a request in the namespace other: put a RequestBuilder there',
    ],
    [
      `${filters}flow: [{ filter: a }]`,
      '5:13: warning: the filter "b" is not in the flow: it never runs',
    ],
    [`${filters}flow: a`, '6:7: error: `flow` takes a list, not "a"'],
    [`${filters}flow: [{ alias: x }]`, '6:8: error: `filter` is missing'],
    [
      `${filters}resilience:\n  - { name: r, kind: retry }`,
      '7:22: error: there is no policy kind "retry": it is one of CircuitBreaker, Retry (did you mean "Retry"?)',
    ],
    [
      `${filters}labels: { a: 1 }`,
      '6:14: error: `a` takes text, not the number 1: put it in quotes',
    ],
    [`${filters}fliters: []`, '6:1: error: unknown field `fliters` (did you mean "filters"?)'],
    [
      `${filters}constructor: 1\ntoString: 2`,
      '6:1: error: unknown field `constructor`',
      '7:1: error: unknown field `toString`',
    ],
  ]
  for (const [text, ...lines] of cases) assert.equal(linesOf(pipeline(text)), lines, text)
})

test('accepts what Easegress accepts in a flow', () => {
  const flows = [
    'flow: []',
    'flow: [{ filter: a }, { filter: b }, { filter: a }]',
    'flow: [{ filter: a, jumpIf: { closed: again } }, { filter: b }, { filter: a, alias: again }]',
    'flow: [{ filter: a, jumpIf: { "": END, timeout: b } }, { filter: END }, { filter: b }]',
    'flow: [{ filter: a, namespace: DEFAULT }, { filter: b, namespace: "" }]',
    'resilience: []\ndata: { any: [1, { x: y }] }\nversion: easegress.megaease.com/v2',
  ]
  for (const flow of flows) assert.equal(linesOf(pipeline(filters + flow)), [], flow)
  const guest =
    'filters: [{ name: g, kind: Guest }]\nflow: [{ filter: g, jumpIf: { declaredByModule: END } }]'
  assert.equal(linesOf(pipeline(guest)), [])
})

test('reports every problem of a server with its place', () => {
  const path = (rest: string) => `rules:\n  - paths:\n      - { backend: running, ${rest} }`
  const cases: [text: string, ...lines: string[]][] = [
    [
      'https: true',
      '4:8: error: `https` needs a certificate: `certBase64` and `keyBase64`, `certs` and `keys`, or `tls.certificates`',
    ],
    ['http3: true', '4:1: error: `http3` is not supported yet'],
    [
      'routerKind: RadixTre',
      '4:13: error: `routerKind` takes one of empty text, "Ordered", "RadixTree", not "RadixTre" (did you mean "RadixTree"?)',
    ],
    ['keepAlive: 1', '4:12: error: `keepAlive` takes true or false, not the number 1'],
    [
      'keepAliveTimeout: 60',
      '4:19: error: a duration is text: a number and a unit, such as "100ms" or "10s"',
    ],
    ['maxConnections: 0', '4:17: error: `maxConnections` takes at least 1, not the number 0'],
    ['rule: []', '4:1: error: unknown field `rule` (did you mean "rules"?)'],
    ['rules:\n  - paths:\n      - path: /', '6:9: error: `backend` is missing'],
    [
      'rules:\n  - paths:\n      - backend: runing',
      '6:18: error: there is no Pipeline "runing" (did you mean "running"?)',
    ],
    [
      'rules:\n  - paths:\n      - backend: front',
      '6:18: error: "front" is a HTTPServer; a backend is a Pipeline',
    ],
    [
      'rules:\n  - paths:\n      - backend: s',
      '6:18: error: "s" is a HTTPServer; a backend is a Pipeline',
    ],
    [path('path: x'), '6:35: error: `path` takes a path that begins with "/", not "x"'],
    [
      path('pathRegexp: "("'),
      '6:41: error: the regular expression "(" is not valid: missing closing ): "("',
    ],
    [
      path('methods: [GTE]'),
      '6:39: error: `methods[0]` takes one of "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", not "GTE" (did you mean "GET"?)',
    ],
    [
      path('headers: [{ key: a }]'),
      '6:39: error: a header needs `values` or `regexp`, or it matches nothing',
    ],
    [
      path('headers: [{ key: "a b", values: [x] }]'),
      '6:46: error: `key` takes the name of a header, not "a b"',
    ],
    [
      path('queries: [{ key: a }]'),
      '6:39: error: a query field needs `values` or `regexp`, or it matches nothing',
    ],
    [
      path('backendPool: { servers: [] }'),
      '6:29: error: `backend` and `backendPool` exclude each other',
      '6:53: error: a pool needs `servers` or `discovery`',
    ],
    [
      'rules:\n  - host: "*.a.*"',
      '5:11: error: `host` takes a host name with at most one * at its beginning or its end, not "*.a.*"',
    ],
    [
      'rules:\n  - hosts:\n      - { value: "(", isRegexp: true }',
      '6:18: error: the regular expression "(" is not valid: missing closing ): "("',
    ],
    [
      'rules:\n  - hosts:\n      - { value: a*b }',
      '6:18: error: `value` takes a host name with at most one * at its beginning or its end, not "a*b"',
    ],
    [
      'rules:\n  - ipFilter: { allowIPs: [1.1.1.1, 10.0.0.0/33] }',
      '5:37: error: `allowIPs[1]` is neither an IP address nor a range such as 10.0.0.0/8',
    ],
    ['globalFilter: nobody', '4:15: error: there is no GlobalFilter "nobody"'],
    [
      'accessLogFormat: "{{Methd}} {{URI}}"',
      '4:18: error: there is no variable "{{Methd}}" (did you mean "Method"?): there is Time, RemoteAddr, RealIP, Method, URI, Proto, StatusCode, Duration, ReqSize, RespSize, Tags, ReqHeaders, RespHeaders',
    ],
    [
      path('setHeaders: { Content-Length: "1" }'),
      '6:43: error: the header Content-Length is written by the host itself',
    ],
    [
      path('backendPool: { servers: [{ url: "http://a" }] }'),
      '6:29: error: `backend` and `backendPool` exclude each other',
    ],
    [
      'rules:\n  - paths:\n      - { backendPool: { servers: [{ url: "http://a" }], retryPolicy: r } }',
      '6:58: error: a `backendPool` has no `retryPolicy`: use a pipeline with a Proxy',
    ],
    ['rules:\n  - paths:\n      - { path: /a }', '6:9: error: `backend` is missing'],
    [
      `routerKind: RadixTree\n${path('path: "/{a}/{a}"')}`,
      '7:35: error: the pattern "/{a}/{a}" cannot be read: the name a stands there twice',
    ],
    [
      `routerKind: RadixTree\n${path('path: "/{a}", rewriteTarget: "/{b}"')}`,
      '7:58: error: the path has no parameter {b}',
    ],
    [
      `routerKind: RadixTree\n${path('pathPrefix: /a')}`,
      '7:29: error: a RadixTree has no `pathPrefix`: write a pattern into `path`, such as /api/* or /{id:[0-9]+}',
    ],
  ]
  for (const [text, ...lines] of cases) assert.equal(linesOf(server(text)), lines, text)
  assert.equal(linesOf('name: s\nkind: HTTPServer'), ['1:1: error: `port` is missing'])
  assert.equal(linesOf('name: s\nkind: HTTPServer\nport: 65536'), [
    '3:7: error: `port` takes at most 65535, not the number 65536',
  ])
})

test('accepts a server as Easegress writes it, with defaults', () => {
  const text = server(
    'https: false\nhttp3: false\nkeepAlive: true\ncacheSize: 0\nrules:\n  - host: "*.example.com"\n    hosts: [{ value: "^a", isRegexp: true }, { value: b.* }]\n    paths:\n      - pathRegexp: ^/(.*)$\n        rewriteTarget: /x/$1\n        methods: [GET]\n        headers: [{ key: X-A, regexp: ^b }]\n        matchAllHeader: true\n        backend: running\n',
  )
  const { objects, issues } = run({ 'g.yaml': text })
  assert.equal(issues, [])
  const spec = valueAt(objects[0], ['spec'])
  assert.is(valueAt(spec, ['keepAliveTimeout']), 60_000)
  assert.is(valueAt(spec, ['maxConnections']), 10_240)
  assert.is(valueAt(spec, ['clientMaxBodySize']), 10 * 1024 * 1024)
  assert.is(valueAt(spec, ['address']), '')
})

test('gives the body limit in bytes, -1 for none', () => {
  for (const [written, bytes] of [
    [5, 5],
    [0, 10_485_760],
    [-7, -1],
  ]) {
    const { objects } = run({ 'g.yaml': server(`clientMaxBodySize: ${written}`) })
    assert.is(valueAt(objects[0], ['spec', 'clientMaxBodySize']), bytes)
  }
})

test('reports problems of kind and name', () => {
  const cases: [text: string, ...lines: string[]][] = [
    ['name: x', '1:1: error: `kind` is missing: it is one of HTTPServer, Pipeline, GlobalFilter'],
    [
      'name: x\nkind:',
      '2:1: error: `kind` is missing: it is one of HTTPServer, Pipeline, GlobalFilter',
    ],
    [
      'name: x\nkind: [a]',
      '2:7: error: `kind` must be text: it is one of HTTPServer, Pipeline, GlobalFilter',
    ],
    [
      'name: x\nkind: HttpServr',
      '2:7: error: there is no kind "HttpServr" (did you mean "HTTPServer"?)',
    ],
    ['name: x\nkind: MeshController', '2:7: error: the kind "MeshController" is not supported yet'],
    [
      'name: x\nkind: GlobalFilter',
      '1:7: error: a GlobalFilter needs `beforePipeline` or `afterPipeline`, or it does nothing',
    ],
    [`kind: Pipeline\n${filters}`, '1:1: error: `name` is missing'],
    [
      `name: 5\nkind: Pipeline\n${filters}`,
      '1:7: error: `name` takes text, not the number 5: put it in quotes',
    ],
    [
      `name: front\nkind: Pipeline\n${filters}`,
      '1:7: error: "front" is the name of a HTTPServer already; an object keeps its kind',
    ],
    [`name: running\nkind: Pipeline\n${filters}`],
  ]
  for (const [text, ...lines] of cases) assert.equal(linesOf(text), lines, text)
})

test('reports a name that is taken, across files and kinds', () => {
  const { issues, objects } = run({
    'a.yaml': pipeline(filters),
    'b.yaml': `${server('').replace('name: s', 'name: demo')}\n---\n${pipeline(filters)}`,
  })
  assert.equal(issues.map(formatIssue), [
    'b.yaml:1:7: error: "demo" is the name of another object already, in a.yaml:1',
    'b.yaml:6:7: error: "demo" is the name of another object already, in a.yaml:1',
  ])
  assert.equal(
    objects.map((object) => object.kind),
    ['Pipeline'],
  )
})

test('finds a backend in another file, and one that has problems of its own', () => {
  const front = server('rules: [{ paths: [{ backend: demo }] }]')
  assert.equal(run({ 'a.yaml': front, 'b.yaml': pipeline(filters) }).issues, [])
  assert.is(run({ 'a.yaml': front, 'b.yaml': pipeline('filters: []') }).issues.length, 1)
})

test('does not miss an object that may stand in the part that could not be read', () => {
  const front = server('rules: [{ paths: [{ backend: demo }] }]')
  const broken = pipeline('filters: [}')
  const { issues } = run({ 'a.yaml': front, 'b.yaml': broken })
  assert.ok(issues.length > 0 && issues.every((issue) => issue.position?.file === 'b.yaml'))
})

test('reports all problems of all files in the order of the texts', () => {
  const { issues } = run({
    'z.yaml': `${pipeline('flow: [{ filter: x }]\nfilters: [{ name: a, kind: Gate, limit: 0 }]\nextra: 1')}\n---\na: 1\na: 2`,
    'a.yaml': server('http3: true'),
  })
  assert.equal(issues.map(formatIssue), [
    'z.yaml:3:18: error: there is no filter "x" in this pipeline',
    'z.yaml:4:41: error: `limit` takes at least 1, not the number 0',
    'z.yaml:5:1: error: unknown field `extra`',
    'z.yaml:8:1: error: the key `a` stands here twice, first in line 7',
    'a.yaml:4:1: error: `http3` is not supported yet',
  ])
})

test('places problems behind an alias where the value stands', () => {
  const text = pipeline(
    'data: { shared: &shared { name: a, kind: Gate, limt: 1 } }\nfilters: [*shared]',
  )
  assert.equal(linesOf(text), ['3:48: error: unknown field `limt` (did you mean "limit"?)'])
})

test('reports a variable that is not set once, and prints no value of another', () => {
  const text = server(
    'address: ${NOPE}\nmaxConnections: ${SECRET}\nrules:\n  - paths:\n      - backend: ${SECRET}\n      - backend: ${ALSO_NOPE}',
  )
  assert.equal(linesOf(text, { SECRET: 'hunter2' }), [
    '4:10: error: the environment variable NOPE is not set and has no default',
    '5:17: error: `maxConnections` takes a number, not the value of "${SECRET}"',
    '8:18: error: there is no Pipeline "${SECRET}"',
    '9:18: error: the environment variable ALSO_NOPE is not set and has no default',
  ])
})

test('takes name and kind from variables too', () => {
  const text = `name: \${NAME}\nkind: \${env:KIND}\n${filters}`
  const { objects, issues } = run({ 'g.yaml': text }, { NAME: 'demo', KIND: 'Pipeline' })
  assert.equal(issues, [])
  assert.is(objects[0]?.name, 'demo')
  assert.equal(linesOf(`name: \${NAME}\nkind: Pipeline\n${filters}`), [
    '1:7: error: the environment variable NAME is not set and has no default',
  ])
  assert.equal(linesOf(`name: a\nkind: \${KIND}`), [
    '2:7: error: the environment variable KIND is not set and has no default',
  ])
})

test('validates data without a text by its path', () => {
  const data = { name: 'demo', kind: 'Pipeline', filters: [{ name: 'a', kind: 'Gate', limt: 1 }] }
  const again = { name: 'demo', kind: 'Pipeline', filters: [{ name: 'a', kind: 'Gate' }] }
  const { issues } = validateDocuments({
    documents: [documentOf(data, '/conf'), documentOf(again, '/conf')],
    kinds: OBJECT_SPECS,
    filterKinds,
  })
  assert.equal(
    issues.map(({ path, position, message }) => [path, position, message]),
    [
      ['filters[0].limt', null, 'unknown field `limt`'],
      ['name', null, '"demo" is the name of another object already, in `name`'],
    ],
  )
})

test('reads no file for a document that came over the network', () => {
  const data = { name: 's', kind: 'HTTPServer', port: 1, address: '${file:/etc/hostname}' }
  const { issues } = validateDocuments({
    documents: [documentOf(data, '/conf')],
    kinds: OBJECT_SPECS,
    filterKinds,
  })
  assert.equal(
    issues.map(({ message }) => message),
    ['"${file:/etc/hostname}" is not allowed here: files are read for files only'],
  )
})

test('never throws, whatever a document holds', () => {
  const word = fc.constantFrom(
    ...[
      'name',
      'kind',
      'flow',
      'filters',
      'jumpIf',
      'filter',
      'alias',
      'rules',
      'paths',
      'backend',
    ],
    ...['hosts', 'value', 'isRegexp', 'headers', 'key', 'values', 'regexp', 'labels', 'resilience'],
  )
  const leaf = fc.oneof(
    fc.constantFrom(
      'Pipeline',
      'HTTPServer',
      'Gate',
      'a',
      'b',
      'END',
      '',
      '${X}',
      '(',
      '__proto__',
    ),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  )
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6, withCrossShrink: true },
      leaf,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(word, tie('value'), { maxKeys: 6, noNullPrototype: true }),
    ),
  }))
  const object = fc.record(
    {
      name: fc.oneof(value, fc.constantFrom('a', 'b')),
      kind: fc.constantFrom('Pipeline', 'HTTPServer'),
      flow: fc.array(
        fc.record({ filter: value, alias: value, jumpIf: value }, { requiredKeys: [] }),
      ),
      filters: fc.array(fc.record({ name: value, kind: value }, { requiredKeys: [] })),
      rules: value,
    },
    { requiredKeys: ['kind'] },
  )
  fc.assert(
    fc.property(fc.array(object, { maxLength: 3 }), (documents) => {
      const text = documents.map((document) => JSON.stringify(document)).join('\n---\n')
      const { objects, issues } = run({ 'g.yaml': text })
      const errors = issues.filter((issue) => issue.severity === 'error')
      if (errors.length === 0) assert.is(objects.length, documents.length)
    }),
    { numRuns: 1_000 },
  )
})
