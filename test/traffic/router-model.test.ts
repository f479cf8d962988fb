import fc from 'fast-check'
import { makeRequest, type Request } from '../../host/exchange/request.ts'
import { compileRules } from '../../host/objects/http-server-rules.ts'
import { httpServerKind } from '../../host/objects/http-server-spec.ts'
import { RadixRouter } from '../../host/traffic/radix-router.ts'
import { OrderedRouter, type Router } from '../../host/traffic/router.ts'
import { assert, suite } from '../support/suite.ts'

/** Both routers against naive ones that look at every rule and every route, on random configurations. */
const test = suite('traffic/router-model', { timeoutMs: 60_000 })

interface ValueSpec {
  key: string
  values: string[]
  regexp: string
}
interface RouteSpec {
  path: string
  pathPrefix: string
  pathRegexp: string
  rewriteTarget: string
  methods: string[]
  headers: ValueSpec[]
  matchAllHeader: boolean
  queries: ValueSpec[]
  matchAllQuery: boolean
  ipFilter?: { allowIPs: string[] }
  backend: string
}
interface RuleSpec {
  host: string
  hostRegexp: string
  ipFilter?: { allowIPs: string[] }
  paths: RouteSpec[]
}
interface Asked {
  host: string
  method: string
  path: string
  query: string
  headers: string[]
  remoteAddress: string
}

/** What a router comes to, in one text: a status, or the backend with the path that is sent on. */
function answerOf(router: Router, asked: Asked): string {
  const request = requestOf(asked)
  const result = router.route(request)
  if (typeof result === 'number') return String(result)
  return `${result.route.backend} ${result.rewrite(request.decodedPath) ?? request.decodedPath}`
}

function requestOf({ host, method, path, query, headers, remoteAddress }: Asked): Request {
  const target = query === '' ? path : `${path}?${query}`
  return makeRequest({ host, method, target, headers: headers.slice(), remoteAddress })
}

function compiled(rules: readonly RuleSpec[], routerKind: 'Ordered' | 'RadixTree') {
  const spec = { kind: 'HTTPServer', name: 's', port: 1, routerKind, rules }
  return compileRules(httpServerKind.spec.parse(spec))
}

/** `isPath` says whether a route takes the path; `order` which of those that match is taken. */
function naive(
  rules: readonly RuleSpec[],
  asked: Asked,
  isPath: (route: RouteSpec, path: string) => boolean,
  order: (a: RouteSpec, b: RouteSpec) => number,
  rewrite: (route: RouteSpec, path: string) => string,
): string {
  const reasons = new Set<number>()
  for (const rule of rules) {
    if (!isHost(rule, asked.host)) continue
    if (!isClient(rule.ipFilter, asked)) {
      reasons.add(403)
      continue
    }
    const candidates = rule.paths.filter((route) => isPath(route, asked.path)).sort(order)
    for (const route of candidates) {
      const reason = refusalOf(route, asked)
      if (reason === null) return `${route.backend} ${rewrite(route, asked.path)}`
      reasons.add(reason)
    }
  }
  return String([403, 400, 405].find((reason) => reasons.has(reason)) ?? 404)
}

function refusalOf(route: RouteSpec, asked: Asked): 400 | 403 | 405 | null {
  if (route.methods.length > 0 && !route.methods.includes(asked.method)) return 405
  const headerOf = (key: string): string => {
    const at = asked.headers.findIndex((name, i) => i % 2 === 0 && name === key.toLowerCase())
    return at < 0 ? '' : (asked.headers[at + 1] ?? '')
  }
  const queryOf = (key: string): string => new URLSearchParams(asked.query).get(key) ?? ''
  if (!hasValues(route.headers, route.matchAllHeader, headerOf)) return 400
  if (!hasValues(route.queries, route.matchAllQuery, queryOf)) return 400
  return isClient(route.ipFilter, asked) ? null : 403
}

function hasValues(
  list: readonly ValueSpec[],
  all: boolean,
  read: (key: string) => string,
): boolean {
  if (list.length === 0) return true
  const isIn = ({ key, values }: ValueSpec) => values.includes(read(key))
  const isLike = ({ key, regexp }: ValueSpec) => regexp !== '' && new RegExp(regexp).test(read(key))
  if (!all) return list.some((one) => isIn(one) || isLike(one))
  return list.every(
    (one) => (one.values.length === 0 || isIn(one)) && (one.regexp === '' || isLike(one)),
  )
}

function isClient(filter: { allowIPs: string[] } | undefined, asked: Asked): boolean {
  return filter === undefined || filter.allowIPs.includes(asked.remoteAddress)
}

