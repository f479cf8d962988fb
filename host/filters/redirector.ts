import { compileRegexp, regexp } from '../config/regexp.ts'
import { z } from '../config/schema.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import type { Request } from '../exchange/request.ts'
import { defineFilter } from './filter.ts'
import { redirectStatus, redirectTo } from './redirect.ts'

/** Sends clients elsewhere by an expression over what they asked for. */
export const redirector = defineFilter({
  kind: 'Redirector',
  description: 'Answers with a redirection when an expression matches what the client asked for.',
  results: ['redirected'],
  example: `name: moved
kind: Redirector
match: ^/blog/(.*)
matchPart: path
replacement: https://blog.example.com/$1
statusCode: 308`,
  spec: z.strictObject({
    match: regexp()
      .refine((text) => text !== '', 'must not be empty')
      .describe('An RE2 expression.'),
    matchPart: z
      .string()
      .default('uri')
      .transform((part) => part.toLowerCase())
      .pipe(z.enum(['uri', 'path', 'full']))
      .describe('What is matched: path and query, the path alone, or the whole URL.'),
    replacement: z
      .string()
      .min(1)
      .describe('What every match becomes in the new location; $1 is the first group.'),
    statusCode: redirectStatus(301),
  }),
  create(spec) {
    const expression = compileRegexp(spec.match)
    return {
      handle(scope: MessageScope) {
        const input = partOf(scope.request, spec.matchPart)
        const location = expression.replaceAll(input, spec.replacement)
        // What does not match stays as it is and goes on, so that several can stand in a row.
        if (location === input) return undefined
        return redirectTo(scope, spec.statusCode, location) ? 'redirected' : undefined
      },
    }
  },
})

function partOf(request: Request, part: 'uri' | 'path' | 'full'): string {
  switch (part) {
    case 'uri':
      return request.target
    case 'path':
      return request.path
    case 'full':
      return `${request.scheme}://${request.host}${request.target}`
  }
}
