import { formatIssue } from '../../host/config/issues.ts'
import { validateSources } from '../../host/control/validate.ts'
import { FILTER_KINDS } from '../../host/filters/builtin.ts'
import { OBJECT_SPECS } from '../../host/objects/specs.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('objects/registry-check')

/** The problems of a configuration, as `line:column: error: …`. */
function problemsOf(text: string): string[] {
  const { issues } = validateSources({
    sources: [{ file: 'x.yaml', baseDir: '/', text }],
    kinds: OBJECT_SPECS,
    filterKinds: FILTER_KINDS,
    lookups: { env: {}, readFile: null },
  })
  return issues.map((issue) => formatIssue(issue).replace('x.yaml:', ''))
}

const REGISTRY = 'kind: EurekaServiceRegistry\nname: eureka\n---\n'

const proxyWith = (pool: string, kind = 'Proxy', rest = ''): string =>
  `${REGISTRY}kind: Pipeline
name: p
filters:
  - name: f
    kind: ${kind}
    pools:
      - ${pool}
${rest}`

test('a pool of a registry that exists needs no servers', () => {
  for (const kind of ['Proxy', 'WebSocketProxy']) {
    assert.equal(problemsOf(proxyWith('{ serviceName: users, serviceRegistry: eureka }', kind)), [])
  }
  assert.equal(problemsOf(proxyWith('{ serviceName: shop/users, serviceRegistry: eureka }')), [])
  assert.equal(problemsOf(proxyWith('{ serviceName: "a b", serviceRegistry: eureka }')), [
    '10:24: error: `serviceName` has a space',
  ])
  // As others write a pool that has none.
  const none = '{ serviceName: "", serviceRegistry: "", servers: [{ url: "http://a:1" }] }'
  assert.equal(problemsOf(proxyWith(none)), [])
})

test('a registry that does not exist is an error with its place, wherever a pool stands', () => {
  const pool = '{ serviceName: users, serviceRegistry: eurka }'
  const error = 'there is no service registry "eurka" (did you mean "eureka"?)'
  assert.equal(problemsOf(proxyWith(pool)), [`10:48: error: ${error}`])
  const good = '{ serviceName: users, serviceRegistry: eureka }'
  const mirror = `    mirrorPool: { filter: { permil: 10, policy: random }, ${pool.slice(1)}\n`
  assert.equal(problemsOf(proxyWith(good, 'Proxy', mirror)), [`11:97: error: ${error}`])
  const server = `${REGISTRY}kind: HTTPServer
name: s
port: 0
rules:
  - paths:
      - { backendPool: ${pool} }
`
  assert.equal(problemsOf(server), [`9:63: error: ${error}`])
  const global = `${REGISTRY}kind: GlobalFilter
name: g
beforePipeline:
  filters:
    - { name: f, kind: Proxy, pools: [${pool}] }
`
  assert.equal(problemsOf(global), [`8:78: error: ${error}`])
})

test('an object of another kind is no registry', () => {
  const [problem = '', ...others] = problemsOf(
    proxyWith('{ serviceName: users, serviceRegistry: p }'),
  )
  assert.equal(others, [])
  assert.match(
    problem,
    /^10:48: error: "p" is a Pipeline; a service registry is one of ConsulService/,
  )
})

test('a service excludes checks and other ways to find servers', () => {
  const named = 'serviceName: users, serviceRegistry: eureka'
  assert.equal(problemsOf(proxyWith(`{ ${named}, healthCheck: { interval: 1s } }`)), [
    '10:69: error: `healthCheck` and `serviceName` exclude each other: the registry says who is well',
  ])
  const websockets = `{ ${named}, healthCheck: { http: { uri: / } } }`
  assert.equal(problemsOf(proxyWith(websockets, 'WebSocketProxy')), [])
  assert.equal(problemsOf(proxyWith(`{ ${named}, discovery: { file: { path: a.yaml } } }`)), [
    '10:67: error: `discovery` and `serviceName` exclude each other',
  ])
})

test('one name without the other is an error when there are no servers, and a warning else', () => {
  assert.equal(problemsOf(proxyWith('{ serviceName: users }')), [
    '10:24: error: a `serviceName` needs the `serviceRegistry` to look it up in',
  ])
  assert.equal(problemsOf(proxyWith('{ serviceRegistry: eureka }')), [
    '10:9: error: a pool needs `servers`, `discovery` or `serviceName`',
  ])
  const servers = 'servers: [{ url: "http://a:1" }]'
  assert.equal(problemsOf(proxyWith(`{ serviceName: users, ${servers} }`)), [
    '10:11: warning: `serviceName` does nothing without `serviceRegistry`: `servers` are used',
  ])
  assert.equal(problemsOf(proxyWith(`{ serviceRegistry: eureka, ${servers} }`)), [
    '10:11: warning: `serviceRegistry` does nothing without `serviceName`: `servers` are used',
  ])
})

test('the fields of each kind are checked', () => {
  const problems = (kind: string, fields: string): string[] =>
    problemsOf(`kind: ${kind}\nname: r\n${fields}\n`)
  const cases: readonly [kind: string, fields: string, message: string][] = [
    ['Consul', 'address: "not a host"', 'must be an address such as 127.0.0.1:8500'],
    ['Consul', 'scheme: ftp', '`scheme` takes one of "http", "https"'],
    ['Consul', 'syncInterval: 1ms', 'takes at least 100ms'],
    ['Etcd', 'prefix: /a', '`endpoints` is missing'],
    ['Etcd', 'endpoints: [a]\nprefix: services', 'must begin with "/"'],
    ['Etcd', 'endpoints: [a]\ncacheTimeout: 0s', 'takes at least 100ms'],
    ['Eureka', 'endpoints: [127.0.0.1]', 'must be an address such as http://127.0.0.1:8761/eureka'],
    ['Eureka', 'endpoints: []', '`endpoints`'],
    ['Nacos', 'syncInterval: 1s', '`servers` is missing'],
    ['Nacos', 'servers: [{ ipAddr: "a/b", port: 1 }]', 'must be a host name or an address'],
    ['Nacos', 'servers: [{ ipAddr: a, port: 0 }]', 'port'],
    ['Zookeeper', 'zkservices: ["a/b"]', 'must be a host and port such as 127.0.0.1:2181'],
    ['Zookeeper', 'connTimeout: 1s', 'did you mean "conntimeout"?'],
  ]
  for (const [kind, fields, message] of cases) {
    const found = problems(`${kind}ServiceRegistry`, fields)
    assert.ok(found.length === 1 && found[0]?.includes(message), `${kind} ${fields}: ${found}`)
  }
})
