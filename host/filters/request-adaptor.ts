import { compileRegexp, regexp } from '../config/regexp.ts'
import { z } from '../config/schema.ts'
import { Body } from '../exchange/body.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { isToken } from '../exchange/headers.ts'
import { encodePath, type Request } from '../exchange/request.ts'
import { defineFilter } from './filter.ts'
import { compileHeaderAdapt } from './header-adapt.ts'
import { headerAdapt } from './header-spec.ts'

const path = z.strictObject({
  replace: z.string().startsWith('/').optional().describe('The new path.'),
  addPrefix: z.string().startsWith('/').optional().describe('Put before the path.'),
  trimPrefix: z.string().startsWith('/').optional().describe('Taken from the start of the path.'),
  regexpReplace: z
    .strictObject({
      regexp: regexp().describe('An RE2 expression.'),
      replace: z.string().describe('What a match becomes; $1 is the first group.'),
    })
    .optional()
    .describe('Every match in the path is replaced.'),
})

/** Changes a request before it goes on. */
export const requestAdaptor = defineFilter({
  kind: 'RequestAdaptor',
  description: 'Changes method, host, path, headers and body of a request.',
  results: ['decompressFailed', 'compressFailed', 'signFailed'],
  spec: z.strictObject({
    method: z.string().refine(isToken, 'is not a method').optional().describe('The new method.'),
    host: z
      .string()
      .regex(/^[A-Za-z0-9.\-_:[\]]+$/, 'is not a host')
      .optional()
      .describe('The host the upstream is asked for.'),
    path: path.optional().describe('How the path changes; the first that is set counts.'),
    header: headerAdapt().optional().describe('How headers change.'),
    body: z.string().optional().describe('The new body.'),
  }),
  create(spec) {
    const adaptHeaders = compileHeaderAdapt(spec.header)
    const adaptPath = spec.path === undefined ? null : compilePath(spec.path)
    const body = spec.body === undefined ? null : Buffer.from(spec.body, 'utf8')
    return {
      handle({ request }: MessageScope) {
        if (spec.method !== undefined) request.method = spec.method
        if (spec.host !== undefined) request.host = spec.host
        if (adaptPath !== null) request.path = adaptPath(request)
        adaptHeaders?.(request.headers)
        if (body !== null) {
          request.body.cancel(new Error('a filter replaced the body'))
          request.body = Body.bytes(body)
        }
        return undefined
      },
    }
  },
})

/** Prefixes work on the path as it was sent, so that an escaped slash stays one. */
function compilePath(spec: z.output<typeof path>): (request: Request) => string {
  const { replace, addPrefix, trimPrefix, regexpReplace } = spec
  if (replace !== undefined) {
    const target = encodePath(replace)
    return () => target
  }
  if (addPrefix !== undefined) {
    const prefix = encodePath(addPrefix)
    return (request) => prefix + request.path
  }
  if (trimPrefix !== undefined) {
    const prefix = encodePath(trimPrefix)
    return ({ path: text }) => (text.startsWith(prefix) ? rooted(text.slice(prefix.length)) : text)
  }
  if (regexpReplace !== undefined) {
    const expression = compileRegexp(regexpReplace.regexp)
    const { replace: replacement } = regexpReplace
    return (request) => encodePath(rooted(expression.replaceAll(request.decodedPath, replacement)))
  }
  return (request) => request.path
}

function rooted(path: string): string {
  return path.startsWith('/') ? path : `/${path}`
}
