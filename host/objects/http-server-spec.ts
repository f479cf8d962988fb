import { isJsonObject, type JsonObject, type JsonPath } from '../config/json.ts'
import { nearest } from '../config/nearest.ts'
import { regexp } from '../config/regexp.ts'
import { duration, notYet, objectFields, text, wants, z } from '../config/schema.ts'
import { type CheckContext, defineObject, type SpecOf } from './object.ts'

/** Body bytes a client may send when the configuration does not say. */
export const DEFAULT_MAX_BODY_BYTES = 10 * 1024 * 1024

const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
] as const

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

const headerMatch = z.strictObject({
  key: headerName().describe('The name of the header; upper and lower case are the same.'),
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
  methods: z.array(z.enum(METHODS)).default([]).describe('Methods that match; all when empty.'),
  headers: z.array(headerMatch).default([]).describe('Headers of which one must match.'),
  matchAllHeader: z.boolean().default(false).describe('All of `headers` must match, not only one.'),
  backend: text().describe('The name of the pipeline that handles the request.'),
  ...notYet(
    'backendPool',
    'clientMaxBodySize',
    'ipFilter',
    'matchAllQuery',
    'queries',
    'setHeaders',
  ),
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
  paths: z.array(route).default([]).describe('Routes; the first that matches is taken.'),
  ...notYet('ipFilter'),
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
    .describe('Open connections at most; more wait.'),
  clientMaxBodySize: z
    .int()
    .default(0)
    .transform((bytes) => (bytes === 0 ? DEFAULT_MAX_BODY_BYTES : Math.max(bytes, -1)))
    .describe('Bytes of a request body; past it 413. 0 means 10 MiB, a negative number no limit.'),
  rules: z
    .array(rule)
    .default([])
    .describe('Rules; the first whose host matches and that has a route is taken.'),
  routerKind: z
    .union([z.literal(''), z.literal('Ordered')], {
      error: '`routerKind` takes only "Ordered": other routers are not supported yet',
    })
    .default('Ordered')
    .describe('Routes are tried in their order.'),
  ...notYet(
    'accessLogFormat',
    'autoCert',
    'caCertBase64',
    'cacheSize',
    'certBase64',
    'certs',
    'globalFilter',
    'http3',
    'https',
    'ipFilter',
    'keyBase64',
    'keys',
    'tracing',
    'xForwardedFor',
  ),
})

/** HTTPServer without its running part: the fields of its document and the rules they follow. */
export const httpServerKind = defineObject({
  kind: 'HTTPServer',
  description: 'Listens for HTTP requests and sends each to the pipeline its rules name.',
  category: 'gate',
  spec,
  check(data, context) {
    forEachObject(data['rules'], ['rules'], (rule, path) => {
      forEachObject(rule['hosts'], [...path, 'hosts'], (host, hostPath) => {
        checkHost(host, hostPath, context)
      })
      forEachObject(rule['paths'], [...path, 'paths'], (route, routePath) => {
        checkBackend(route['backend'], [...routePath, 'backend'], context)
        forEachObject(route['headers'], [...routePath, 'headers'], (header, headerPath) => {
          checkHeader(header, headerPath, context)
        })
      })
    })
    return {}
  },
})

export type HttpServerSpec = SpecOf<typeof httpServerKind>

function checkHost(host: JsonObject, path: JsonPath, context: CheckContext): void {
  if (typeof host['value'] !== 'string' || host['value'] === '') return
  context.parse(host['isRegexp'] === true ? regexp() : hostPattern(), [...path, 'value'])
}

function checkBackend(backend: unknown, path: JsonPath, context: CheckContext): void {
  if (typeof backend !== 'string' || backend === '') return
  const kind = context.kindOf(backend)
  if (kind === 'Pipeline') return
  if (kind !== undefined) {
    context.report({ path, message: `"${backend}" is a ${kind}; a backend is a Pipeline` })
  } else if (context.isComplete) {
    context.report({
      path,
      message: `there is no Pipeline "${backend}"`,
      suggestion: nearest(backend, context.namesOf('Pipeline')),
    })
  }
}

function checkHeader(header: JsonObject, path: JsonPath, context: CheckContext): void {
  const { values, regexp: pattern } = header
  const hasValues = Array.isArray(values) ? values.length > 0 : values !== undefined
  if (hasValues || (pattern !== undefined && pattern !== '')) return
  context.report({ path, message: 'a header needs `values` or `regexp`, or it matches nothing' })
}

function forEachObject(
  list: unknown,
  path: JsonPath,
  visit: (item: JsonObject, path: JsonPath) => void,
): void {
  if (!Array.isArray(list)) return
  for (const [index, item] of list.entries()) if (isJsonObject(item)) visit(item, [...path, index])
}
