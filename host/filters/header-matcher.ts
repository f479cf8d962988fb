import type { Headers } from '../exchange/headers.ts'
import { compileStringMatcher, type StringMatcherSpec } from './string-matcher.ts'

/** Do headers look as they should? */
export type HeaderMatcher = (headers: Headers) => boolean

/** Headers by their names: all of them must match, or one is enough. Null when there are none to look at. */
export function compileHeaderMatcher(
  spec: Readonly<Record<string, StringMatcherSpec>>,
  matchesAll: boolean,
): HeaderMatcher | null {
  const matchers = Object.entries(spec).map(
    ([name, matcher]) => [name.toLowerCase(), compileStringMatcher(matcher)] as const,
  )
  if (matchers.length === 0) return null
  return (headers) => {
    for (const [name, matches] of matchers) {
      if (matches(headers.get(name)) !== matchesAll) return !matchesAll
    }
    return matchesAll
  }
}
