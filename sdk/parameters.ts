import { capacity, keyBytes, keyLength, reserve, scratch } from './buffer.ts'
import { ABSENT, refused } from './host-error.ts'
import { param_get } from './penstock_v1.ts'
import { refuse } from './problems.ts'

/*
 * What the operator wrote under `parameters:` of the filter. Read it in field initializers, once per
 * instance. Names and defaults are literals: `penstock build` writes them into the module, so that
 * `penstock validate` knows them; a comment above the field becomes their description.
 */

/**
 * A parameter that may be left out.
 *
 *     header: string = parameters.text('header', 'x-api-key')
 */
export function text(name: string, fallback: string): string {
  const value = read(name)
  return value === null ? fallback : value
}

/**
 * A parameter that must be there; without it the filter does not start.
 *
 *     keys: string = parameters.required('keys')
 */
export function required(name: string): string {
  const value = read(name)
  if (value !== null) return value
  refuse(`parameter "${name}" is missing`)
  return ''
}

/**
 * A whole number.
 *
 *     limit: i32 = parameters.integer('limit', 10)
 */
export function integer(name: string, fallback: i32): i32 {
  const value = read(name)
  if (value === null) return fallback
  const number = parse(value)
  if (isInteger(value) && number >= i32.MIN_VALUE && number <= i32.MAX_VALUE) return <i32>number
  refuse(`parameter "${name}": "${value}" is not a whole number of 32 bits`)
  return fallback
}

/**
 * A number.
 *
 *     share: f64 = parameters.number('share', 0.5)
 */
export function number(name: string, fallback: f64): f64 {
  const value = read(name)
  if (value === null) return fallback
  const number = parse(value)
  if (isFinite(number)) return number
  refuse(`parameter "${name}": "${value}" is not a number`)
  return fallback
}

/**
 * `true` or `false`.
 *
 *     isStrict: bool = parameters.flag('strict', false)
 */
export function flag(name: string, fallback: bool): bool {
  const value = read(name)
  if (value === null) return fallback
  if (value != 'true' && value != 'false') {
    refuse(`parameter "${name}": "${value}" is neither true nor false`)
  }
  return value == 'true'
}

function read(name: string): string | null {
  const key = keyBytes(name)
  let length = param_get(key, keyLength, scratch, capacity)
  if (length > capacity) {
    reserve(length)
    length = param_get(key, keyLength, scratch, capacity)
  }
  if (length == ABSENT) return null
  if (length < 0) refused(length, `parameter "${name}"`)
  return String.UTF8.decodeUnsafe(scratch, length)
}

/** NaN for what is no number: `parseFloat` alone would read "10 apples" as 10. */
function parse(value: string): f64 {
  return value.trim() == value && value.length > 0 ? F64.parseFloat(value) : NaN
}

function isInteger(value: string): bool {
  const start = value.startsWith('-') ? 1 : 0
  if (value.length == start) return false
  for (let i = start; i < value.length; i++) {
    const character = value.charCodeAt(i)
    if (character < 0x30 || character > 0x39) return false
  }
  return true
}
