import { formatFloat } from './number-format.ts'
import { formatValue } from './print.ts'
import { checkTextLength } from './run-state.ts'
import {
  asText,
  GoFloat,
  isBytes,
  isList,
  jsonNumberText,
  textBytes,
  typeOf,
  type Value,
} from './value.ts'

/** Width or precision that a verb may ask for; Go refuses more too. */
const MAX_PAD = 100_000

interface Flags {
  plus: boolean
  minus: boolean
  sharp: boolean
  space: boolean
  zero: boolean
  width: number
  precision: number
}

/** Go's Sprintf, its complaints in the text included (`%!d(string=hi)`). */
export function sprintf(format: string, values: readonly Value[]): string {
  return new Formatter(format, values).run()
}

class Formatter {
  readonly #format: string
  readonly #values: readonly Value[]
  #at = 0
  #next = 0
  #hasIndex = false
  #isBadIndex = false
  #output = ''

  constructor(format: string, values: readonly Value[]) {
    this.#format = format
    this.#values = values
  }

  run(): string {
    const format = this.#format
    while (this.#at < format.length) {
      const percent = format.indexOf('%', this.#at)
      this.#add(format.slice(this.#at, percent < 0 ? undefined : percent))
      if (percent < 0) break
      this.#at = percent + 1
      this.#verb()
    }
    if (!this.#hasIndex && this.#next < this.#values.length) {
      const extra = this.#values.slice(this.#next).map(describe)
      this.#add(`%!(EXTRA ${extra.join(', ')})`)
    }
    return this.#output
  }

  #verb(): void {
    const flags = this.#flags()
    this.#isBadIndex = false
    this.#index()
    flags.width = this.#size(flags, true)
    if (this.#format[this.#at] === '.') {
      this.#at += 1
      this.#index()
      flags.precision = Math.max(0, this.#size(flags, false))
    }
    this.#index()
    const code = this.#format.codePointAt(this.#at)
    const verb = code === undefined ? '' : String.fromCodePoint(code)
    this.#at += verb.length
    if (verb === '') this.#add('%!(NOVERB)')
    else if (verb === '%') this.#add('%')
    else if (this.#isBadIndex) this.#add(`%!${verb}(BADINDEX)`)
    else if (this.#next >= this.#values.length) this.#add(`%!${verb}(MISSING)`)
    else {
      this.#next += 1
      this.#add(format(verb, this.#values[this.#next - 1], flags))
    }
  }

  #flags(): Flags {
    const flags = {
      plus: false,
      minus: false,
      sharp: false,
      space: false,
      zero: false,
      width: -1,
      precision: -1,
    }
    for (; ; this.#at += 1) {
      const sign = this.#format[this.#at]
      if (sign === '+') flags.plus = true
      else if (sign === '-') flags.minus = true
      else if (sign === '#') flags.sharp = true
      else if (sign === ' ') flags.space = true
      else if (sign === '0') flags.zero = true
      else return flags
    }
  }

  /** `[2]`: which argument comes next. */
  #index(): void {
    const match = /^\[(\d{1,6})\]/.exec(this.#format.slice(this.#at, this.#at + 8))
    if (match === null) return
    this.#at += match[0].length
    this.#hasIndex = true
    const index = Number(match[1]) - 1
    if (index < 0 || index >= this.#values.length) this.#isBadIndex = true
    else this.#next = index
  }

  /** A width or a precision: digits, or `*` for an argument. */
  #size(flags: Flags, isWidth: boolean): number {
    if (this.#format[this.#at] === '*') {
      this.#at += 1
      const value = this.#values[this.#next]
      this.#next += 1
      if (typeof value !== 'bigint' || value > MAX_PAD || value < -MAX_PAD) {
        this.#add(isWidth ? '%!(BADWIDTH)' : '%!(BADPREC)')
        return -1
      }
      if (isWidth && value < 0) flags.minus = true
      return Math.abs(Number(value))
    }
    const digits = /^\d*/.exec(this.#format.slice(this.#at, this.#at + 7))?.[0] ?? ''
    this.#at += digits.length
    if (digits === '') return isWidth ? -1 : 0
    return Math.min(Number(digits), MAX_PAD)
  }

  #add(text: string): void {
    this.#output += text
    checkTextLength(this.#output.length)
  }
}

function describe(value: Value): string {
  return value === undefined || value === null ? '<nil>' : `${typeOf(value)}=${formatValue(value)}`
}

function format(verb: string, value: Value, flags: Flags): string {
  const text = convert(verb, value, flags)
  return text === null ? `%!${verb}(${describe(value)})` : text
}

/** Null when the verb is not for a value of this kind. */
function convert(verb: string, value: Value, flags: Flags): string | null {
  if (verb === 'T') return pad(typeOf(value), flags)
  if (verb === 'v') return pad(general(value, flags), flags, isNumber(value))
  if (value === undefined || value === null) return null
  if (typeof value === 'boolean') return verb === 't' ? pad(String(value), flags) : null
  if (typeof value === 'bigint') return integer(verb, value, flags)
  if (value instanceof GoFloat) return float(verb, value.value, flags)
  const numberText = jsonNumberText(value)
  if (numberText !== null && verb !== 's' && verb !== 'q') return json(verb, numberText, flags)
  const text = asText(value)
  if (text !== null || isBytes(value)) return textual(verb, value, text, flags)
  if (isList(value)) return `[${value.map((item) => format(verb, item, flags)).join(' ')}]`
  return verb === 's' ? pad(formatValue(value), flags) : null
}

function isNumber(value: Value): boolean {
  return typeof value === 'bigint' || value instanceof GoFloat
}

function general(value: Value, flags: Flags): string {
  if (flags.sharp && typeof value === 'string') return quote(value)
  const text = formatValue(value)
  return flags.plus && isNumber(value) && !text.startsWith('-') ? `+${text}` : text
}

function integer(verb: string, value: bigint, flags: Flags): string | null {
  const size = value < 0n ? -value : value
  switch (verb) {
    case 'd':
      return number(size.toString(), value < 0n, '', flags)
    case 'b':
      return number(size.toString(2), value < 0n, flags.sharp ? '0b' : '', flags)
    case 'o':
      return number(size.toString(8), value < 0n, flags.sharp ? '0' : '', flags)
    case 'O':
      return number(size.toString(8), value < 0n, '0o', flags)
    case 'x':
      return number(size.toString(16), value < 0n, flags.sharp ? '0x' : '', flags)
    case 'X':
      return number(size.toString(16).toUpperCase(), value < 0n, flags.sharp ? '0X' : '', flags)
    case 'c':
      return pad(character(value), flags)
    case 'q':
      return pad(`'${quote(character(value)).slice(1, -1).replace("'", "\\'")}'`, flags)
    case 'U':
      return pad(`U+${size.toString(16).toUpperCase().padStart(4, '0')}`, flags)
    default:
      return null
  }
}

function character(value: bigint): string {
  const isPoint = value >= 0n && value <= 0x10ffffn && (value < 0xd800n || value > 0xdfffn)
  return String.fromCodePoint(isPoint ? Number(value) : 0xfffd)
}

function float(verb: string, value: number, flags: Flags): string | null {
  const lower = verb.toLowerCase()
  if (lower !== 'e' && lower !== 'f' && lower !== 'g') return null
  const precision = flags.precision >= 0 || lower === 'g' ? flags.precision : 6
  const text = formatFloat(Math.abs(value), lower, precision)
  const isNegative = value < 0 || Object.is(value, -0)
  const shown = verb === lower ? text : text.toUpperCase()
  return number(shown.replace(/^\+/, ''), isNegative, '', { ...flags, precision: -1 })
}

/** A number of a JSON body is taken for what it looks like. */
function json(verb: string, text: string, flags: Flags): string | null {
  if (/^-?\d+$/.test(text)) {
    const asInteger = integer(verb, BigInt(text), flags)
    if (asInteger !== null) return asInteger
  }
  return float(verb, Number(text), flags)
}

function textual(verb: string, value: Value, text: string | null, flags: Flags): string | null {
  const shown = text ?? Buffer.from(value as Uint8Array).toString('utf8')
  const cut = flags.precision < 0 ? shown : [...shown].slice(0, flags.precision).join('')
  switch (verb) {
    case 's':
      return pad(cut, flags)
    case 'q':
      return pad(flags.sharp && !cut.includes('`') ? `\`${cut}\`` : quote(cut), flags)
    case 'x':
    case 'X': {
      const bytes = text === null ? Buffer.from(value as Uint8Array) : textBytes(value, text)
      const hex = bytes.toString('hex')
      return pad(verb === 'x' ? hex : hex.toUpperCase(), flags)
    }
    default:
      return null
  }
}

function number(digits: string, isNegative: boolean, prefix: string, flags: Flags): string {
  const sign = isNegative ? '-' : flags.plus ? '+' : flags.space ? ' ' : ''
  let body = flags.precision >= 0 ? digits.padStart(flags.precision, '0') : digits
  if (flags.zero && !flags.minus && flags.precision < 0 && flags.width > 0) {
    body = body.padStart(flags.width - sign.length - prefix.length, '0')
  }
  return pad(sign + prefix + body, flags, true)
}

function pad(text: string, flags: Flags, isNumber = false): string {
  if (flags.width < 0) return text
  // Go counts code points.
  const missing = flags.width - [...text].length
  if (missing <= 0) return text
  if (flags.minus) return text + ' '.repeat(missing)
  return (flags.zero && !isNumber ? '0' : ' ').repeat(missing) + text
}

/** A quoted Go string: control characters and what cannot be printed are escaped. */
export function quote(text: string): string {
  let quoted = '"'
  for (const sign of text) {
    if (sign === '"' || sign === '\\') quoted += `\\${sign}`
    else if (Object.hasOwn(NAMED, sign)) quoted += NAMED[sign]
    else if (/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(sign)) quoted += sign
    else quoted += escapeSign(sign.codePointAt(0) ?? 0)
  }
  return `${quoted}"`
}

function escapeSign(code: number): string {
  const hex = code.toString(16)
  if (code < 0x20 || code === 0x7f) return `\\x${hex.padStart(2, '0')}`
  return code > 0xffff ? `\\U${hex.padStart(8, '0')}` : `\\u${hex.padStart(4, '0')}`
}

const NAMED: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}
