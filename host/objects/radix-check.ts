import type { JsonObject, JsonPath } from '../config/json.ts'
import { reasonOf } from '../errors.ts'
import { type PatternPart, paramNames, parsePattern } from '../traffic/path-pattern.ts'
import type { CheckContext } from './object.ts'

/** The radix tree router knows patterns only, and puts their parameters into the target. */
export function checkRadixRoute(route: JsonObject, path: JsonPath, context: CheckContext): void {
  for (const field of ['pathPrefix', 'pathRegexp']) {
    if (typeof route[field] !== 'string' || route[field] === '') continue
    const message = `a RadixTree has no \`${field}\`: write a pattern into \`path\`, such as /api/* or /{id:[0-9]+}`
    context.report({ path: [...path, field], at: 'key', message })
  }
  const parts = readPattern(route['path'], [...path, 'path'], context)
  const targetPath = [...path, 'rewriteTarget']
  const target = readPattern(route['rewriteTarget'], targetPath, context)
  if (parts === null || target === null) return
  const known = paramNames(parts)
  for (const part of target) {
    if (part.kind === 'wildcard') {
      const message = 'a target has no *: write {EG_WILDCARD} for what the * of the path stands for'
      context.report({ path: targetPath, message })
    } else if (part.kind === 'param' && !known.includes(part.name)) {
      const message = `the path has no parameter {${part.name}}`
      context.report({ path: targetPath, message })
    }
  }
}

function readPattern(
  pattern: unknown,
  path: JsonPath,
  context: CheckContext,
): readonly PatternPart[] | null {
  if (typeof pattern !== 'string') return []
  try {
    const parts = parsePattern(pattern)
    if (typeof parts !== 'string') return parts
    context.report({ path, message: `the pattern "${pattern}" cannot be read: ${parts}` })
  } catch (error) {
    context.report({ path, message: reasonOf(error) })
  }
  return null
}
