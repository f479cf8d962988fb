import { regexp } from '../config/regexp.ts'
import { z } from '../config/schema.ts'
import { HOST_OWNED_HEADERS, isFieldValue, isToken } from '../exchange/field-rules.ts'

/** A header name in a configuration: a token that does not belong to the host. */
export function headerName() {
  return z
    .string()
    .refine(isToken, 'is not a header name')
    .refine((text) => !HOST_OWNED_HEADERS.has(text.toLowerCase()), {
      error: (issue) => `the header ${String(issue.input)} is written by the host itself`,
    })
}

/** A header value in a configuration. */
export function headerValue() {
  return z
    .string()
    .refine(isFieldValue, 'is not a header value: no control characters, latin1 only')
}

/** Header names with one value each. */
export function headerMap() {
  return z.record(headerName(), headerValue()).default({})
}

/** What `set`, `add` and `del` of an adaptor do to headers. */
export function headerAdapt() {
  return z.strictObject({
    del: z.array(headerName()).default([]).describe('Headers to remove, first.'),
    set: headerMap().describe('Headers to set to one value.'),
    add: headerMap().describe('Headers to add.'),
  })
}

/** One way to match a text; see string-matcher.ts. */
export function stringMatcher() {
  return z
    .strictObject({
      exact: z.string().default('').describe('The whole value.'),
      prefix: z.string().default('').describe('What the value starts with.'),
      regex: regexp().default('').describe('An RE2 expression the value contains.'),
      empty: z.boolean().default(false).describe('Absent or empty matches.'),
    })
    .describe('One of the fields must match.')
}
