import { compileRegexp } from '../config/regexp.ts'

/** Easegress's StringMatcher, as it is written: one of the set fields must match. */
export interface StringMatcherSpec {
  readonly exact: string
  readonly prefix: string
  readonly regex: string
  /** Matches a value that is absent or empty. */
  readonly empty: boolean
}

export type StringMatcher = (value: string | undefined) => boolean

export function compileStringMatcher(spec: StringMatcherSpec): StringMatcher {
  const regexp = spec.regex === '' ? null : compileRegexp(spec.regex)
  return (value) => {
    if (value === undefined || value === '') {
      if (spec.empty) return true
      if (value === undefined) return false
    }
    if (spec.exact !== '' && value === spec.exact) return true
    if (spec.prefix !== '' && value.startsWith(spec.prefix)) return true
    return regexp?.test(value) ?? false
  }
}
