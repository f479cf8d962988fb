import { compileRegexp } from '../config/regexp.ts'
import type { ServerLimits } from '../http/engine.ts'
import type { HostMatcher, Route, Rule } from '../traffic/router.ts'
import type { HttpServerSpec } from './http-server-spec.ts'

type RuleSpec = HttpServerSpec['rules'][number]
type PathSpec = RuleSpec['paths'][number]

/** Makes the rules of a spec ready to match: expressions compiled, hosts and names in lowercase. */
export function compileRules(spec: HttpServerSpec): Rule[] {
  return spec.rules.map((rule) => ({
    hosts: compileHosts(rule),
    routes: rule.paths.map(compileRoute),
  }))
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

function compileRoute(path: PathSpec): Route {
  return {
    path: path.path,
    pathPrefix: path.pathPrefix,
    pathRegexp: path.pathRegexp === '' ? null : compileRegexp(path.pathRegexp),
    methods: path.methods.length === 0 ? null : new Set(path.methods),
    headers: path.headers.map((header) => ({
      key: header.key.toLowerCase(),
      values: header.values,
      regexp: header.regexp === '' ? null : compileRegexp(header.regexp),
    })),
    matchAllHeader: path.matchAllHeader,
    rewriteTarget: path.rewriteTarget,
    backend: path.backend,
  }
}

/** The limits of a listener that can change while it runs. */
export function limitsOf(spec: HttpServerSpec): ServerLimits {
  return {
    keepAlive: spec.keepAlive,
    keepAliveTimeoutMs: spec.keepAliveTimeout,
    maxConnections: spec.maxConnections,
    headerTimeoutMs: HEADER_TIMEOUT_MS,
    maxHeaderBytes: MAX_HEADER_BYTES,
    maxHeaderCount: MAX_HEADER_COUNT,
    maxBodyBytes: spec.clientMaxBodySize,
  }
}

/** Time for a whole request head. */
export const HEADER_TIMEOUT_MS = 5_000
/** Decoded size of a request head. */
export const MAX_HEADER_BYTES = 32 * 1024
/** Fields of a request head. */
export const MAX_HEADER_COUNT = 100
