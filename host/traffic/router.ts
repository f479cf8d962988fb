import type { Regexp } from '../config/regexp.ts'
import type { Request } from '../exchange/request.ts'
import type { IpFilter } from './ip-filter.ts'
import type { PathParams } from './path-params.ts'
import { queryValueOf } from './query-value.ts'
import type { SetHeaders } from './set-headers.ts'

/** A route of a rule, compiled: which requests it takes, and where they go. */
export interface Route {
  readonly path: string
  readonly pathPrefix: string
  readonly pathRegexp: Regexp | null
  /** Null takes every method. */
  readonly methods: ReadonlySet<string> | null
  readonly headers: readonly ValueMatcher[]
  /** True: every matcher of `headers`; false: one of them is enough. */
  readonly matchAllHeader: boolean
  readonly queries: readonly ValueMatcher[]
  readonly matchAllQuery: boolean
  readonly ipFilter: IpFilter | null
  readonly rewriteTarget: string
  readonly setHeaders: SetHeaders | null
  /** Bytes a client may send, -1 for no limit; null when the listener sees to it. */
  readonly maxBodyBytes: number | null
  /** The name of the pipeline; of a generated one when the route has a pool of its own. */
  readonly backend: string
  /** True when the pipeline was generated for this route. */
  readonly isGenerated: boolean
}

/** A header or a query field that must have one of some values. */
export interface ValueMatcher {
  /** Of a header in lowercase. */
  readonly key: string
  readonly values: readonly string[]
  readonly regexp: Regexp | null
}

/** Routes that are looked at when one of the hosts fits; no host at all fits every request. */
export interface Rule {
  readonly hosts: readonly HostMatcher[]
  readonly ipFilter: IpFilter | null
  readonly routes: readonly Route[]
}

/** An exact host in lowercase, one `*` at either end, or an expression. */
export type HostMatcher =
  | { readonly kind: 'exact'; readonly host: string }
  | { readonly kind: 'prefix'; readonly prefix: string }
  | { readonly kind: 'suffix'; readonly suffix: string }
  | { readonly kind: 'regexp'; readonly regexp: Regexp }

/** The route a request takes. */
export interface RouteMatch {
  readonly route: Route
  readonly params: PathParams | null
  /** The path sent on; null leaves it as it is. */
  rewrite(path: string): string | null
}

/** Why no route took a request: what Easegress answers. */
export type RouteFailure = 400 | 403 | 404 | 405

export type RouteResult = RouteMatch | RouteFailure

export interface Router {
  route(request: Request): RouteResult
  /** Does what `route` last answered hold for every request of the same host, method and path? */
  readonly isStable: boolean
}

/**
 * What stood in the way of a match so far. When nothing matches, the reason that came closest is the
 * answer: 403 before 400 (a header or a query did not match) before 405 (the method) before 404.
 */
export class Mismatches {
  isStable = true
  #ip = false
  #value = false
  #method = false

  reset(): void {
    this.isStable = true
    this.#ip = false
    this.#value = false
    this.#method = false
  }

  get failure(): RouteFailure {
    if (this.#ip) return 403
    if (this.#value) return 400
    return this.#method ? 405 : 404
  }

  /** May the client's address use this rule or route? */
  passesIp(filter: IpFilter | null, request: Request): boolean {
    if (filter === null) return true
    this.isStable = false
    if (filter.isAllowed(request.remoteAddress)) return true
    this.#ip = true
    return false
  }

  /** All that is asked of a request beside its host and its path. */
  passes(route: Route, request: Request): boolean {
    if (route.methods !== null && !route.methods.has(request.method)) {
      this.#method = true
      return false
    }
    if (route.headers.length > 0) {
      this.isStable = false
      if (!matchesValues(route.headers, route.matchAllHeader, request, headerOf)) {
        this.#value = true
        return false
      }
    }
    if (route.queries.length > 0) {
      this.isStable = false
      if (!matchesValues(route.queries, route.matchAllQuery, request, queryOf)) {
        this.#value = true
        return false
      }
    }
    return this.passesIp(route.ipFilter, request)
  }
}

/**
 * The ordered router: the first rule whose host fits and the first of its routes that takes the request.
 * Order decides, not length.
 */
export class OrderedRouter implements Router {
  readonly #rules: readonly OrderedRule[]
  readonly #needsHost: boolean
  // Routing is synchronous: one is enough for all requests.
  readonly #mismatches = new Mismatches()

  constructor(rules: readonly Rule[]) {
    this.#rules = rules.map((rule) => ({
      rule,
      matches: rule.routes.map((route) => new OrderedMatch(route)),
    }))
    this.#needsHost = rules.some((rule) => rule.hosts.length > 0)
  }

  get isStable(): boolean {
    return this.#mismatches.isStable
  }

  route(request: Request): RouteResult {
    const path = request.decodedPath
    const mismatches = this.#mismatches
    mismatches.reset()
    const host = this.#needsHost ? hostWithoutPort(request.host) : ''
    for (const { rule, matches } of this.#rules) {
      if (rule.hosts.length > 0 && !matchesHost(rule.hosts, host)) continue
      if (!mismatches.passesIp(rule.ipFilter, request)) continue
      for (const match of matches) {
        if (matchesPath(match.route, path) && mismatches.passes(match.route, request)) return match
      }
    }
    return mismatches.failure
  }
}

