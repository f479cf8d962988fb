import { compileRegexp, type Regexp, regexp } from '../../config/regexp.ts'
import { z } from '../../config/schema.ts'
import type { Headers } from '../../exchange/headers.ts'
import { headerName } from '../header-spec.ts'

/** What headers must look like. */
export function headerRules() {
  return z
    .record(
      headerName(),
      z
        .strictObject({
          values: z.array(z.string()).default([]).describe('Values that are allowed.'),
          regexp: regexp().default('').describe('An RE2 expression that a value contains.'),
        })
        .refine(
          ({ values, regexp: pattern }) => values.length > 0 || pattern !== '',
          'needs `values` or `regexp`, or nothing passes',
        ),
    )
    .describe('Headers, each of which must have a value that is allowed; else 400.')
}

type Rules = z.output<ReturnType<typeof headerRules>>

interface HeaderRule {
  readonly name: string
  readonly values: readonly string[]
  readonly expression: Regexp | null
}

/** Checks headers by rules that are ready to be used. */
export class HeaderCheck {
  readonly #rules: readonly HeaderRule[]

  constructor(rules: Rules) {
    this.#rules = Object.entries(rules).map(([name, rule]) => ({
      name: name.toLowerCase(),
      values: rule.values,
      expression: rule.regexp === '' ? null : compileRegexp(rule.regexp),
    }))
  }

  /** The first header that has no allowed value, or null. */
  check(headers: Headers): string | null {
    for (const { name, values, expression } of this.#rules) {
      const isGood = headers
        .getAll(name)
        .some((value) => values.includes(value) || expression?.test(value) === true)
      if (!isGood) return `the header ${name} is not as it must be`
    }
    return null
  }
}
