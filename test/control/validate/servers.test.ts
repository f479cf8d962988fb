import { valueAt } from '../../../host/config/json.ts'
import { assert, suite } from '../../support/suite.ts'
import { linesOf, run, server } from '../validation.ts'

const test = suite('control/validate/servers')

test('reports every problem of a server with its place', () => {
  const path = (rest: string) => `rules:\n  - paths:\n      - { backend: running, ${rest} }`
  const cases: [text: string, ...lines: string[]][] = [
    [
      'https: true',
      '4:8: error: `https` needs a certificate: `certBase64` and `keyBase64`, `certs` and `keys`, `tls.certificates`, or `autoCert`',
    ],
    ['http3: true', '4:1: error: `http3` is not supported yet: clients speak HTTP/2 over `https`'],
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
      '6:53: error: a pool needs `servers`, `discovery` or `serviceName`',
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
