import { compileRegexp, regexp } from '../config/regexp.ts'
import { z } from '../config/schema.ts'
import { encodePath, type Request } from '../exchange/request.ts'

/** How the path of a request changes. */
export function pathAdapt() {
  return z.strictObject({
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
}

export type PathAdaptSpec = z.output<ReturnType<typeof pathAdapt>>

/** The new path of a request. Prefixes work on it as it was sent, so that an escaped slash stays one. */
export function compilePathAdapt(spec: PathAdaptSpec): (request: Request) => string {
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
    return ({ path }) => (path.startsWith(prefix) ? rooted(path.slice(prefix.length)) : path)
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
