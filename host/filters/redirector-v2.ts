import { z } from '../config/schema.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { encodePath, type Request } from '../exchange/request.ts'
import { defineFilter } from './filter.ts'
import { redirectStatus, redirectTo } from './redirect.ts'

const path = z
  .strictObject({
    type: z
      .enum(['ReplaceFullPath', 'ReplacePrefixMatch'])
      .describe('Whether the whole path is replaced, or what the route matched as its prefix.'),
    replaceFullPath: z.string().startsWith('/').optional().describe('The new path.'),
    replacePrefixMatch: z
      .string()
      .startsWith('/')
      .optional()
      .describe('What stands in the place of the `pathPrefix` of the route.'),
  })
  .superRefine((spec, context) => {
    const field = spec.type === 'ReplaceFullPath' ? 'replaceFullPath' : 'replacePrefixMatch'
    if (spec[field] !== undefined) return
    const message = `the type ${spec.type} needs \`${field}\``
    context.addIssue({ code: 'custom', path: [field], message })
  })

/** Sends clients elsewhere, in the terms of the Gateway API of Kubernetes. */
export const redirectorV2 = defineFilter({
  kind: 'RedirectorV2',
  description: 'Answers with a redirection to another scheme, host or path.',
  results: ['redirected'],
  example: `name: secure
kind: RedirectorV2
scheme: https
path: { type: ReplacePrefixMatch, replacePrefixMatch: /v2 }
statusCode: 301`,
  notes: ['Easegress has no `port`.'],
  spec: z.strictObject({
    scheme: z.enum(['http', 'https']).optional().describe('The new scheme.'),
    hostname: z
      .string()
      .regex(/^[A-Za-z0-9.\-_:[\]]+$/, 'is not a host')
      .optional()
      .describe('The new host; it may have a port.'),
    port: z.int().min(1).max(65_535).optional().describe('The new port.'),
    path: path.optional().describe('The new path.'),
    statusCode: redirectStatus(302),
  }),
  create(spec) {
    const { scheme, hostname, port, path: change } = spec
    return {
      handle(scope: MessageScope) {
        const { request, exchange } = scope
        const newPath =
          change === undefined ? request.path : pathOf(change, request, exchange.routePrefix)
        const query = request.query === '' ? '' : `?${request.query}`
        const host = hostname ?? request.host
        const newHost = port === undefined ? host : `${host.replace(/:\d+$/, '')}:${port}`
        const origin = `${scheme ?? request.scheme}://${newHost}`
        const isElsewhere = origin !== `${request.scheme}://${request.host}`
        // On the same origin the path says it all, whatever stands before this gateway.
        const location = `${isElsewhere ? origin : ''}${newPath}${query}`
        if (!isElsewhere && location === request.target) return undefined
        return redirectTo(scope, spec.statusCode, location) ? 'redirected' : undefined
      },
    }
  },
})

function pathOf(change: z.output<typeof path>, request: Request, prefix: string): string {
  if (change.type === 'ReplaceFullPath') return encodePath(change.replaceFullPath ?? '/')
  // Without a prefix in the route there is nothing to replace.
  if (prefix === '' || !request.decodedPath.startsWith(prefix)) return request.path
  const rest = request.decodedPath.slice(prefix.length)
  return encodePath(`${change.replacePrefixMatch ?? ''}${rest}`)
}
