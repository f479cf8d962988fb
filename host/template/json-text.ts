import { MAX_VALUE_DEPTH } from './limits.ts'
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

export interface JsonOptions {
  /** Default false: `<`, `>` and `&` are escaped, as Go does. */
  readonly isRaw?: boolean
  /** Default none. */
  readonly indent?: string
}

/** Go's json.Marshal: maps in the order of their keys, HTML escaped unless told otherwise. */
export function toJson(value: Value, options: JsonOptions = {}): string {
  const writer = new JsonWriter(options.indent ?? '')
  writer.value(value, 0)
  const text = writer.parts.join('')
  return options.isRaw === true ? escapeLineEnds(text) : escapeHtml(escapeLineEnds(text))
}

/** The inside of a JSON text: what stands between its quotes. */
export function jsonEscape(text: string): string {
  return escapeHtml(escapeLineEnds(JSON.stringify(text.toWellFormed()))).slice(1, -1)
}

/**
 * Reads a JSON body. Numbers keep the text they were written as: an id of 20 digits goes on unchanged.
 * Throws SyntaxError.
 */
export function parseJsonBody(text: string): Value {
  // A number JavaScript writes in the same way needs no care, and nearly all are such.
  if (!UNUSUAL_NUMBER.test(text)) return JSON.parse(text) as Value
  return JSON.parse(text, (_, value: unknown, context?: { readonly source?: string }) => {
    if (typeof value !== 'number' || context?.source === undefined) return value
    return String(value) === context.source ? value : new JsonNumber(context.source)
  }) as Value
}

const UNUSUAL_NUMBER = /\d{16}|\.\d*0(?!\d)|\d[eE]|-0/

/** Reads JSON into what Go's json.Unmarshal makes of it: every number is a float64. */
export function parseJsonFloats(text: string): Value {
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === 'number' ? new GoFloat(value) : value,
  ) as Value
}

class JsonWriter {
  readonly parts: string[] = []
  readonly #indent: string
  #length = 0

  constructor(indent: string) {
    this.#indent = indent
  }

  value(value: Value, depth: number): void {
    if (depth > MAX_VALUE_DEPTH) throw runError('a value is nested too deep for JSON')
    if (isBytes(value)) {
      this.#add(`"${Buffer.from(value).toString('base64')}"`)
      return
    }
    if (isList(value)) {
      this.#items('[', ']', value.length, depth, (i) => this.value(value[i], depth + 1))
      return
    }
    const dict = asDict(value)
    if (dict === null) {
      this.#add(scalar(value))
      return
    }
    const keys = sortedKeys(dict)
    this.#items('{', '}', keys.length, depth, (i) => {
      const key = keys[i] ?? ''
      this.#add(`${JSON.stringify(key.toWellFormed())}${this.#indent === '' ? ':' : ': '}`)
      this.value(dict[key], depth + 1)
    })
  }

  #items(
    open: string,
    close: string,
    count: number,
    depth: number,
    write: (index: number) => void,
  ): void {
    if (count === 0) {
      this.#add(open + close)
      return
    }
    const isPretty = this.#indent !== ''
    const line = isPretty ? `\n${this.#indent.repeat(depth + 1)}` : ''
    this.#add(open)
    for (let i = 0; i < count; i++) {
      this.#add(i > 0 ? `,${line}` : line)
      write(i)
    }
    this.#add(isPretty ? `\n${this.#indent.repeat(depth)}${close}` : close)
  }

  #add(text: string): void {
    this.#length += text.length
    checkTextLength(this.#length)
    this.parts.push(text)
  }
}

function scalar(value: Value): string {
  if (value === undefined || value === null) return 'null'
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof JsonNumber) return value.text
  if (value instanceof GoFloat) {
    if (!Number.isFinite(value.value)) throw runError('JSON has no number for an infinite value')
    return JSON.stringify(value.value)
  }
  if (value instanceof RawText || value instanceof GoObject) {
    return JSON.stringify(value.toString().toWellFormed())
  }
  return JSON.stringify(typeof value === 'string' ? value.toWellFormed() : value) ?? 'null'
}

function escapeHtml(json: string): string {
  return json.replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`)
}

/** They stand in JSON, but end a line in JavaScript. */
function escapeLineEnds(json: string): string {
  return json.replace(/[\u2028\u2029]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16)}`)
}
