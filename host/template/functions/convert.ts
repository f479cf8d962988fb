import { formatValue } from '../print.ts'
import { GoFloat, jsonNumberText, RawText, type Value } from '../value.ts'

const MAX_INT = 2n ** 63n - 1n
const MIN_INT = -(2n ** 63n)

/** sprig's toInt64: what is no number is 0, fractions are cut. */
export function toInt(value: Value): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'boolean') return value ? 1n : 0n
  if (value instanceof GoFloat) return fromFloat(value.value)
  if (typeof value === 'string') return /^[+-]?\d+$/.test(value) ? clampText(value) : 0n
  const text = jsonNumberText(value)
  if (text === null) return 0n
  return /^-?\d+$/.test(text) ? clamp(BigInt(text)) : fromFloat(Number(text))
}

/** sprig's toFloat64: what is no number is 0. */
export function toFloat(value: Value): number {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof GoFloat) return value.value
  if (typeof value === 'string') return parseFloatText(value) ?? 0
  const text = jsonNumberText(value)
  return text === null ? 0 : Number(text)
}

/** A float written as Go's ParseFloat takes it, or undefined. */
export function parseFloatText(text: string): number | undefined {
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) {
    return /^[+-]?inf(?:inity)?$/i.test(text)
      ? Number(text.startsWith('-') ? '-Infinity' : 'Infinity')
      : undefined
  }
  return Number(text)
}

/** An int as Go keeps it: what does not fit in 64 bits wraps around. */
export function wrap(value: bigint): bigint {
  return BigInt.asIntN(64, value)
}

/** sprig's strval: text as it is, anything else as it is printed. */
export function toText(value: Value): string {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  return value instanceof RawText ? value.toString() : formatValue(value)
}

/** sprig's strslice: the elements as texts, without nil; another value is the only element. */
export function toTexts(value: Value): string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) return [toText(value)]
  const texts: string[] = []
  for (const item of value as readonly Value[]) {
    if (item !== undefined && item !== null) texts.push(toText(item))
  }
  return texts
}

function fromFloat(value: number): bigint {
  return Number.isFinite(value) ? clamp(BigInt(Math.trunc(value))) : 0n
}

function clampText(text: string): bigint {
  // Numbers past this many digits are past 64 bits; Go answers 0 for them.
  if (text.length > 20) return 0n
  const value = BigInt(text.replace(/^\+/, ''))
  return value > MAX_INT || value < MIN_INT ? 0n : value
}

function clamp(value: bigint): bigint {
  return value > MAX_INT ? MAX_INT : value < MIN_INT ? MIN_INT : value
}
