import { MAX_VALUE_DEPTH } from './limits.ts'
import type { RunState } from './run-state.ts'
import { runError } from './template-error.ts'
import {
  asDict,
  asText,
  compareText,
  dictGet,
  GoFloat,
  isBytes,
  isList,
  jsonNumberText,
  typeOf,
  type Value,
} from './value.ts'

/**
 * Go's `eq` for two values: an int and a float are not comparable. A number of a JSON body is, with
 * everything that is a number: Go's templates have no literal for one.
 */
export function areEqual(a: Value, b: Value): boolean {
  if (isNil(a) || isNil(b)) return isNil(a) && isNil(b)
  if (typeof a === 'boolean' && typeof b === 'boolean') return a === b
  if (isNumeric(a) || isNumeric(b) || areJsonNumbers(a, b)) return order(a, b) === 0
  const textA = asText(a)
  const textB = asText(b)
  if (textA !== null && textB !== null) return textA === textB
  throw incomparable(a, b)
}

/** Go's `lt` of two values. */
export function isLess(a: Value, b: Value): boolean {
  if (isNumeric(a) || isNumeric(b) || areJsonNumbers(a, b)) return order(a, b) < 0
  const textA = asText(a)
  const textB = asText(b)
  if (textA !== null && textB !== null) return compareText(textA, textB) < 0
  throw incomparable(a, b)
}

/** Go's reflect.DeepEqual, charged to the run. */
export function isDeepEqual(a: Value, b: Value, state: RunState, depth = 0): boolean {
  state.charge(1)
  if (depth > MAX_VALUE_DEPTH) throw runError('a value is nested too deep to be compared')
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  if (isBytes(a) && isBytes(b)) return Buffer.compare(a, b) === 0
  if (a instanceof GoFloat && b instanceof GoFloat) return a.value === b.value
  const numberA = jsonNumberText(a)
  if (numberA !== null) return numberA === jsonNumberText(b)
  if (isList(a) && isList(b)) {
    return a.length === b.length && a.every((item, i) => isDeepEqual(item, b[i], state, depth + 1))
  }
  const dictA = asDict(a)
  const dictB = asDict(b)
  if (dictA === null || dictB === null) return a === b
  const keys = Object.keys(dictA)
  if (keys.length !== Object.keys(dictB).length) return false
  return keys.every(
    (key) =>
      Object.hasOwn(dictB, key) &&
      isDeepEqual(dictGet(dictA, key), dictGet(dictB, key), state, depth + 1),
  )
}

function isNil(value: Value): boolean {
  return value === undefined || value === null
}

function isNumeric(value: Value): boolean {
  return typeof value === 'bigint' || value instanceof GoFloat
}

function areJsonNumbers(a: Value, b: Value): boolean {
  return jsonNumberText(a) !== null && jsonNumberText(b) !== null
}

/** Both are ints, both float64, or at least one is a number of JSON. */
function order(a: Value, b: Value): number {
  if (typeof a === 'bigint' && typeof b === 'bigint') return a < b ? -1 : a > b ? 1 : 0
  if (a instanceof GoFloat && b instanceof GoFloat) return a.value - b.value
  const textA = jsonNumberText(a)
  const textB = jsonNumberText(b)
  if (textA === null && textB === null) throw incomparable(a, b)
  const whole = exact(a)
  const other = exact(b)
  if (whole !== null && other !== null) return whole < other ? -1 : whole > other ? 1 : 0
  return toNumber(a, textA) - toNumber(b, textB)
}

/** The value as a whole number without loss, if it is one. */
function exact(value: Value): bigint | null {
  if (typeof value === 'bigint') return value
  const text = jsonNumberText(value)
  return text !== null && /^-?\d+$/.test(text) ? BigInt(text) : null
}

function toNumber(value: Value, text: string | null): number {
  return value instanceof GoFloat ? value.value : Number(text ?? value)
}

function incomparable(a: Value, b: Value): Error {
  return runError(`${typeOf(a)} and ${typeOf(b)} cannot be compared: convert one of them`)
}