function isHost({ host, hostRegexp }: RuleSpec, asked: string): boolean {
  if (host === '' && hostRegexp === '') return true
  const name = asked.replace(/:\d+$/, '').toLowerCase()
  if (hostRegexp !== '' && new RegExp(hostRegexp).test(name)) return true
  if (host === '') return false
  const pattern = host.toLowerCase().replaceAll('.', '\\.').replace('*', '.*')
  return new RegExp(`^${pattern}$`).test(name)
}

const methods = ['GET', 'POST', 'PUT']
const addresses = ['10.0.0.1', '10.0.0.2']
const ipFilter = fc.option(
  fc.subarray(addresses, { minLength: 1 }).map((allowIPs) => ({ allowIPs })),
  { nil: undefined, freq: 4 },
)
const valueMatch = (...keys: string[]): fc.Arbitrary<ValueSpec> =>
  fc
    .record({
      key: fc.constantFrom(...keys),
      values: fc.subarray(['1', '2']),
      regexp: fc.constantFrom('', '^1', '2$'),
    })
    .filter(({ values, regexp }) => values.length > 0 || regexp !== '')
const conditions = {
  methods: fc.oneof(fc.constant([]), fc.subarray(methods)),
  headers: fc.array(valueMatch('X-A', 'X-B'), { maxLength: 2 }),
  matchAllHeader: fc.boolean(),
  queries: fc.array(valueMatch('a', 'b'), { maxLength: 1 }),
  matchAllQuery: fc.boolean(),
  ipFilter,
}
const asks = (path: fc.Arbitrary<string>): fc.Arbitrary<Asked> =>
  fc.record({
    host: fc.constantFrom('one', 'ONE:80', 'x.two', 'two', 'v1.three'),
    method: fc.constantFrom(...methods),
    path,
    query: fc.constantFrom('', 'a=1', 'b=2', 'a=2&b=12'),
    headers: fc.constantFrom([], ['x-a', '1'], ['x-b', '2'], ['x-a', '12', 'x-b', '1']),
    remoteAddress: fc.constantFrom(...addresses),
  })

/** Names every route, so that an answer says which one it was, and leaves undefined fields out. */
function named(rules: readonly Omit<RuleSpec, 'ipFilter'>[]): RuleSpec[] {
  let count = 0
  const text = JSON.stringify(rules, (key, value: unknown) => {
    if (key !== 'backend') return value
    count += 1
    return `route-${count}`
  })
  return JSON.parse(text) as RuleSpec[]
}

const rulesOf = (route: fc.Arbitrary<object>) =>
  fc
    .array(
      fc.record({
        host: fc.constantFrom('', '', 'One', '*.two', 'v1.*'),
        hostRegexp: fc.constantFrom('', '', '^v[0-9]\\.'),
        ipFilter,
        paths: fc.array(route, { maxLength: 5 }),
      }),
      { minLength: 1, maxLength: 4 },
    )
    .map((rules) => named(rules as RuleSpec[]))

const orderedRoute = fc.record({
  path: fc.constantFrom('', '', '/a', '/a/b', '/'),
  pathPrefix: fc.constantFrom('', '', '/a', '/a/', '/b'),
  pathRegexp: fc.constantFrom('', '', '^/(a|b)/', 'b$'),
  rewriteTarget: fc.constantFrom('', '/new'),
  backend: fc.constant(''),
  ...conditions,
})
const orderedPath = fc.constantFrom('/', '/a', '/a/b', '/b', '/b/a/b', '/ab', '/c')

function isOrderedPath(route: RouteSpec, path: string): boolean {
  const { path: exact, pathPrefix, pathRegexp } = route
  if (exact === '' && pathPrefix === '' && pathRegexp === '') return true
  const isLike = pathRegexp !== '' && new RegExp(pathRegexp).test(path)
  return exact === path || (pathPrefix !== '' && path.startsWith(pathPrefix)) || isLike
}

function orderedRewrite(route: RouteSpec, path: string): string {
  const { path: exact, pathPrefix, pathRegexp, rewriteTarget } = route
  if (rewriteTarget === '') return path
  if (exact === path) return rewriteTarget
  if (pathPrefix !== '' && path.startsWith(pathPrefix)) {
    return rewriteTarget + path.slice(pathPrefix.length)
  }
  return pathRegexp === ''
    ? rewriteTarget
    : path.replace(new RegExp(pathRegexp, 'g'), rewriteTarget)
}

