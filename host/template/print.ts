import { MAX_VALUE_DEPTH } from './limits.ts'
import { formatFloat } from './number-format.ts'
import { checkTextLength } from './run-state.ts'
import { runError } from './template-error.ts'
import {
  asDict,
  GoFloat,
  GoObject,
  isBytes,
  isList,
  JsonNumber,
  RawText,
  sortedKeys,
  type Value,
} from './value.ts'

/** What an action prints: Go's `%v`, but nothing is `<no value>`. */
export function printed(value: Value): string {
  if (typeof value === 'string') return value
  return value === undefined ? '<no value>' : formatValue(value)
}

/** Go's `%v`. */
export function formatValue(value: Value): string {
  const parts: string[] = []
  new Printer(parts).value(value, 0)
  return parts.join('')
}

/** Go's Sprint: a space between two operands when neither is text. */
export function sprint(values: readonly Value[]): string {
  let text = ''
  for (const [index, value] of values.entries()) {
    const before = values[index - 1]
    if (index > 0 && !isText(before) && !isText(value)) text += ' '
    text += formatValue(value)
    checkTextLength(text.length)
  }
  return text
}

/** Go's Sprintln. */
export function sprintln(values: readonly Value[]): string {
  const text = values.map(formatValue).join(' ')
  checkTextLength(text.length)
  return `${text}\n`
}

function isText(value: Value): boolean {
  return typeof value === 'string' || value instanceof RawText
}

/** Writes parts and counts them, so that a small value that prints endlessly is stopped. */
class Printer {
  readonly #parts: string[]
  #length = 0

  constructor(parts: string[]) {
    this.#parts = parts
  }

  value(value: Value, depth: number): void {
    if (depth > MAX_VALUE_DEPTH) throw runError('a value is nested too deep to be printed')
    if (isList(value) || isBytes(value)) {
      this.#add('[')
      for (let i = 0; i < value.length; i++) {
        if (i > 0) this.#add(' ')
        const item = value[i]
        this.value(typeof item === 'number' && isBytes(value) ? BigInt(item) : item, depth + 1)
      }
      this.#add(']')
      return
    }
    const text = value instanceof GoObject ? value.toString() : ''
    const dict = text === '' ? asDict(value) : null
    if (dict === null) {
      this.#add(text === '' ? scalar(value) : text)
      return
    }
    this.#add('map[')
    for (const [index, key] of sortedKeys(dict).entries()) {
      this.#add(`${index > 0 ? ' ' : ''}${key}:`)
      this.value(dict[key], depth + 1)
    }
    this.#add(']')
  }

  #add(text: string): void {
    this.#length += text.length
    checkTextLength(this.#length)
    this.#parts.push(text)
  }
}

function scalar(value: Value): string {
  if (value === undefined || value === null) return '<nil>'
  if (typeof value === 'string') return value
  if (value instanceof GoFloat) return formatFloat(value.value)
  if (value instanceof JsonNumber) return value.text
  return String(value)
}
