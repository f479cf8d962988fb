import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type ParsedNode,
  Parser,
  type YAMLError,
} from 'yaml'
import {
  findRefused,
  MAX_DEPTH,
  MAX_VALUES,
  PROTOTYPE_KEY,
  TOO_DEEP,
  TOO_MANY_VALUES,
} from './data-limits.ts'
import { ConfigError, type ConfigIssue, type Position, type Severity } from './issues.ts'
import { formatPath, isJsonObject, type JsonObject, type JsonPath, type JsonValue } from './json.ts'
import { readPlainYaml } from './plain-yaml.ts'
import type { SourceText } from './source.ts'
import { describeSyntax } from './syntax-wording.ts'
import { LineTable } from './text-position.ts'

/** Pieces the reader cuts a text into; a million take about 4 s. */
export const MAX_LEXEMES = 2_000_000
/** Documents of one text. */
export const MAX_DOCUMENTS = 20_000
/** Syntax errors shown of one text: most of what follows the first ones is their echo. */
export const MAX_SYNTAX_ERRORS = 50

/** One document of a configuration: plain data, and where each part of it stands in the text. */
export interface ConfigDocument {
  /** How messages call the file; "" for data without a text. */
  readonly file: string
  /** The folder that relative paths are resolved from. */
  readonly baseDir: string
  readonly data: JsonObject
  /** False for data that came over the network: it must not fetch files of this machine. */
  readonly isLocal: boolean
  /**
   * The place of a value, or of its key. A path that is not there leads to the nearest part of it that
   * is. Null for data without a text.
   */
  locate(path: JsonPath, at?: 'key' | 'value'): Position | null
  /**
   * Nobody asks for places for a while: what only `locate` needs may go. It is made again from the text
   * when it is asked for.
   */
  rest?(): void
}

export interface ParsedText {
  readonly documents: readonly ConfigDocument[]
  /** Problems of syntax. A document with an error is not among `documents`; the others are. */
  readonly issues: readonly ConfigIssue[]
}

/**
 * Parses YAML 1.2 (core schema) or JSON, which is a part of it: any number of documents, empty ones
 * left out. Never throws: nesting, aliases and size are bounded by the limits above.
 */
export function parseDocuments(source: SourceText): ParsedText {
  const reader = new TextReader(source)
  const documents: ConfigDocument[] = []
  for (const parsed of reader.compose()) {
    const document = reader.convert(parsed)
    if (document !== null) documents.push(document)
  }
  return { documents, issues: reader.issues }
}

/**
 * Wraps data that has no text, for instance a JSON body of the admin API. It must be JSON already. Fails
 * with ConfigError for what `parseDocuments` refuses too: nesting and size past the limits, and the key
 * `__proto__`.
 */
export function documentOf(data: JsonObject, baseDir: string): ConfigDocument {
  const refused = findRefused(data)
  if (refused !== null) {
    const path = formatPath(refused.path)
    const issue = { severity: 'error', position: null, path, suggestion: null } as const
    throw new ConfigError([{ ...issue, message: refused.message }])
  }
  return { file: '', baseDir, data, isLocal: false, locate: () => null }
}

/**
 * Parses one YAML document of any shape: what a template built, or a body. Nothing at all is null. Fails
 * with ConfigError for what `parseDocuments` refuses too, and for more than one document.
 */
export function parseYamlText(text: string): JsonValue {
  const plain = readPlainYaml(text)
  return plain === undefined ? parseAnyYaml(text) : plain
}

/** The same by the whole parser, whatever the text. */
export function parseAnyYaml(text: string): JsonValue {
  const reader = new TextReader({ file: 'YAML', text, baseDir: '' })
  const [first, ...more] = reader.compose()
  if (more.length > 0) reader.refuse('there is more than one document')
  const value = first === undefined ? null : reader.value(first)
  const errors = reader.issues.filter((issue) => issue.severity === 'error')
  if (errors.length > 0) throw new ConfigError(errors)
  return value
}

type Node = ParsedNode | null

class TextReader {
  readonly issues: ConfigIssue[] = []
  readonly #source: SourceText
  readonly #text: string
  readonly #lines: LineTable
  readonly #places: TextPlaces
  #errorCount = 0
  #lastErrorLine = 0

  constructor(source: SourceText) {
    this.#source = source
    this.#text = withoutMark(source.text)
    this.#lines = new LineTable(source.file, this.#text)
    this.#places = new TextPlaces(source, this.#lines)
  }

