import type { JsonObject, JsonValue } from './json.ts'

/**
 * Reads the small YAML documents that templates make, in a twentieth of the time of the whole parser. It
 * takes what it is sure of: block maps with plain keys, lists of scalars, scalars on one line, `|` and
 * `|-`, flow lists and maps on one line. For everything else, mistakes included, it answers undefined: then
 * the whole parser decides. What it answers is what that would answer (`test/config/plain-yaml.test.ts`
 * compares both on texts that are made at random).
 */
export function readPlainYaml(text: string): JsonValue | undefined {
  // Tabs, carriage returns and other controls have rules of their own.
  if (REFUSED.test(text)) return undefined
  return new PlainReader(text.split('\n')).read()
}

/** Controls, DEL, byte order mark, and what the parser does not take for text. */
const REFUSED = /[\x00-\x09\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff\ud800-\udfff]/u

/** Levels of maps and lists; deeper ones are rare. */
const MAX_LEVELS = 16
/** Values of a document; more are rare. */
const MAX_PLAIN_VALUES = 10_000

/** Letters, digits, `-` and `_`, from a letter on: nothing with a meaning of its own but those below. */
const ENTRY = /^( *)([A-Za-z][\w-]*):(?: +(.*))?$/
const ITEM = /^( *)- +(.*)$/
const RESERVED = /^(?:true|false|null)$/i
const INTEGER = /^(?:0|-?[1-9]\d{0,14})$/
const DECIMAL = /^-?(?:0|[1-9]\d{0,9})\.\d{1,6}$/
/** Could be a number in one of the forms of YAML. */
const NUMERIC = /^[\d.][\w.+-]*$/
/** What a plain scalar may begin with. */
const PLAIN_START = /^[A-Za-z0-9/_$(=<^;\u00a0-\u{10ffff}]/u

/** Thrown away at once: the document is not one of the simple ones. */
class NotPlain extends Error {}

class PlainReader {
  readonly #lines: readonly string[]
  #at = 0
  #values = 0
  #levels = 0

  constructor(lines: readonly string[]) {
    this.#lines = lines
  }

  read(): JsonValue | undefined {
    try {
      const value = this.#document()
      return this.#skipBlank() === undefined ? value : undefined
    } catch (error) {
      if (error instanceof NotPlain) return undefined
      throw error
    }
  }

  #document(): JsonValue {
    const line = this.#skipBlank()
    if (line === undefined) return null
    if (line.startsWith('---') || line.startsWith('...')) throw NOT_PLAIN
    if (ENTRY.test(line)) return this.#map(indentOf(line))
    if (ITEM.test(line)) return this.#list(indentOf(line))
    this.#at += 1
    return this.#inline(trimSpaces(line))
  }

  /** The next line that is not blank; undefined at the end. */
  #skipBlank(): string | undefined {
    for (; this.#at < this.#lines.length; this.#at++) {
      const line = this.#lines[this.#at] as string
      if (!isBlank(line)) return line
    }
    return undefined
  }

  #map(indent: number): JsonObject {
    this.#enter()
    const object: JsonObject = {}
    for (let line = this.#skipBlank(); line !== undefined; line = this.#skipBlank()) {
      const own = indentOf(line)
      if (own < indent) break
      const match = ENTRY.exec(line)
      if (match === null || own !== indent) throw NOT_PLAIN
      const [, , key = '', rest = ''] = match
      if (RESERVED.test(key) || Object.hasOwn(object, key)) throw NOT_PLAIN
      this.#at += 1
      object[key] = this.#value(trimSpaces(rest), indent)
    }
    this.#levels -= 1
    return object
  }

  #list(indent: number): JsonValue[] {
    this.#enter()
    const list: JsonValue[] = []
    for (let line = this.#skipBlank(); line !== undefined; line = this.#skipBlank()) {
      const own = indentOf(line)
      if (own < indent) break
      const match = ITEM.exec(line)
      if (match === null) {
        // After a list at the indentation of its key, the map goes on.
        if (own === indent && ENTRY.test(line)) break
        throw NOT_PLAIN
      }
      if (own !== indent) throw NOT_PLAIN
      this.#at += 1
      const rest = trimSpaces(match[2] ?? '')
      if (rest === '' || /^[|>-]/.test(rest)) throw NOT_PLAIN
      list.push(this.#inline(rest))
      this.#refuseContinuation(indent)
    }
    this.#levels -= 1
    return list
  }

  /** What stands after a key at `indent`, or below it. */
  #value(rest: string, indent: number): JsonValue {
    if (rest === '|' || rest === '|-') return this.#literal(indent, rest === '|')
    if (rest !== '') {
      const value = this.#inline(rest)
      this.#refuseContinuation(indent)
      return value
    }
    const next = this.#skipBlank()
    if (next === undefined) return this.#count(null)
    const own = indentOf(next)
    if (own >= indent && ITEM.test(next)) return this.#list(own)
    if (own <= indent) return this.#count(null)
    if (!ENTRY.test(next)) throw NOT_PLAIN
    return this.#map(own)
  }

  /** A block scalar (YAML 1.2, section 8.1.2), its lines as they are. */
  #literal(parent: number, endsInLineFeed: boolean): string {
    const first = this.#lines[this.#at]
    // Blank lines before the text have a say in how far it is indented.
    if (first === undefined || isBlank(first)) throw NOT_PLAIN
    const indent = indentOf(first)
    if (indent <= parent) throw NOT_PLAIN
    let text = ''
    let blanks = ''
    for (; this.#at < this.#lines.length; this.#at++) {
      const line = this.#lines[this.#at] as string
      if (isBlank(line) && line.length <= indent) {
        blanks += '\n'
        continue
      }
      const own = indentOf(line)
      if (own < indent) {
        if (own > parent || line[own] === '#') throw NOT_PLAIN
        break
      }
      text += `${blanks}${line.slice(indent)}`
      blanks = '\n'
    }
    this.#count(null)
    return endsInLineFeed ? `${text}\n` : text
  }

  /** A scalar goes on in lines that are indented more: they are the whole parser's. */
  #refuseContinuation(indent: number): void {
    const next = this.#skipBlank()
    if (next !== undefined && indentOf(next) > indent) throw NOT_PLAIN
  }

  /** A value on one line. */
  #inline(text: string): JsonValue {
    const first = text[0]
    if (first === '[' || first === '{') {
      const flow = new FlowReader(text, () => this.#count(null))
      return flow.read()
    }
    this.#count(null)
    if (first === '"' || first === "'") return quoted(text)
    if (text.includes(': ') || text.includes(' #') || text.endsWith(':')) throw NOT_PLAIN
    return plain(text)
  }

  #enter(): void {
    this.#levels += 1
    if (this.#levels > MAX_LEVELS) throw NOT_PLAIN
    this.#count(null)
  }

  #count(value: null): null {
    this.#values += 1
    if (this.#values > MAX_PLAIN_VALUES) throw NOT_PLAIN
    return value
  }
}

