/**
 * Go's formats of a float64. The shortest digits that read back as the same number are those JavaScript
 * finds too; when an exponent is written differs.
 */
export function formatFloat(value: number, verb: FloatVerb = 'g', precision = -1): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const size = Math.abs(value)
  switch (verb) {
    case 'e':
      return sign + withExponent(size, precision)
    case 'f':
      return sign + withoutExponent(size, precision)
    case 'g':
      return sign + general(size, precision)
  }
}

export type FloatVerb = 'e' | 'f' | 'g'

/** Digits that toFixed and toExponential take. */
export const MAX_FLOAT_PRECISION = 100

function withExponent(size: number, precision: number): string {
  const text = precision < 0 ? size.toExponential() : size.toExponential(bounded(precision))
  const [mantissa = '', exponent = '+0'] = text.split('e')
  const digits = exponent.slice(1)
  return `${mantissa}e${exponent[0]}${digits.length < 2 ? `0${digits}` : digits}`
}

function withoutExponent(size: number, precision: number): string {
  if (precision >= 0) return fixed(size, bounded(precision))
  const [mantissa = '', exponent = '0'] = size.toExponential().split('e')
  const digits = mantissa.replace('.', '')
  const point = Number(exponent) + 1
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`
  if (point >= digits.length) return digits + '0'.repeat(point - digits.length)
  return `${digits.slice(0, point)}.${digits.slice(point)}`
}

/** toFixed falls back to an exponent from 1e21 on. */
function fixed(size: number, precision: number): string {
  if (size < 1e21) return size.toFixed(precision)
  const whole = BigInt(size).toString()
  return precision === 0 ? whole : `${whole}.${'0'.repeat(precision)}`
}

/** `%g`: an exponent below 1e-4 and from the precision on, which counts as 6 for the shortest form. */
function general(size: number, precision: number): string {
  if (precision < 0) {
    const exponent = size === 0 ? 0 : Number(size.toExponential().split('e')[1])
    return exponent < -4 || exponent >= SHORTEST_EXPONENT
      ? withExponent(size, -1)
      : withoutExponent(size, -1)
  }
  const digits = Math.max(1, bounded(precision))
  const [mantissa = '', exponentText = '0'] = size.toExponential(digits - 1).split('e')
  const exponent = Number(exponentText)
  // Trailing zeros are not written, and digits that are not there do not keep an exponent away.
  const trimmed = mantissa.includes('.') ? mantissa.replace(/\.?0+$/, '') : mantissa
  const count = trimmed.replace('.', '').length
  const limit = digits > count && count > exponent ? count : digits
  if (exponent < -4 || exponent >= limit) {
    return `${trimmed}e${exponentText[0]}${exponentText.slice(1).padStart(2, '0')}`
  }
  const text = fixed(size, Math.max(0, digits - 1 - exponent))
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

/** From this exponent on `%v` and `%g` without a precision write one. */
const SHORTEST_EXPONENT = 6

function bounded(precision: number): number {
  return Math.min(precision, MAX_FLOAT_PRECISION)
}