test('the ordered router takes what a look at every route would take', () => {
  fc.assert(
    fc.property(
      rulesOf(orderedRoute),
      fc.array(asks(orderedPath), { maxLength: 8 }),
      (rules, list) => {
        const router = new OrderedRouter(compiled(rules, 'Ordered'))
        for (const asked of list) {
          const want = naive(rules, asked, isOrderedPath, () => 0, orderedRewrite)
          assert.is(answerOf(router, asked), want)
        }
      },
    ),
    { numRuns: 600 },
  )
})

/** How exact a part of a pattern is: text, an expression, a name, everything. */
const RANKS = [/^[^{*]*$/, /^\{\w+:/, /^\{/, /^\*$/]

const radixSegment = fc.constantFrom('a', 'b', 'ab', '{n}', '{n}', '{n:[0-9]+}')
const radixRoute = fc.record({
  path: fc
    .tuple(
      fc.array(radixSegment, { maxLength: 3 }),
      fc.constantFrom('', '', '/', '/*'),
      fc.boolean(),
    )
    .map(([segments, end, isOther]) => {
      // Names differ from route to route, and stand in a pattern once.
      const parts = segments.map((part, i) => part.replace('{n', `{${isOther ? 'q' : 'p'}${i}`))
      return parts.length === 0 ? `/${end.slice(1)}` : `/${parts.join('/')}${end}`
    }),
  pathPrefix: fc.constant(''),
  pathRegexp: fc.constant(''),
  rewriteTarget: fc.constant(''),
  backend: fc.constant(''),
  ...conditions,
})
const radixPath = fc
  .array(fc.constantFrom('a', 'b', 'ab', '1', '12', 'abc', ''), { maxLength: 4 })
  .map((segments) => `/${segments.join('/')}`)

function radixExpression(pattern: string): RegExp {
  const parts = pattern.slice(1).split('/')
  const text = parts.map((part) => {
    if (part === '*') return '(.*)'
    if (part.includes(':')) return `(${part.slice(part.indexOf(':') + 1, -1)})`
    return part.startsWith('{') ? '([^/]+)' : part
  })
  return new RegExp(`^/${text.join('/')}$`)
}

/** Text before expression before name before `*`, from the left. Equal patterns keep their order. */
function byExactness(a: RouteSpec, b: RouteSpec): number {
  const ranksOf = ({ path }: RouteSpec): string =>
    path
      .slice(1)
      .split('/')
      .map((part) => RANKS.findIndex((rank) => rank.test(part)))
      .join('')
  const [one, other] = [ranksOf(a), ranksOf(b)]
  return one < other ? -1 : one > other ? 1 : 0
}

/** What the pattern's names stand for, one after another: the target that `withTargets` gives a route. */
function radixRewrite(route: RouteSpec, path: string): string {
  const values = radixExpression(route.path).exec(path)?.slice(1) ?? []
  return route.rewriteTarget === '' ? path : `/to/${values.join('/')}`
}

function withTargets(rules: readonly RuleSpec[]): RuleSpec[] {
  return rules.map((rule) => ({
    ...rule,
    paths: rule.paths.map((route) => {
      const names = [...route.path.matchAll(/\{(\w+)|\*/g)].map(
        ([, name]) => `{${name ?? 'EG_WILDCARD'}}`,
      )
      return { ...route, rewriteTarget: names.length === 0 ? '' : `/to/${names.join('/')}` }
    }),
  }))
}

test('the radix tree takes the most exact of all patterns that match', () => {
  fc.assert(
    fc.property(rulesOf(radixRoute), fc.array(asks(radixPath), { maxLength: 8 }), (made, list) => {
      const rules = withTargets(made)
      const router = new RadixRouter(compiled(rules, 'RadixTree'))
      for (const asked of list) {
        const isPath = (route: RouteSpec, path: string) => radixExpression(route.path).test(path)
        const want = naive(rules, asked, isPath, byExactness, radixRewrite)
        assert.is(answerOf(router, asked), want)
      }
    }),
    { numRuns: 600 },
  )
})

test('an answer that may be remembered holds for every request of the same host, method and path', () => {
  for (const [kind, route, path] of [
    ['Ordered', orderedRoute, orderedPath],
    ['RadixTree', radixRoute, radixPath],
  ] as const) {
    fc.assert(
      fc.property(rulesOf(route), asks(path), asks(path), (rules, asked, other) => {
        const compiledRules = compiled(rules, kind)
        const router =
          kind === 'Ordered' ? new OrderedRouter(compiledRules) : new RadixRouter(compiledRules)
        const first = answerOf(router, asked)
        if (!router.isStable) return
        const { host, method, path: same } = asked
        assert.is(answerOf(router, { ...other, host, method, path: same }), first)
      }),
      { numRuns: 400 },
    )
  }
})
