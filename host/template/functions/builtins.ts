import { areEqual, isLess } from '../compare.ts'
import { sprint, sprintln } from '../print.ts'
import { sprintf } from '../printf.ts'
import { runError } from '../template-error.ts'
import {
  asDict,
  asText,
  dictGet,
  isBytes,
  isList,
  isTrue,
  textBytes,
  typeOf,
  type Value,
} from '../value.ts'
import { fn, intOf, mismatch, restFn, type TemplateFunction, textOf } from './define.ts'
import { escapeHtml, escapeJs, escapeQuery } from './escape.ts'

/** Go's own functions. `and` and `or` stop early and are made by the compiler. */
export const BUILTINS: Readonly<Record<string, TemplateFunction>> = {
  eq: restFn(['any', 'any'], ([first, second], more) =>
    [second, ...more].some((value) => areEqual(first, value)),
  ),
  ne: fn(['any', 'any'], (a, b) => !areEqual(a, b)),
  lt: fn(['any', 'any'], isLess),
  le: fn(['any', 'any'], (a, b) => isLess(a, b) || areEqual(a, b)),
  gt: fn(['any', 'any'], (a, b) => !isLess(a, b) && !areEqual(a, b)),
  ge: fn(['any', 'any'], (a, b) => !isLess(a, b)),
  not: fn(['any'], (value) => !isTrue(value)),
  index: restFn(['any'], ([value], keys) => keys.reduce(indexOne, value)),
  slice: restFn(['any'], ([value], bounds) => slice(value, bounds), 4),
  len: fn(['any'], length),
  print: restFn([], (_, values) => sprint(values)),
  println: restFn([], (_, values) => sprintln(values)),
  printf: restFn(['text'], ([format], values) => sprintf(format, values)),
  html: restFn([], (_, values) => escapeHtml(sprint(values))),
  js: restFn([], (_, values) => escapeJs(sprint(values))),
  urlquery: restFn([], (_, values) => escapeQuery(sprint(values))),
}

function indexOne(value: Value, key: Value): Value {
  if (value === undefined || value === null) throw runError('index of untyped nil')
  const dict = asDict(value)
  if (dict !== null) return dictGet(dict, textOf(key))
  if (isList(value) || isBytes(value)) {
    const index = intOf(key)
    checkIndex(index, value.length)
    const item = value[index]
    return isBytes(value) ? BigInt(item as number) : (item as Value)
  }
  const text = asText(value)
  if (text === null) throw runError(`cannot index a value of the type ${typeOf(value)}`)
  const bytes = textBytes(value, text)
  const index = intOf(key)
  checkIndex(index, bytes.length)
  return BigInt(bytes[index] ?? 0)
}

function checkIndex(index: number, length: number): void {
  if (index < 0 || index >= length) throw runError(`index out of range: ${index} of ${length}`)
}

/** Go's slice for text, sprig's for lists; both are `value[start:end]`. */
function slice(value: Value, bounds: readonly Value[]): Value {
  const text = asText(value)
  const source = isList(value) || isBytes(value) ? value : null
  if (source === null && text === null) throw mismatch('a list or text', value)
  const bytes = source === null ? textBytes(value, text ?? '') : source
  const start = bounds.length > 0 ? intOf(bounds[0]) : 0
  const end = bounds.length > 1 ? intOf(bounds[1]) : bytes.length
  if (start < 0 || end < start || end > bytes.length) {
    throw runError(`slice bounds out of range: ${start} to ${end} of ${bytes.length}`)
  }
  if (isList(bytes)) return bytes.slice(start, end)
  const part = Buffer.from(bytes.slice(start, end))
  return source === null ? part.toString('utf8') : part
}

function length(value: Value): bigint {
  if (isList(value) || isBytes(value)) return BigInt(value.length)
  const text = asText(value)
  if (text !== null) return BigInt(textBytes(value, text).length)
  const dict = asDict(value)
  if (dict === null) throw runError(`len of type ${typeOf(value)}`)
  return BigInt(Object.keys(dict).length)
}
