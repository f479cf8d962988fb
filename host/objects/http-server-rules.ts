import { compileRegexp } from '../config/regexp.ts'
import type { ServerLimits } from '../http/engine.ts'
import { IpFilter } from '../traffic/ip-filter.ts'
import type { HostMatcher, Route, Rule, ValueMatcher } from '../traffic/router.ts'
import { compileSetHeaders } from '../traffic/set-headers.ts'
import type { HttpServerSpec } from './http-server-spec.ts'

type RuleSpec = HttpServerSpec['rules'][number]
type PathSpec = RuleSpec['paths'][number]

/** Makes the rules of a spec ready to match: expressions compiled, hosts and names in lowercase. */
export function compileRules(spec: HttpServerSpec): Rule[] {
  const listenerLimit = limitsOf(spec).maxBodyBytes
  return spec.rules.map((rule, ruleIndex) => ({
    hosts: compileHosts(rule),
    ipFilter: rule.ipFilter === undefined ? null : new IpFilter(rule.ipFilter),
    routes: rule.paths.map((path, pathIndex) => {
      const limit = bodyLimitOf(path, spec)
      return {
        ...compileRoute(path),
        // The listener holds every request to the largest of all limits.
        maxBodyBytes: limit === listenerLimit ? null : limit,
        backend: path.backend || generatedName(spec.name, ruleIndex, pathIndex),
        isGenerated: path.backend === '',
      }
    }),
  }))
}

/** Easegress's name for the pipeline that is made for a `backendPool`. */
export function generatedName(server: string, ruleIndex: number, pathIndex: number): string {
  return `GENERATED-${server}-${ruleIndex}-${pathIndex}`
}

function compileHosts(rule: RuleSpec): HostMatcher[] {
  const matchers: HostMatcher[] = []
  if (rule.host !== '') matchers.push(compileHost(rule.host))
  if (rule.hostRegexp !== '') {
    matchers.push({ kind: 'regexp', regexp: compileRegexp(rule.hostRegexp) })
  }
  for (const host of rule.hosts) {
    matchers.push(
      host.isRegexp
        ? { kind: 'regexp', regexp: compileRegexp(host.value) }
        : compileHost(host.value),
    )
  }
  return matchers
}

/** A host may have one `*`, first or last. */
function compileHost(text: string): HostMatcher {
  const host = text.toLowerCase()
  if (host.startsWith('*')) return { kind: 'suffix', suffix: host.slice(1) }
  if (host.endsWith('*')) return { kind: 'prefix', prefix: host.slice(0, -1) }
  return { kind: 'exact', host }
}

function compileRoute(path: PathSpec): Omit<Route, 'maxBodyBytes' | 'backend' | 'isGenerated'> {
  return {
    path: path.path,
    pathPrefix: path.pathPrefix,
    pathRegexp: path.pathRegexp === '' ? null : compileRegexp(path.pathRegexp),
    methods: path.methods.length === 0 ? null : new Set(path.methods),
    headers:
      path.headers.length === 0
        ? NO_MATCHERS
        : path.headers.map((header) => compileMatcher(header, header.key.toLowerCase())),
    matchAllHeader: path.matchAllHeader,
    queries:
      path.queries.length === 0
        ? NO_MATCHERS
        : path.queries.map((query) => compileMatcher(query, query.key)),
    matchAllQuery: path.matchAllQuery,
    ipFilter: path.ipFilter === undefined ? null : new IpFilter(path.ipFilter),
    rewriteTarget: path.rewriteTarget,
    setHeaders: compileSetHeaders(path.setHeaders),
  }
}

/** One for all routes: most have none, and there may be thousands. */
const NO_MATCHERS: readonly ValueMatcher[] = []

function compileMatcher(
  spec: { readonly values: readonly string[]; readonly regexp: string },
  key: string,
): ValueMatcher {
  const regexp = spec.regexp === '' ? null : compileRegexp(spec.regexp)
  return { key, values: spec.values, regexp }
}

/** Bytes a client may send to a route; -1 for no limit. */
function bodyLimitOf(path: PathSpec, spec: HttpServerSpec): number {
  return path.clientMaxBodySize === 0 ? spec.clientMaxBodySize : path.clientMaxBodySize
}

/** The limits of a listener that can change while it runs. */
export function limitsOf(spec: HttpServerSpec): ServerLimits {
  return {
    keepAlive: spec.keepAlive,
    keepAliveTimeoutMs: spec.keepAliveTimeout,
    maxConnections: spec.maxConnections,
    headerTimeoutMs: spec.headerTimeout,
    maxRequestLineBytes: spec.maxRequestLine,
    maxHeaderBytes: spec.maxHeaderBytes,
    maxHeaderCount: spec.maxHeaderCount,
    maxBodyBytes: largestLimit(spec),
    bodyIdleTimeoutMs: spec.bodyIdleTimeout,
    minBodyRate: spec.minBodyRate,
    bodyTimeoutMs: spec.bodyTimeout,
    requestTimeoutMs: spec.requestTimeout,
    writeIdleTimeoutMs: spec.writeIdleTimeout,
    maxRequestsPerConnection: spec.maxRequestsPerConnection,
    maxTunnels: spec.maxTunnels,
    tunnelIdleTimeoutMs: spec.tunnelIdleTimeout,
  }
}

/** A route may take more than the server says: the listener must let it through. */
function largestLimit(spec: HttpServerSpec): number {
  let largest = spec.clientMaxBodySize
  for (const { paths } of spec.rules) {
    for (const path of paths) {
      const limit = bodyLimitOf(path, spec)
      if (limit < 0 || largest < 0) return -1
      largest = Math.max(largest, limit)
    }
  }
  return largest
}
