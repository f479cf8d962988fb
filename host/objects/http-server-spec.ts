import { isJsonObject, type JsonObject, type JsonPath } from '../config/json.ts'
import { nearest } from '../config/nearest.ts'
import { regexp } from '../config/regexp.ts'
import { duration, name, notYet, objectFields, text, wants, z } from '../config/schema.ts'
import { HOST_OWNED_HEADERS } from '../exchange/field-rules.ts'
import { HTTP_METHODS } from '../filters/http-method.ts'
import { poolSpec } from '../filters/proxy-pool-spec.ts'
import { ACCESS_VARIABLES, unknownVariables } from '../traffic/access-format.ts'
import { limitFields } from './http-server-limit-fields.ts'
import { checkTls, tlsFields } from './http-server-tls-fields.ts'
import { ipFilterField, ranges } from './ip-filter-field.ts'
import { type CheckContext, defineObject, type SpecOf } from './object.ts'
import { checkRadixRoute } from './radix-check.ts'
import { checkPoolRegistry } from './registry-check.ts'
import { tracingSpec } from './tracing-spec.ts'

/**
 * Body bytes a client may send when the configuration does not say. Easegress has 4 MiB, which it holds in memory;
 * here a body streams.
 */
export const DEFAULT_MAX_BODY_BYTES = 10 * 1024 * 1024

/** A host name, with one `*` at its beginning or at its end at most; empty for any host. */
function hostPattern() {
  return z.string().superRefine((host, context) => {
    if (/[\s/]/.test(host) || host.slice(1, -1).includes('*') || /^\*.*\*$/.test(host)) {
      const params = wants('a host name with at most one * at its beginning or its end')
      context.addIssue({ code: 'custom', params })
    }
  })
}

function absolutePath() {
  return z.string().superRefine((path, context) => {
    if (path !== '' && !path.startsWith('/')) {
      context.addIssue({ code: 'custom', params: wants('a path that begins with "/"') })
    }
  })
}

/** A header field name (RFC 9110, section 5.1). */
function headerName() {
  return z.string().superRefine((name, context) => {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
      context.addIssue({ code: 'custom', params: wants('the name of a header') })
    }
  })
}

/** A field whose headers belong to the host may be set here: only Host, which asks for another host. */
function settableHeader() {
  return headerName().superRefine((field, context) => {
    const lower = field.toLowerCase()
    if (lower === 'host' || !HOST_OWNED_HEADERS.has(lower)) return
    const message = `the header ${field} is written by the host itself`
    context.addIssue({ code: 'custom', message })
  })
}

/** `0` leaves it to the server, a negative number is no limit. */
function bodySize() {
  return z
    .int()
    .default(0)
    .transform((bytes) => Math.max(bytes, -1))
}

const headerMatch = z.strictObject({
  key: headerName().describe('The name of the header; upper and lower case are the same.'),
  values: z.array(z.string()).default([]).describe('Matches when the value is one of these.'),
  regexp: regexp().default('').describe('Matches when the value matches this pattern.'),
})

const queryMatch = z.strictObject({
  key: text().describe('The name of the query field.'),
  values: z.array(z.string()).default([]).describe('Matches when the value is one of these.'),
  regexp: regexp().default('').describe('Matches when the value matches this pattern.'),
})

const route = z.strictObject({
  path: absolutePath().default('').describe('Matches this path only.'),
  pathPrefix: absolutePath().default('').describe('Matches every path that begins so.'),
  pathRegexp: regexp().default('').describe('Matches every path this pattern is found in.'),
  rewriteTarget: z
    .string()
    .default('')
    .describe(
      'The path sent on: for `path` all of it, for `pathPrefix` the prefix, for `pathRegexp` each match.',
    ),
  methods: z
    .array(z.enum(HTTP_METHODS))
    .default([])
    .describe('Methods that match; all when empty.'),
  headers: z.array(headerMatch).default([]).describe('Headers of which one must match.'),
  matchAllHeader: z.boolean().default(false).describe('All of `headers` must match, not only one.'),
  queries: z.array(queryMatch).default([]).describe('Query fields of which one must match.'),
  matchAllQuery: z.boolean().default(false).describe('All of `queries` must match, not only one.'),
  ipFilter: ipFilterField().optional().describe('Clients that may use the route; others get 403.'),
  setHeaders: z
    .record(settableHeader(), z.string())
    .default({})
    .describe(
      'Headers to set before the pipeline runs, with variables of nginx such as `$remote_addr`; empty text removes one.',
    ),
  clientMaxBodySize: bodySize().describe(
    'Bytes of a request body; past it 413. 0 takes that of the server, a negative number is no limit.',
  ),
  backend: z.string().default('').describe('The name of the pipeline that handles the request.'),
  backendPool: poolSpec
    .optional()
    .describe('In place of `backend`: a pool of servers, as in a Proxy filter.')
    .meta({ 'x-see': 'Proxy.pools' }),
})

