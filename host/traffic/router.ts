import type { Regexp } from '../config/regexp.ts'
import type { Request } from '../exchange/request.ts'

/** A route of a rule, compiled: which requests it takes, and where they go. */
export interface Route {
  readonly path: string
  readonly pathPrefix: string
  readonly pathRegexp: Regexp | null
  /** Null takes every method. */
  readonly methods: ReadonlySet<string> | null
  readonly headers: readonly HeaderMatcher[]
  /** True: every matcher of `headers`; false: one of them is enough. */
  readonly matchAllHeader: boolean
  readonly rewriteTarget: string
  /** The name of the pipeline. */
  readonly backend: string
}

export interface HeaderMatcher {
  /** Lowercase. */
  readonly key: string
  readonly values: readonly string[]
  readonly regexp: Regexp | null
}

/** Routes that are looked at when one of the hosts fits; no host at all fits every request. */
export interface Rule {
  readonly hosts: readonly HostMatcher[]
  readonly routes: readonly Route[]
}

/** An exact host in lowercase, one `*` at either end, or an expression. */
export type HostMatcher =
  | { readonly kind: 'exact'; readonly host: string }
  | { readonly kind: 'prefix'; readonly prefix: string }
  | { readonly kind: 'suffix'; readonly suffix: string }
  | { readonly kind: 'regexp'; readonly regexp: Regexp }

/** Why no route took a request: what Easegress answers. */
export type RouteFailure = 400 | 403 | 404 | 405

export type RouteResult = Route | RouteFailure

/**
 * The ordered router: the first rule whose host fits and the first of its routes that takes the request.
 * Order decides, not length. When none does, the reason that came closest to a match is the answer:
 * 403 before 400 (a header did not match) before 405 (the method did not) before 404.
 */
export class OrderedRouter {
  readonly #rules: readonly Rule[]
  readonly #needsHost: boolean

  constructor(rules: readonly Rule[]) {
    this.#rules = rules
    this.#needsHost = rules.some((rule) => rule.hosts.length > 0)
  }

  route(request: Request): RouteResult {
    const path = request.decodedPath
    let hasHeaderMismatch = false
    let hasMethodMismatch = false
    const host = this.#needsHost ? hostWithoutPort(request.host) : ''
    for (const rule of this.#rules) {
      if (rule.hosts.length > 0 && !matchesHost(rule.hosts, host)) continue
      for (const route of rule.routes) {
        if (!matchesPath(route, path)) continue
        if (route.methods !== null && !route.methods.has(request.method)) {
          hasMethodMismatch = true
          continue
        }
        if (route.headers.length > 0 && !matchesHeaders(route, request)) {
          hasHeaderMismatch = true
          continue
        }
        return route
      }
    }
    if (hasHeaderMismatch) return 400
    return hasMethodMismatch ? 405 : 404
  }
}

/** What the upstream is asked for when the route rewrites its target. */
export function rewritePath(route: Route, path: string): string {
  if (route.rewriteTarget === '') return path
  if (route.path !== '') return route.rewriteTarget
  if (route.pathPrefix !== '') return route.rewriteTarget + path.slice(route.pathPrefix.length)
  if (route.pathRegexp !== null) return route.pathRegexp.replaceAll(path, route.rewriteTarget)
  return route.rewriteTarget
}

function matchesPath(route: Route, path: string): boolean {
  if (route.path === '' && route.pathPrefix === '' && route.pathRegexp === null) return true
  if (route.path !== '' && route.path === path) return true
  if (route.pathPrefix !== '' && path.startsWith(route.pathPrefix)) return true
  return route.pathRegexp?.test(path) ?? false
}

function matchesHeaders(route: Route, request: Request): boolean {
  for (const matcher of route.headers) {
    const isMatch = matchesHeader(matcher, request.headers.get(matcher.key))
    if (isMatch && !route.matchAllHeader) return true
    if (!isMatch && route.matchAllHeader) return false
  }
  return route.matchAllHeader
}

function matchesHeader(matcher: HeaderMatcher, value: string | undefined): boolean {
  const text = value ?? ''
  if (matcher.values.includes(text)) return true
  return matcher.regexp?.test(text) ?? false
}

function matchesHost(matchers: readonly HostMatcher[], host: string): boolean {
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
