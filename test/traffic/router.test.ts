import fc from 'fast-check'
import { makeRequest } from '../../host/exchange/request.ts'
import { compileRules } from '../../host/objects/http-server-rules.ts'
import { httpServerKind } from '../../host/objects/http-server-spec.ts'
import { hostWithoutPort, OrderedRouter } from '../../host/traffic/router.ts'
import { assert, suite } from '../support/suite.ts'

const test = suite('traffic/router')

function router(rules: unknown): OrderedRouter {
  const spec = httpServerKind.spec.parse({ kind: 'HTTPServer', name: 's', port: 1, rules })
  return new OrderedRouter(compileRules(spec))
}

function answer(rules: unknown, init: Parameters<typeof makeRequest>[0]): string | number {
  const route = router(rules).route(makeRequest(init))
  return typeof route === 'number' ? route : route.route.backend
}

test('the first rule and the first route that match decide, not the longest', () => {
  const rules = [
    {
      paths: [
        { pathPrefix: '/a', backend: 'short' },
        { path: '/a/b', backend: 'long' },
      ],
    },
    { paths: [{ path: '/a/b', backend: 'later' }] },
  ]
  assert.is(answer(rules, { target: '/a/b' }), 'short')
})

test('a route without any path takes every path', () => {
  assert.is(answer([{ paths: [{ backend: 'all' }] }], { target: '/x?y=z' }), 'all')
})

test('hosts match exactly, by one wildcard, by expression, whatever case or port', () => {
  const rules = [
    { host: 'Example.com', paths: [{ backend: 'exact' }] },
    { host: '*.example.org', paths: [{ backend: 'suffix' }] },
    { host: 'api.*', paths: [{ backend: 'prefix' }] },
    { hostRegexp: '^v\\d+\\.net$', paths: [{ backend: 'regexp' }] },
    { hosts: [{ value: 'one' }, { value: '^two', isRegexp: true }], paths: [{ backend: 'list' }] },
  ]
  assert.is(answer(rules, { host: 'EXAMPLE.com:8080' }), 'exact')
  assert.is(answer(rules, { host: 'www.example.org' }), 'suffix')
  assert.is(answer(rules, { host: 'api.internal' }), 'prefix')
  assert.is(answer(rules, { host: 'v12.net' }), 'regexp')
  assert.is(answer(rules, { host: 'two.three' }), 'list')
  assert.is(answer(rules, { host: 'nobody' }), 404)
})

test('returns 405 when only the method differs, and 404 when the path does', () => {
  const rules = [{ paths: [{ path: '/a', methods: ['POST'], backend: 'p' }] }]
  assert.is(answer(rules, { target: '/a' }), 405)
  assert.is(answer(rules, { target: '/b' }), 404)
  assert.is(answer(rules, { target: '/a', method: 'POST' }), 'p')
})

test('returns 400 when a header differs, before 405', () => {
  const rules = [
    { paths: [{ path: '/a', methods: ['POST'], backend: 'p' }] },
    { paths: [{ path: '/a', headers: [{ key: 'X-V', values: ['2'] }], backend: 'v2' }] },
  ]
  assert.is(answer(rules, { target: '/a' }), 400)
  assert.is(answer(rules, { target: '/a', headers: ['x-v', '2'] }), 'v2')
})

test('one header is enough, unless all are asked for', () => {
  const headers = [
    { key: 'A', values: ['1'] },
    { key: 'B', regexp: '^b+$' },
  ]
  const any = [{ paths: [{ headers, backend: 'p' }] }]
  const all = [{ paths: [{ headers, matchAllHeader: true, backend: 'p' }] }]
  assert.is(answer(any, { headers: ['a', '1'] }), 'p')
  assert.is(answer(all, { headers: ['a', '1'] }), 400)
  assert.is(answer(all, { headers: ['a', '1', 'b', 'bb'] }), 'p')
})

test('an escaped path cannot dodge a route', () => {
  const rules = [{ paths: [{ pathPrefix: '/admin', backend: 'guarded' }, { backend: 'open' }] }]
  assert.is(answer(rules, { target: '/%61dmin/x' }), 'guarded')
})

test('rewrites the exact path, the prefix or every match', () => {
  const rewritten = (path: Record<string, unknown>, target: string): string => {
    const request = makeRequest({ target })
    const route = router([{ paths: [{ backend: 'p', ...path }] }]).route(request)
    return typeof route === 'number' ? String(route) : String(route.rewrite(request.decodedPath))
  }
  assert.is(rewritten({ path: '/a', rewriteTarget: '/b' }, '/a'), '/b')
  assert.is(rewritten({ pathPrefix: '/a', rewriteTarget: '/b' }, '/a/x'), '/b/x')
  assert.is(rewritten({ pathRegexp: '^/(\\d+)/', rewriteTarget: '/n/$1/' }, '/12/x'), '/n/12/x')
})

test('an authority loses its port and nothing else', () => {
  assert.is(hostWithoutPort('[::1]:80'), '[::1]')
  assert.is(hostWithoutPort('[::1]'), '[::1]')
  assert.is(hostWithoutPort('A.b:1'), 'a.b')
})

test('agrees with a naive router on random rules and requests', () => {
  const path = fc.constantFrom('/a', '/a/b', '/b', '/')
  const methods = fc.subarray(['GET', 'POST', 'PUT'])
  const route = fc.record({
    path: fc.option(path, { nil: '' }),
    pathPrefix: fc.option(path, { nil: '' }),
    methods,
  })
  const rule = fc.record({
    host: fc.constantFrom('', 'one', '*.two'),
    paths: fc.array(route, { maxLength: 3 }),
  })
  const request = fc.record({
    host: fc.constantFrom('one', 'x.two', 'three'),
    method: fc.constantFrom('GET', 'POST', 'DELETE'),
    target: path,
  })
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 4 }), request, (rules, init) => {
      let count = 0
      const named = rules.map((one) => ({
        ...one,
        paths: one.paths.map((p) => ({ ...p, backend: `p${count++}` })),
      }))
      let want: string | number = 404
      search: for (const one of named) {
        const isHost =
          one.host === '' ||
          one.host === init.host ||
          (one.host === '*.two' && init.host.endsWith('.two'))
        if (!isHost) continue
        for (const p of one.paths) {
          const isPath =
            (p.path === '' && p.pathPrefix === '') ||
            (p.path !== '' && p.path === init.target) ||
            (p.pathPrefix !== '' && init.target.startsWith(p.pathPrefix))
          if (!isPath) continue
          if (p.methods.length > 0 && !p.methods.includes(init.method)) {
            want = 405
            continue
          }
          want = p.backend
          break search
        }
      }
      assert.is(answer(named, init), want)
    }),
  )
})