const rule = z.strictObject({
  host: hostPattern().default('').describe('A host, or `*.example.com`, or `example.*`.'),
  hostRegexp: regexp().default('').describe('A pattern that is found in the host.'),
  hosts: z
    .array(
      z.strictObject({
        value: z.string().describe('A host, or a pattern.'),
        isRegexp: z.boolean().default(false).describe('True when `value` is a pattern.'),
      }),
    )
    .default([])
    .describe('More hosts; the rule applies to any host when none is given at all.'),
  ipFilter: ipFilterField().optional().describe('Clients that may use the rule; others get 403.'),
  paths: z.array(route).prefault([]).describe('Routes; the first that matches is taken.'),
})

const spec = z.strictObject({
  ...objectFields('HTTPServer'),
  address: z.string().default('').describe('The address to listen on; all addresses when empty.'),
  port: z.int().min(0).max(65_535).describe('The port to listen on; 0 takes a free one.'),
  keepAlive: z.boolean().default(true).describe('Connections stay open between requests.'),
  keepAliveTimeout: duration()
    .prefault('60s')
    .describe('How long a connection may be idle before it is closed.'),
  maxConnections: z
    .int()
    .min(1)
    .max(4_294_967_295)
    .default(10_240)
    .describe('Open connections at most; more are answered with 503 and closed.'),
  clientMaxBodySize: z
    .int()
    .default(0)
    .transform((bytes) => (bytes === 0 ? DEFAULT_MAX_BODY_BYTES : Math.max(bytes, -1)))
    .describe('Bytes of a request body; past it 413. 0 means 10 MiB, a negative number no limit.'),
  ...limitFields,
  rules: z
    .array(rule)
    .prefault([])
    .describe('Rules; the first whose host matches and that has a route is taken.'),
  routerKind: z
    .enum(['', 'Ordered', 'RadixTree'])
    .default('Ordered')
    .describe(
      'Ordered: routes are tried in their order. RadixTree: paths are patterns such as `/users/{id}/*`, and the most exact one is taken.',
    ),
  ipFilter: ipFilterField().optional().describe('Clients that may use the server; others get 403.'),
  cacheSize: z
    .int()
    .min(0)
    .max(4_294_967_295)
    .default(0)
    .describe('Routes that are remembered by host, method and path; 0 remembers none.'),
  xForwardedFor: z
    .boolean()
    .default(false)
    .describe(
      'Keep what the client says in `X-Forwarded-For` and add its address. A Proxy always sends the address; without this nothing the client claims goes with it.',
    ),
  trustedProxies: ranges(
    'Addresses and ranges of proxies in front of this server: what they say about the client is believed.',
  ),
  forwardedHeader: z
    .enum(['X-Forwarded-For', 'Forwarded'])
    .default('X-Forwarded-For')
    .describe(
      'The header in which trusted proxies name the client, `X-Forwarded-Proto` and `-Host` going with the first; the other one is dropped.',
    ),
  globalFilter: z
    .union([z.literal(''), name()])
    .default('')
    .describe('The name of a GlobalFilter, which runs before and after the pipelines.'),
  accessLogFormat: z
    .string()
    .superRefine((format, context) => {
      for (const variable of unknownVariables(format)) {
        const near = nearest(variable, ACCESS_VARIABLES)
        const hint = near === null ? '' : ` (did you mean "${near}"?)`
        const message = `there is no variable "{{${variable}}}"${hint}: there is ${ACCESS_VARIABLES.join(', ')}`
        context.addIssue({ code: 'custom', message })
      }
    })
    .default('')
    .describe('The line of a request in the access log, with variables such as `{{Method}}`.'),
  ...tlsFields,
  tracing: tracingSpec.optional().describe('Traces requests and sends their spans to a collector.'),
  ...notYet({
    http3: 'clients speak HTTP/2 over `https`',
  }),
})

