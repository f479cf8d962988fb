import { isDeepEqual } from '../compare.ts'
import { parseJsonFloats, toJson } from '../json-text.ts'
import { runError } from '../template-error.ts'
import { kindOf, typeOf, type Value } from '../value.ts'
import { fn, restFn, runFn, type TemplateFunction } from './define.ts'
import { isEmpty } from './lists.ts'

const parseStrict = fn(['text'], (text) => {
  try {
    return parseJsonFloats(text)
  } catch (error) {
    throw runError(`not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
})
const compactJson = fn(['any'], (value) => toJson(value))
const prettyJson = fn(['any'], (value) => toJson(value, { indent: '  ' }))
const rawJson = fn(['any'], (value) => toJson(value, { isRaw: true }))

/** sprig's functions for defaults, JSON and types. */
export const LOGIC_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  default: restFn(['any'], ([fallback], [given]) => (isEmpty(given) ? fallback : given), 2),
  empty: fn(['any'], isEmpty),
  coalesce: restFn([], (_, values) => values.find((value) => !isEmpty(value)) ?? null),
  all: restFn([], (_, values) => values.every((value) => !isEmpty(value))),
  any: restFn([], (_, values) => values.some((value) => !isEmpty(value))),
  ternary: fn(['any', 'any', 'bool'], (yes, no, test) => (test ? yes : no)),
  fromJson: fn(['text'], (text) => {
    try {
      return parseJsonFloats(text)
    } catch (error) {
      if (error instanceof SyntaxError) return null
      throw error
    }
  }),
  mustFromJson: parseStrict,
  toJson: compactJson,
  mustToJson: compactJson,
  toPrettyJson: prettyJson,
  mustToPrettyJson: prettyJson,
  toRawJson: rawJson,
  mustToRawJson: rawJson,
  typeOf: fn(['any'], typeOf),
  typeIs: fn(['text', 'any'], (name, value) => typeOf(value) === name),
  typeIsLike: fn(['text', 'any'], (name, value) => isLike(name, value)),
  kindOf: fn(['any'], kindOf),
  kindIs: fn(['text', 'any'], (name, value) => kindOf(value) === name),
  deepEqual: runFn(['any', 'any'], (state, a, b) => isDeepEqual(a, b, state)),
  fail: fn(['text'], (message) => {
    throw runError(message)
  }),
}

function isLike(name: string, value: Value): boolean {
  const type = typeOf(value)
  return type === name || type === `*${name}`
}