/** A flow list or map that begins and ends on one line. */
class FlowReader {
  readonly #text: string
  readonly #count: () => void
  #at = 0
  #levels = 0

  constructor(text: string, count: () => void) {
    this.#text = text
    this.#count = count
  }

  read(): JsonValue {
    const value = this.#value()
    if (this.#at < this.#text.length) throw NOT_PLAIN
    return value
  }

  #value(): JsonValue {
    this.#count()
    const sign = this.#text[this.#at]
    if (sign === '[') return this.#list()
    if (sign === '{') return this.#map()
    return this.#scalar()
  }

  #list(): JsonValue[] {
    const list: JsonValue[] = []
    this.#open()
    while (this.#text[this.#at] !== ']') {
      list.push(this.#value())
      this.#separator(']')
    }
    this.#close()
    return list
  }

  #map(): JsonObject {
    const object: JsonObject = {}
    this.#open()
    while (this.#text[this.#at] !== '}') {
      KEY.lastIndex = this.#at
      const match = KEY.exec(this.#text)
      const key = match?.[1] ?? ''
      if (match === null || RESERVED.test(key) || Object.hasOwn(object, key)) throw NOT_PLAIN
      this.#at = KEY.lastIndex
      object[key] = this.#value()
      this.#separator('}')
    }
    this.#close()
    return object
  }

