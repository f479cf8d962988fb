import { MAX_VALUE_DEPTH } from './limits.ts'

/**
 * What a template computes with, as Go's text/template would see it.
 *
 *     undefined    no value: a key that is not there; prints `<no value>`
 *     null         nil
 *     bigint       int
 *     GoFloat      float64
 *     number       a number of a JSON body, Go's json.Number: kept as it was written, true even when 0
 *     JsonNumber   the same where the written text is not what JavaScript would print
 *     string       text
 *     RawText      text whose bytes are not UTF-8
 *     Buffer       []byte
 *     arrays, plain objects: slices and maps
 *     GoObject     what has fields and methods: a request, its headers, a time
 */
export type Value =
  | undefined
  | null
  | boolean
  | bigint
  | number
  | string
  | GoFloat
  | JsonNumber
  | RawText
  | Uint8Array
  | GoObject
  | readonly Value[]
  | Dict

/** A map with text keys. Its prototype is never looked at: use `dictGet`. */
export interface Dict {
  readonly [key: string]: Value
}

/** A float64. JavaScript numbers stand for numbers of JSON, which print differently. */
export class GoFloat {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** A number of a JSON body that JavaScript would write differently: `1.0`, `1e3`, 20 digits. */
export class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Text that is not valid UTF-8: functions that work on bytes see it unchanged. */
export class RawText {
  readonly bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  toString(): string {
    return this.bytes.toString('utf8')
  }
}

export type Method = (args: readonly Value[]) => Value

/** A value with fields or methods of its own. */
export abstract class GoObject {
  abstract readonly typeName: string

  /** The field's value; `NO_FIELD` when the type has none of this name. */
  field(_name: string): Value | typeof NO_FIELD {
    return NO_FIELD
  }

  method(_name: string): Method | undefined {
    return undefined
  }

  /** The map it is underneath, if it is one. */
  get dict(): Dict | null {
    return null
  }

  /** What printing it gives. */
  toString(): string {
    return this.dict === null ? `{${this.typeName}}` : ''
  }
}

export const NO_FIELD = Symbol('no field')

/** A map that may be written to; it has no prototype, so that no key can reach one. */
export function newDict(): { [key: string]: Value } {
  return Object.create(null) as { [key: string]: Value }
}

/** The entry of a map, undefined when it is not there. */
export function dictGet(dict: Dict, key: string): Value {
  return Object.hasOwn(dict, key) ? dict[key] : undefined
}

/** The keys in Go's order for maps: by bytes, which for text is by code point. */
export function sortedKeys(dict: Dict): string[] {
  return Object.keys(dict).sort(compareText)
}

/** Go compares the bytes of UTF-8; that order is the one of code points, not of UTF-16 units. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    // A surrogate stands for a code point above every other unit.
    const isHighX = x >= 0xd800 && x <= 0xdfff
    const isHighY = y >= 0xd800 && y <= 0xdfff
    if (isHighX !== isHighY) return isHighX ? 1 : -1
    return x - y
  }
  return a.length - b.length
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

export function isBytes(value: Value): value is Uint8Array {
  return value instanceof Uint8Array
}

/** The value as a map, or null when it is none. */
export function asDict(value: Value): Dict | null {
  if (typeof value !== 'object' || value === null) return null
  if (value instanceof GoObject) return value.dict
  return isPlain(value) ? value : null
}

function isPlain(value: object): value is Dict {
  return !(
    Array.isArray(value) ||
    value instanceof GoFloat ||
    value instanceof JsonNumber ||
    value instanceof RawText ||
    value instanceof Uint8Array
  )
}

/** The value as text, or null when its kind is another. JSON numbers are text to Go. */
export function asText(value: Value): string | null {
  if (typeof value === 'string') return value
  if (value instanceof RawText) return value.toString()
  return jsonNumberText(value)
}

/** How a number of a JSON body was written, or null for anything else. */
export function jsonNumberText(value: Value): string | null {
  if (typeof value === 'number') return String(value)
  return value instanceof JsonNumber ? value.text : null
}

/** The bytes of a text. */
export function textBytes(value: Value, text: string): Buffer {
  return value instanceof RawText ? value.bytes : Buffer.from(text, 'utf8')
}

/** Go's truth: false, 0, nil and what is empty are false. */
export function isTrue(value: Value): boolean {
  if (value === undefined || value === null) return false
  switch (typeof value) {
    case 'boolean':
      return value
    case 'bigint':
      return value !== 0n
    case 'number':
      return true
    case 'string':
      return value !== ''
    default:
  }
  if (value instanceof GoFloat) return value.value !== 0
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length > 0
  const dict = asDict(value)
  return dict === null || Object.keys(dict).length > 0
}

/** Go's name of the type, as `%T` prints it. */
export function typeOf(value: Value): string {
  if (value === undefined || value === null) return '<nil>'
  switch (typeof value) {
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'number':
      return 'json.Number'
    case 'string':
      return 'string'
    default:
  }
  if (value instanceof GoFloat) return 'float64'
  if (value instanceof JsonNumber) return 'json.Number'
  if (value instanceof RawText) return 'string'
  if (value instanceof Uint8Array) return '[]uint8'
  if (Array.isArray(value)) return '[]interface {}'
  return value instanceof GoObject ? value.typeName : 'map[string]interface {}'
}

/** Go's name of the kind. */
export function kindOf(value: Value): string {
  if (value === undefined || value === null) return 'invalid'
  if (isBytes(value) || isList(value)) return 'slice'
  if (jsonNumberText(value) !== null) return 'string'
  if (asDict(value) !== null) return 'map'
  return value instanceof GoObject ? 'struct' : typeOf(value)
}

/** Data of YAML and of configurations as Go would hold it: whole numbers are ints. Nothing in it can be changed. */
export function fromData(data: unknown, depth = 0): Value {
  if (typeof data === 'number') {
    return Number.isSafeInteger(data) ? BigInt(data) : new GoFloat(data)
  }
  if (typeof data !== 'object' || data === null) return data as Value
  if (depth > MAX_VALUE_DEPTH) return null
  if (Array.isArray(data)) return Object.freeze(data.map((item) => fromData(item, depth + 1)))
  const dict = newDict()
  for (const [key, value] of Object.entries(data)) dict[key] = fromData(value, depth + 1)
  return Object.freeze(dict)
}