interface OrderedRule {
  readonly rule: Rule
  readonly matches: readonly RouteMatch[]
}

/** Made once for each route: a match says nothing about the request. Without a closure, for 10,000 routes. */
class OrderedMatch implements RouteMatch {
  readonly route: Route
  readonly params = null

  constructor(route: Route) {
    this.route = route
  }

  rewrite(path: string): string | null {
    return this.route.rewriteTarget === '' ? null : rewritePath(this.route, path)
  }
}

/** What the upstream is asked for when the route rewrites its target. */
export function rewritePath(route: Route, path: string): string {
  if (route.rewriteTarget === '') return path
  if (route.path !== '' && route.path === path) return route.rewriteTarget
  if (route.pathPrefix !== '' && path.startsWith(route.pathPrefix)) {
    return route.rewriteTarget + path.slice(route.pathPrefix.length)
  }
  if (route.pathRegexp !== null) return route.pathRegexp.replaceAll(path, route.rewriteTarget)
  return route.rewriteTarget
}

function matchesPath(route: Route, path: string): boolean {
  if (route.path === '' && route.pathPrefix === '' && route.pathRegexp === null) return true
  if (route.path !== '' && route.path === path) return true
  if (route.pathPrefix !== '' && path.startsWith(route.pathPrefix)) return true
  return route.pathRegexp?.test(path) ?? false
}

function headerOf(request: Request, key: string): string | undefined {
  return request.headers.get(key)
}

function queryOf(request: Request, key: string): string | undefined {
  return queryValueOf(request.query, key)
}

function matchesValues(
  matchers: readonly ValueMatcher[],
  matchesAll: boolean,
  request: Request,
  read: (request: Request, key: string) => string | undefined,
): boolean {
  for (const matcher of matchers) {
    const value = read(request, matcher.key) ?? ''
    const isMatch = matchesAll ? matchesWholly(matcher, value) : matchesPartly(matcher, value)
    if (isMatch !== matchesAll) return isMatch
  }
  return matchesAll
}

function matchesPartly({ values, regexp }: ValueMatcher, value: string): boolean {
  return values.includes(value) || regexp?.test(value) === true
}

/** When all must match, so must both values and expression of one that has both. */
function matchesWholly({ values, regexp }: ValueMatcher, value: string): boolean {
  return (values.length === 0 || values.includes(value)) && regexp?.test(value) !== false
}

export function matchesHost(matchers: readonly HostMatcher[], host: string): boolean {
  for (const matcher of matchers) {
    switch (matcher.kind) {
      case 'exact':
        if (matcher.host === host) return true
        break
      case 'prefix':
        if (host.startsWith(matcher.prefix)) return true
        break
      case 'suffix':
        if (host.endsWith(matcher.suffix)) return true
        break
      case 'regexp':
        if (matcher.regexp.test(host)) return true
        break
    }
  }
  return false
}

/** The host of an authority in lowercase, without its port; an IPv6 address keeps its brackets. */
export function hostWithoutPort(authority: string): string {
  const colon = authority.lastIndexOf(':')
  const isPort = colon > 0 && authority.indexOf(']', colon) < 0
  return (isPort ? authority.slice(0, colon) : authority).toLowerCase()
}
