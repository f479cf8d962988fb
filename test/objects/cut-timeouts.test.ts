import { formatIssue } from '../../host/config/issues.ts'
import { validateSources } from '../../host/control/validate.ts'
import { FILTER_KINDS } from '../../host/filters/builtin.ts'
import { OBJECT_SPECS } from '../../host/objects/specs.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('objects/cut-timeouts')

/** What is said about a server and the pipeline it leads to, by two routes. */
function linesOf(server: string, pool: string, route = 'backend: main'): string[] {
  const text = `kind: HTTPServer
name: web
port: 80
${server}
rules: [{ paths: [{ path: /a, ${route} }, { pathPrefix: /, backend: main }] }]
---
kind: Pipeline
name: main
filters: [{ name: proxy, kind: Proxy, pools: [{ servers: [{ url: "http://a:1" }], ${pool} }] }]`
  const { issues } = validateSources({
    sources: [{ file: 'g.yaml', baseDir: '/', text }],
    kinds: OBJECT_SPECS,
    filterKinds: FILTER_KINDS,
  })
  return issues.map(formatIssue)
}

test('a timeout of a pool that the server cuts short is a warning at its place', () => {
  assert.equal(linesOf('', 'timeout: 2m'), [
    'g.yaml:9:92: warning: a `timeout` of 2m never comes to pass: the HTTPServer "web" ends requests after its `requestTimeout`, 60s',
  ])
  assert.is(linesOf('', 'timeout: 0s').length, 1)
  assert.is(linesOf('requestTimeout: 1s', 'timeout: 2s').length, 1)
})

test('a timeout that comes to pass, and one nobody has written, are none', () => {
  assert.equal(linesOf('', 'timeout: 60s'), [])
  assert.equal(linesOf('requestTimeout: 5m', 'timeout: 2m'), [])
  assert.equal(linesOf('requestTimeout: 0s', 'timeout: 0s'), [])
  assert.equal(linesOf('requestTimeout: 1s', 'setUpstreamHost: true'), [])
})

test('the pool of a route is looked at too', () => {
  const route = 'backendPool: { servers: [{ url: "http://a:1" }], timeout: 61s }'
  assert.match(linesOf('', 'timeout: 1s', route).join(), /^g\.yaml:5:\d+: warning: .*61s/)
})
