import { text, z } from '../config/schema.ts'
import { reasonOf } from '../errors.ts'
import { Body } from '../exchange/body.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { parseJsonBody, toJson } from '../template/json-text.ts'
import { asDict, isList, newDict, type Value } from '../template/value.ts'
import { defineFilter } from './filter.ts'
import { headerName } from './header-spec.ts'

type Result = 'jsonEncodeDecodeErr' | 'bodyReadErr' | undefined

/** Puts headers of the request into its JSON body. */
export const headerToJson = defineFilter({
  kind: 'HeaderToJSON',
  description: 'Adds the values of request headers to the JSON body, as fields of its object.',
  results: ['jsonEncodeDecodeErr', 'bodyReadErr'],
  example: `name: who
kind: HeaderToJSON
headerMap:
  - { header: X-User-Id, json: userId }`,
  spec: z.strictObject({
    headerMap: z
      .array(
        z.strictObject({
          header: headerName().describe('The header; one that is absent or empty adds nothing.'),
          json: text().describe('The field of the body that gets its value.'),
        }),
      )
      .min(1)
      .describe('Which headers become which fields.'),
  }),
  create(spec) {
    const pairs = spec.headerMap.map(({ header, json }) => [header.toLowerCase(), json] as const)
    return {
      handle(scope: MessageScope): Result | Promise<Result> {
        const { request, exchange } = scope
        const fields = newDict()
        for (const [header, json] of pairs) {
          const value = request.headers.get(header)
          // Fields are bytes on the wire, and JSON is UTF-8.
          if (value) fields[json] = Buffer.from(value, 'latin1').toString('utf8')
        }
        if (Object.keys(fields).length === 0) return undefined
        const bytes = request.body.collect()
        if (!(bytes instanceof Promise)) return put(scope, bytes, fields)
        return bytes.then(
          (whole) => put(scope, whole, fields),
          (error: unknown) => {
            exchange.tag(reasonOf(error))
            return 'bodyReadErr'
          },
        )
      },
    }
  },
})

function put(scope: MessageScope, bytes: Buffer, fields: { [key: string]: Value }): Result {
  try {
    const body: Value = bytes.length === 0 ? newDict() : parseJsonBody(bytes.toString('utf8'))
    const merged = isList(body)
      ? body.map((item) => mergeInto(item, fields))
      : mergeInto(body, fields)
    if (merged === null || (isList(merged) && merged.includes(null))) {
      scope.exchange.tag('the body is neither an object nor a list of objects')
      return 'jsonEncodeDecodeErr'
    }
    scope.request.body = Body.text(toJson(merged))
    return undefined
  } catch (error) {
    scope.exchange.tag(reasonOf(error))
    return 'jsonEncodeDecodeErr'
  }
}

/** Null when the value is no object. */
function mergeInto(value: Value, fields: { [key: string]: Value }): Value {
  const dict = asDict(value)
  if (dict === null) return null
  const merged = newDict()
  for (const key of Object.keys(dict)) merged[key] = dict[key]
  for (const key of Object.keys(fields)) merged[key] = fields[key]
  return merged
}
