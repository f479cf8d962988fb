import { checkListLength } from '../run-state.ts'
import { runError } from '../template-error.ts'
import { GoFloat, jsonNumberText, type Value } from '../value.ts'
import { parseFloatText, toFloat, toInt, toText, wrap } from './convert.ts'
import { fn, mismatch, restFn, type TemplateFunction } from './define.ts'

/** sprig's arithmetic: whole numbers of 64 bits, and Easegress's on floats. */
export const NUMBER_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  add: restFn([], (_, values) => wrap(values.reduce((sum: bigint, one) => sum + toInt(one), 0n))),
  add1: fn(['any'], (value) => wrap(toInt(value) + 1n)),
  sub: fn(['any', 'any'], (a, b) => wrap(toInt(a) - toInt(b))),
  mul: restFn(['any'], ([first], more) =>
    more.reduce((product: bigint, one) => wrap(product * toInt(one)), toInt(first)),
  ),
  div: fn(['any', 'any'], (a, b) => wrap(toInt(a) / divisor(b))),
  mod: fn(['any', 'any'], (a, b) => toInt(a) % divisor(b)),
  max: restFn(['any'], ([first], more) => extreme(first, more, (a, b) => b > a)),
  biggest: restFn(['any'], ([first], more) => extreme(first, more, (a, b) => b > a)),
  min: restFn(['any'], ([first], more) => extreme(first, more, (a, b) => b < a)),
  maxf: restFn(['any'], ([first], more) => float(Math.max(toFloat(first), ...more.map(toFloat)))),
  minf: restFn(['any'], ([first], more) => float(Math.min(toFloat(first), ...more.map(toFloat)))),
  floor: fn(['any'], (value) => float(Math.floor(toFloat(value)))),
  ceil: fn(['any'], (value) => float(Math.ceil(toFloat(value)))),
  round: restFn(
    ['any', 'int'],
    ([value, places], [limit]) => float(round(toFloat(value), places, limit)),
    3,
  ),
  int: fn(['any'], toInt),
  int64: fn(['any'], toInt),
  float64: fn(['any'], (value) => float(toFloat(value))),
  atoi: fn(['text'], (text) => toInt(text)),
  toDecimal: fn(['any'], (value) => {
    const text = toText(value)
    return /^[0-7]{1,20}$/.test(text) ? wrap(BigInt(`0o${text}`)) : 0n
  }),
  until: fn(['int'], (count) => range(0, count, count < 0 ? -1 : 1)),
  untilStep: fn(['int', 'int', 'int'], range),
  seq: restFn([], (_, values) => sequence(values.map(toInt).map(Number)), 3),
  randInt: fn(['int', 'int'], (min, max) => {
    if (max <= min) throw runError('randInt needs a maximum above its minimum')
    return BigInt(min + Math.floor(Math.random() * (max - min)))
  }),
  addf: fn(['any', 'any'], (a, b) => float(strictFloat(a) + strictFloat(b))),
  subf: fn(['any', 'any'], (a, b) => float(strictFloat(a) - strictFloat(b))),
  mulf: fn(['any', 'any'], (a, b) => float(strictFloat(a) * strictFloat(b))),
  divf: fn(['any', 'any'], (a, b) => {
    const by = strictFloat(b)
    if (by === 0) throw runError('divf: the divisor is zero')
    return float(strictFloat(a) / by)
  }),
}

function float(value: number): GoFloat {
  return new GoFloat(value)
}

function divisor(value: Value): bigint {
  const by = toInt(value)
  if (by === 0n) throw runError('the divisor is zero')
  return by
}

/** Easegress's own arithmetic fails on what is no number instead of taking 0 for it. */
function strictFloat(value: Value): number {
  const text = typeof value === 'string' ? value : jsonNumberText(value)
  if (text !== null) {
    const parsed = parseFloatText(text)
    if (parsed === undefined) throw runError(`"${text}" is not a number`)
    return parsed
  }
  if (typeof value === 'bigint' || value instanceof GoFloat) return toFloat(value)
  throw mismatch('a number', value)
}

function extreme(
  first: Value,
  more: readonly Value[],
  isBetter: (a: bigint, b: bigint) => boolean,
): bigint {
  let best = toInt(first)
  for (const one of more) {
    const value = toInt(one)
    if (isBetter(best, value)) best = value
  }
  return best
}

function round(value: number, places: number, limit: Value): number {
  const up = limit === undefined ? 0.5 : toFloat(limit)
  const power = 10 ** places
  const digit = power * value
  const rest = digit - Math.trunc(digit)
  return (rest >= up ? Math.ceil(digit) : Math.floor(digit)) / power
}

function range(start: number, stop: number, step: number): bigint[] {
  const list: bigint[] = []
  const isDown = stop < start
  if (step === 0 || isDown !== step < 0) return list
  checkListLength(Math.ceil(Math.abs((stop - start) / step)))
  for (let i = start; isDown ? i > stop : i < stop; i += step) list.push(BigInt(i))
  return list
}

function sequence(params: readonly number[]): string {
  const [first = 0, second = 0, third = 0] = params
  switch (params.length) {
    case 1:
      return steps(1, first, first < 1 ? -1 : 1)
    case 2:
      return steps(first, second, second < first ? -1 : 1)
    case 3:
      return third < first && second > 0 ? '' : steps(first, third, second)
    default:
      return ''
  }
}

/** Both ends count. */
function steps(start: number, end: number, step: number): string {
  return range(start, end + (end < start ? -1 : 1), step).join(' ')
}
