import { z } from '../config/schema.ts'
import type { Request } from '../exchange/request.ts'
import { stringMatcher } from './header-spec.ts'
import { methodName } from './http-method.ts'
import { compileStringMatcher, type StringMatcherSpec } from './string-matcher.ts'

/** The fields of Easegress's URLRule: methods, and what the path must look like. */
export function urlRuleFields() {
  return {
    methods: z.array(methodName()).prefault([]).describe('Methods that match; all when empty.'),
    url: stringMatcher().describe('What the path must look like.'),
  }
}

export interface UrlRuleSpec {
  /** In upper case; empty for all. */
  readonly methods: readonly string[]
  readonly url: StringMatcherSpec
}

/** Is a request one of those that a rule means? */
export type UrlRule = (request: Request) => boolean

export function compileUrlRule({ methods, url }: UrlRuleSpec): UrlRule {
  const named = methods.length === 0 ? null : new Set(methods)
  const matches = compileStringMatcher(url)
  return (request) => (named === null || named.has(request.method)) && matches(request.decodedPath)
}