  compose(): Document.Parsed[] {
    const tokens = this.#tokens()
    if (tokens === null) return []
    const composer = new Composer({
      prettyErrors: false,
      resolveKnownTags: false,
      stringKeys: true,
      // Its own search for equal keys takes quadratic time; `convert` does it in linear time.
      uniqueKeys: false,
    })
    return [...composer.compose(tokens, true, this.#text.length)]
  }

  /** The text as a token tree, or null past a limit. The composer is recursive: depth is bounded here. */
  #tokens(): CST.Token[] | null {
    const parser = new Parser()
    const tokens: CST.Token[] = []
    let lexemes = 0
    for (const lexeme of new Lexer().lex(this.#text)) {
      lexemes += 1
      for (const token of parser.next(lexeme)) tokens.push(token)
      if (parser.stack.length > MAX_DEPTH + 1) {
        this.#report(parser.offset, TOO_DEEP)
        return null
      }
      if (lexemes > MAX_LEXEMES || tokens.length > MAX_DOCUMENTS * 2) {
        this.#report(parser.offset, 'too large: split it into several files')
        return null
      }
    }
    for (const token of parser.end()) tokens.push(token)
    return tokens
  }

  refuse(message: string): void {
    this.#report(0, message)
  }

  /** The data of a document of any shape; problems are among `issues`. */
  value(parsed: Document.Parsed): JsonValue {
    for (const error of [...parsed.errors, ...parsed.warnings]) this.#reportSyntax(error)
    if (this.issues.length > 0 || isBlank(parsed.contents)) return null
    return new Converter((offset, message) => this.#report(offset, message), this.#lines).convert(
      parsed.contents,
    )
  }

  convert(parsed: Document.Parsed): ConfigDocument | null {
    for (const warning of parsed.warnings) {
      const isTag = warning.code === 'TAG_RESOLVE_FAILED'
      this.#report(warning.pos[0], describeSyntax(warning, this.#text), isTag ? 'error' : 'warning')
      if (isTag) return null
    }
    for (const error of parsed.errors) this.#reportSyntax(error)
    if (parsed.errors.length > 0) return null
    const root = parsed.contents
    if (isBlank(root)) return null
    const converter = new Converter((offset, message) => this.#report(offset, message), this.#lines)
    const data = converter.convert(root)
    if (converter.isRefused) return null
    if (!isJsonObject(data)) {
      this.#report(root.range[0], 'a document must be a mapping with the fields kind and name')
      return null
    }
    this.#places.add({ root, targets: converter.targets })
    return new TextDocument(this.#source, data, root.range[0], this.#places)
  }

  #reportSyntax(error: YAMLError): void {
    const line = this.#lines.position(error.pos[0]).line
    // The second error of a line is nearly always the echo of the first.
    if (line === this.#lastErrorLine && this.#errorCount > 0) return
    this.#lastErrorLine = line
    this.#errorCount += 1
    if (this.#errorCount > MAX_SYNTAX_ERRORS) return
    this.#report(error.pos[0], describeSyntax(error, this.#text))
  }

  #report(offset: number, message: string, severity: Severity = 'error'): void {
    this.issues.push({
      severity,
      position: this.#lines.position(offset),
      path: '',
      message,
      suggestion: null,
    })
  }
}

/** Where the parts of one document stand in its text. */
interface Places {
  readonly root: ParsedNode
  readonly targets: ReadonlyMap<ParsedNode, ParsedNode>
}

/**
 * The node trees of the documents of a text, which are some twenty times as large as the text. They go
 * when nobody asks for places, and the text is read once more when somebody does.
 */
class TextPlaces {
  readonly #source: SourceText
  #lines: LineTable | null
  #byStart: Map<number, Places> | null = null

  constructor(source: SourceText, lines: LineTable) {
    this.#source = source
    this.#lines = lines
  }

  get lines(): LineTable {
    this.#lines ??= new LineTable(this.#source.file, withoutMark(this.#source.text))
    return this.#lines
  }

  add(places: Places): void {
    this.#byStart ??= new Map()
    this.#byStart.set(places.root.range[0], places)
  }

  /** Of the document that begins at `start`. */
  at(start: number): Places | undefined {
    if (this.#byStart === null) {
      for (const { contents: root } of new TextReader(this.#source).compose()) {
        if (root === null) continue
        const converter = new Converter(() => undefined, this.lines)
        converter.convert(root)
        this.add({ root, targets: converter.targets })
      }
    }
    return this.#byStart?.get(start)
  }

  rest(): void {
    this.#byStart = null
    this.#lines = null
  }
}

class TextDocument implements ConfigDocument {
  readonly file: string
  readonly baseDir: string
  readonly data: JsonObject
  readonly isLocal = true
  readonly #start: number
  readonly #places: TextPlaces

  constructor(source: SourceText, data: JsonObject, start: number, places: TextPlaces) {
    this.file = source.file
    this.baseDir = source.baseDir
    this.data = data
    this.#start = start
    this.#places = places
  }

  locate(path: JsonPath, at: 'key' | 'value' = 'value'): Position | null {
    const places = this.#places.at(this.#start)
    const offset =
      places === undefined ? this.#start : locateOffset(places.root, path, at, places.targets)
    return this.#places.lines.position(offset)
  }

  rest(): void {
    this.#places.rest()
  }
}

/** Turns a node tree into plain data. Refuses what JSON cannot hold and what would surprise later. */
class Converter {
  /** What each alias stands for. */
  readonly targets = new Map<ParsedNode, ParsedNode>()
  isRefused = false
  readonly #anchors = new Map<string, ParsedNode>()
  /** The nodes that are being converted: an alias to one of them would never end. */
  readonly #open = new Set<ParsedNode>()
  readonly #report: (offset: number, message: string) => void
  readonly #lines: LineTable
  #values = 0

  constructor(report: (offset: number, message: string) => void, lines: LineTable) {
    this.#report = report
    this.#lines = lines
  }

  convert(node: Node): JsonValue {
    if (node === null) return null
    this.#values += 1
    if (this.#values > MAX_VALUES) {
      return this.#refuse(node, TOO_MANY_VALUES)
    }
    if (isAlias(node)) return this.#alias(node)
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node)
    if (isScalar(node)) return this.#scalar(node, node.value)
    if (this.#open.size >= MAX_DEPTH) {
      return this.#refuse(node, TOO_DEEP)
    }
    this.#open.add(node)
    const value = isMap(node) ? this.#map(node) : isSeq(node) ? this.#list(node.items) : null
    this.#open.delete(node)
    return value
  }

  #alias(node: ParsedNode & { source: string }): JsonValue {
    const target = this.#anchors.get(node.source)
    if (target === undefined) {
      return this.#refuse(node, `no anchor &${node.source} stands before this alias`)
    }
    if (this.#open.has(target)) {
      return this.#refuse(node, `the alias *${node.source} stands inside its own anchor`)
    }
    this.targets.set(node, target)
    return this.convert(target)
  }

  #scalar(node: ParsedNode, value: unknown): JsonValue {
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
    if (typeof value === 'number' && Number.isFinite(value)) return value
    return this.#refuse(node, 'not a number JSON can hold: put it in quotes if it is meant as text')
  }

  #list(items: readonly ParsedNode[]): JsonValue[] {
    const list: JsonValue[] = []
    for (const item of items) {
      // Past the limit every further value would be refused again, one message each.
      if (this.#values > MAX_VALUES) break
      list.push(this.convert(item))
    }
    // Without the places that growing has kept free: lists of a configuration are many and stay as they are.
    return list.slice()
  }

  #map(node: ParsedNode & { items: readonly { key: ParsedNode; value: Node }[] }): JsonObject {
    const object: JsonObject = {}
    const offsets = new Map<string, number>()
    for (const { key, value } of node.items) {
      if (this.#values > MAX_VALUES) break
      if (!isScalar(key) || typeof key.value !== 'string') {
        this.#refuse(key, 'a key must be text')
        continue
      }
      if (key.anchor !== undefined) this.#anchors.set(key.anchor, key)
      const name = key.value
      const first = offsets.get(name)
      if (first !== undefined) {
        const line = this.#lines.position(first).line
        this.#refuse(key, `the key \`${name}\` stands here twice, first in line ${line}`)
      } else if (name === '__proto__') {
        this.#refuse(key, PROTOTYPE_KEY)
      } else if (name === '<<' && key.type === 'PLAIN') {
        this.#refuse(key, 'merge keys (<<) are not part of YAML 1.2: write the fields out')
      } else {
        offsets.set(name, key.range[0])
        object[name] = this.convert(value)
      }
    }
    return object
  }

  #refuse(node: ParsedNode, message: string): null {
    this.isRefused = true
    this.#report(node.range[0], message)
    return null
  }
}

/** A byte order mark is no part of the text: no column counts it. */
function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}

function isBlank(node: Node): node is null {
  return node === null || (isScalar(node) && node.value === null && node.range[0] === node.range[1])
}

function locateOffset(
  root: ParsedNode,
  path: JsonPath,
  at: 'key' | 'value',
  targets: ReadonlyMap<ParsedNode, ParsedNode>,
): number {
  let node: ParsedNode = root
  let offset = root.range[0]
  for (const [index, step] of path.entries()) {
    node = targets.get(node) ?? node
    const isLast = index === path.length - 1
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === step)
      if (pair === undefined) return offset
      offset = (pair.key as ParsedNode).range[0]
      const value = pair.value as Node
      // An empty value has no place of its own.
      if (value === null || value.range[0] === value.range[1]) return offset
      if (!(isLast && at === 'key')) offset = value.range[0]
      node = value
    } else if (isSeq(node) && typeof step === 'number') {
      const item = node.items[step] as Node | undefined
      if (item === undefined || item === null) return offset
      if (item.range[0] !== item.range[1]) offset = item.range[0]
      node = item
    } else return offset
  }
  return offset
}