/** HTTPServer without its running part: the fields of its document and the rules they follow. */
export const httpServerKind = defineObject({
  kind: 'HTTPServer',
  description: 'Listens for HTTP requests and sends each to the pipeline its rules name.',
  category: 'gate',
  example: `kind: HTTPServer
name: server
port: 10080
clientMaxBodySize: 1048576
rules:
  - host: "*.example.com"
    paths:
      - pathPrefix: /api/
        methods: [GET, POST]
        headers: [{ key: X-Version, values: ["2"] }]
        rewriteTarget: /
        setHeaders: { X-Real-IP: $remote_addr }
        backend: main
      - path: /health
        backend: main
---
kind: Pipeline
name: main
filters:
  - { name: mock, kind: Mock, rules: [{ body: hello }] }`,
  notes: [
    'What a client says about itself in `X-Forwarded-For` is believed of `trustedProxies` only, and `X-Real-Ip` of nobody: else IP filters, hashes and logs see the address of the connection.',
    'A body may have 10 MiB when nothing is said, where Easegress has 4 MiB: bodies stream here, so that a larger one takes no more memory. A filter that asks for all of it still gets 4 MiB at most. `clientMaxBodySize: 4194304` is what Easegress does.',
    'Past `maxConnections` a client gets 503 at once; in Easegress it waits.',
    'A request head has a time limit, a size limit and a limit of fields, and a client that pauses in its body is answered 408.',
    'Messages that HTTP leaves in doubt are refused, not repaired.',
    'TLS is 1.2 or 1.3. Certificates are checked when the configuration is, and a change of them closes no connection. Easegress has no `tls`.',
    'What a client says about sampling is not asked: `tracing.sampleRate` and the id of the trace decide. Spans go by OTLP over HTTP or to Zipkin; `jaeger` and OTLP over gRPC are errors that name these. A batch that a collector does not take is dropped and counted in `penstock_trace_spans_total`.',
    'Headers that open doors, such as `Authorization` and `Cookie`, are not written to the access log.',
    '`port: 0` takes a free port.',
  ],
  spec,
  check(data, context) {
    forEachObject(data['rules'], ['rules'], (rule, path) => {
      forEachObject(rule['hosts'], [...path, 'hosts'], (host, hostPath) => {
        checkHost(host, hostPath, context)
      })
      forEachObject(rule['paths'], [...path, 'paths'], (route, routePath) => {
        checkTarget(route, routePath, context)
        if (data['routerKind'] === 'RadixTree') checkRadixRoute(route, routePath, context)
        for (const [field, what] of [
          ['headers', 'a header'],
          ['queries', 'a query field'],
        ] as const) {
          forEachObject(route[field], [...routePath, field], (item, itemPath) => {
            checkMatcher(item, itemPath, what, context)
          })
        }
      })
    })
    checkReference(data['globalFilter'], 'GlobalFilter', ['globalFilter'], context)
    checkTls(data, context)
    return {}
  },
})

export type HttpServerSpec = SpecOf<typeof httpServerKind>

function checkHost(host: JsonObject, path: JsonPath, context: CheckContext): void {
  if (typeof host['value'] !== 'string' || host['value'] === '') return
  context.parse(host['isRegexp'] === true ? regexp() : hostPattern(), [...path, 'value'])
}

/** A route leads to a pipeline, or has servers of its own. */
function checkTarget(route: JsonObject, path: JsonPath, context: CheckContext): void {
  const { backend, backendPool } = route
  const hasBackend = typeof backend === 'string' && backend !== ''
  if (hasBackend && isJsonObject(backendPool)) {
    const message = '`backend` and `backendPool` exclude each other'
    context.report({ path: [...path, 'backendPool'], at: 'key', message })
  } else if (backendPool == null && backend == null) {
    context.report({ path: [...path, 'backend'], message: '`backend` is missing' })
  } else if (backendPool == null && backend === '') {
    const message = '`backend` takes text that is not empty, not empty text'
    context.report({ path: [...path, 'backend'], message })
  }
  checkReference(backend, 'Pipeline', [...path, 'backend'], context)
  if (isJsonObject(backendPool)) checkPool(backendPool, [...path, 'backendPool'], context)
}

/** The pool stands alone: there is nothing to choose between, and no pipeline with policies. */
function checkPool(pool: JsonObject, path: JsonPath, context: CheckContext): void {
  for (const field of ['filter', 'retryPolicy', 'circuitBreakerPolicy']) {
    if (pool[field] == null || pool[field] === '') continue
    const message = `a \`backendPool\` has no \`${field}\`: use a pipeline with a Proxy`
    context.report({ path: [...path, field], at: 'key', message })
  }
  checkPoolRegistry(pool, path, context)
}

function checkReference(
  name: unknown,
  wanted: 'Pipeline' | 'GlobalFilter',
  path: JsonPath,
  context: CheckContext,
): void {
  if (typeof name !== 'string' || name === '') return
  const kind = context.kindOf(name)
  if (kind === wanted) return
  if (kind !== undefined) {
    const field = wanted === 'Pipeline' ? 'a backend' : 'a global filter'
    context.report({ path, message: `"${name}" is a ${kind}; ${field} is a ${wanted}` })
  } else if (context.isComplete) {
    context.report({
      path,
      message: `there is no ${wanted} "${name}"`,
      suggestion: nearest(name, context.namesOf(wanted)),
    })
  }
}

function checkMatcher(
  matcher: JsonObject,
  path: JsonPath,
  what: string,
  context: CheckContext,
): void {
  const { values, regexp: pattern } = matcher
  const hasValues = Array.isArray(values) ? values.length > 0 : values != null
  if (hasValues || (pattern != null && pattern !== '')) return
  context.report({ path, message: `${what} needs \`values\` or \`regexp\`, or it matches nothing` })
}

function forEachObject(
  list: unknown,
  path: JsonPath,
  visit: (item: JsonObject, path: JsonPath) => void,
): void {
  if (!Array.isArray(list)) return
  for (const [index, item] of list.entries()) if (isJsonObject(item)) visit(item, [...path, index])
}