  #scalar(): JsonValue {
    const sign = this.#text[this.#at]
    const pattern = sign === '"' ? DOUBLE : sign === "'" ? SINGLE : FLOW_PLAIN
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) throw NOT_PLAIN
    this.#at = pattern.lastIndex
    return pattern === FLOW_PLAIN ? plain(trimSpaces(match[0])) : quoted(match[0])
  }

  #open(): void {
    this.#levels += 1
    if (this.#levels > MAX_LEVELS) throw NOT_PLAIN
    this.#at += 1
    this.#skipSpaces()
  }

  #separator(end: string): void {
    this.#skipSpaces()
    const sign = this.#text[this.#at]
    if (sign === end) return
    if (sign !== ',') throw NOT_PLAIN
    this.#at += 1
    this.#skipSpaces()
    // A comma before the end is allowed in YAML, and rare.
    if (this.#text[this.#at] === end) throw NOT_PLAIN
  }

  #close(): void {
    this.#levels -= 1
    this.#at += 1
    if (this.#levels > 0) this.#skipSpaces()
  }

  #skipSpaces(): void {
    while (this.#text[this.#at] === ' ') this.#at += 1
  }
}

const KEY = /([A-Za-z][\w-]*): +/y
const DOUBLE = /"(?:[^"\\]|\\.)*"/y
const SINGLE = /'(?:[^']|'')*'/y
/** Nothing that could be a sign of the list or map around it, a key or a comment. */
const FLOW_PLAIN = /[A-Za-z0-9/_][\w ./+*@$%()=;~^!-]*/y

function plain(text: string): JsonValue {
  if (INTEGER.test(text) || DECIMAL.test(text)) return Number(text)
  if (!PLAIN_START.test(text) || NUMERIC.test(text)) throw NOT_PLAIN
  if (RESERVED.test(text)) {
    if (text === 'true') return true
    if (text === 'false') return false
    if (text === 'null') return null
    throw NOT_PLAIN
  }
  return text
}

/** A whole quoted scalar. What JSON reads in double quotes YAML reads alike. */
function quoted(text: string): string {
  if (text.startsWith("'")) {
    SINGLE_WHOLE.lastIndex = 0
    if (!SINGLE_WHOLE.test(text)) throw NOT_PLAIN
    return text.slice(1, -1).replaceAll("''", "'")
  }
  if (PLAIN_DOUBLE.test(text)) return text.slice(1, -1)
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'string') return value
  } catch {
    // Escapes of YAML that JSON has not, or no end on this line.
  }
  throw NOT_PLAIN
}

const SINGLE_WHOLE = /^'(?:[^']|'')*'$/
const PLAIN_DOUBLE = /^"[^"\\]*"$/

function indentOf(line: string): number {
  let indent = 0
  while (line.charCodeAt(indent) === 0x20) indent += 1
  return indent
}

/** `trim` takes more than spaces: U+00A0 is a part of a text. */
function trimSpaces(text: string): string {
  let end = text.length
  while (end > 0 && text.charCodeAt(end - 1) === 0x20) end -= 1
  return text.slice(indentOf(text), end)
}

function isBlank(line: string): boolean {
  return indentOf(line) === line.length
}

/** One for all: making an error with its stack costs more than the reading. */
const NOT_PLAIN = new NotPlain()
