import type { Command, Definition, Node, Operand, Pipe } from './ast.ts'
import { type Token, type TokenKind, tokenize } from './lexer.ts'
import { MAX_TEMPLATE_NESTING, MAX_TEMPLATE_SOURCE } from './limits.ts'
import { syntaxError } from './template-error.ts'

export interface ParseOptions {
  /** Default `{{`. */
  readonly leftDelim?: string | undefined
  /** Default `}}`. */
  readonly rightDelim?: string | undefined
  /** Null when there is a function of this name, else what to say about it. */
  readonly refuseFunction: (name: string) => string | null
}

export interface Parsed {
  readonly main: Definition
  readonly definitions: ReadonlyMap<string, Definition>
}

/** Reads a template with all it defines. Fails with TEMPLATE_SYNTAX at the first mistake. */
export function parseTemplate(source: string, options: ParseOptions): Parsed {
  if (source.length > MAX_TEMPLATE_SOURCE) {
    throw syntaxError(1, `the template is longer than ${MAX_TEMPLATE_SOURCE} characters`)
  }
  const tokens = tokenize(source, options.leftDelim || undefined, options.rightDelim || undefined)
  return new Parser(tokens, options.refuseFunction).run()
}

interface List {
  readonly nodes: Node[]
  /** Which keyword ended it: `end`, `else`, or nothing at the end of the text. */
  readonly ending: 'end' | 'else' | null
}

class Parser {
  readonly #tokens: readonly Token[]
  readonly #refuseFunction: (name: string) => string | null
  readonly #definitions = new Map<string, Definition>()
  readonly #calls: { readonly name: string; readonly line: number }[] = []
  #at = 0
  /** Names of the variables in sight; the index is the slot. */
  #variables: string[] = ['']
  #slots = 1
  #ranges = 0
  #nesting = 0

  constructor(tokens: readonly Token[], refuseFunction: (name: string) => string | null) {
    this.#tokens = tokens
    this.#refuseFunction = refuseFunction
  }

  run(): Parsed {
    const main = this.#definition('', () => {
      const list = this.#list('the template', true)
      if (list.ending !== null) throw this.#fail(`unexpected {{${list.ending}}}`)
      return list.nodes
    })
    for (const { name, line } of this.#calls) {
      if (this.#definitions.has(name)) continue
      throw syntaxError(line, `template "${name}" is not defined`)
    }
    return { main, definitions: this.#definitions }
  }

  /** Reads a template of its own: its variables are not those around it. */
  #definition(name: string, read: () => readonly Node[]): Definition {
    const [variables, slots, ranges] = [this.#variables, this.#slots, this.#ranges]
    this.#variables = ['']
    this.#slots = 1
    this.#ranges = 0
    const nodes = read()
    const definition = { name, nodes, slots: this.#slots }
    this.#variables = variables
    this.#slots = slots
    this.#ranges = ranges
    return definition
  }

  #list(where: string, isTop = false): List {
    this.#nesting += 1
    if (this.#nesting > MAX_TEMPLATE_NESTING) throw this.#fail('actions are nested too deep')
    const nodes: Node[] = []
    for (;;) {
      const token = this.#next()
      if (token.kind === 'text') {
        nodes.push({ kind: 'text', text: token.text })
        continue
      }
      if (token.kind === 'end') {
        if (!isTop) throw syntaxError(token.line, `${where} has no {{end}}`)
        this.#nesting -= 1
        return { nodes, ending: null }
      }
      const first = this.#peek()
      if (first.kind === 'keyword' && (first.text === 'end' || first.text === 'else')) {
        this.#next()
        if (first.text === 'end') this.#expect('right', '{{end}}')
        this.#nesting -= 1
        return { nodes, ending: first.text }
      }
      const node = this.#action(isTop)
      if (node !== null) nodes.push(node)
    }
  }

  /** The left delimiter has been read. Null for a definition: it is no part of the text around it. */
  #action(isTop: boolean): Node | null {
    const token = this.#peek()
    if (token.kind !== 'keyword') {
      const pipe = this.#pipe('a command', 'right', 1)
      return { kind: 'action', line: token.line, pipe }
    }
    this.#next()
    switch (token.text) {
      case 'if':
      case 'with':
        return this.#branch(token.text, token.line)
      case 'range':
        return this.#range(token.line)
      case 'template':
        return this.#call(token.line)
      case 'block':
        return this.#block(token.line)
      case 'define':
        if (!isTop) throw syntaxError(token.line, 'unexpected {{define}} inside an action')
        this.#define()
        return null
      default:
        return this.#leave(token)
    }
  }

  #leave(token: Token): Node {
    const kind = token.text === 'break' ? 'break' : 'continue'
    if (this.#ranges === 0) throw syntaxError(token.line, `{{${kind}}} outside {{range}}`)
    this.#expect('right', `{{${kind}}}`)
    return { kind, line: token.line }
  }

  #branch(kind: 'if' | 'with', line: number): Node {
    const mark = this.#variables.length
    const pipe = this.#pipe(kind, 'right', 1)
    const body = this.#list(`{{${kind}}}`)
    const orElse = body.ending === 'else' ? this.#else(kind) : []
    this.#variables.length = mark
    return { kind, line, pipe, body: body.nodes, orElse }
  }

  /** `{{else}} … {{end}}`, or `{{else if …}}`, whose end is the end of both. */
  #else(kind: 'if' | 'with' | 'range'): readonly Node[] {
    const token = this.#peek()
    if (kind !== 'range' && token.kind === 'keyword' && token.text === kind) {
      this.#next()
      this.#nesting += 1
      if (this.#nesting > MAX_TEMPLATE_NESTING) throw this.#fail('actions are nested too deep')
      const node = this.#branch(kind, token.line)
      this.#nesting -= 1
      return [node]
    }
    this.#expect('right', '{{else}}')
    const list = this.#list('{{else}}')
    if (list.ending !== 'end') throw this.#fail('expected {{end}}, found {{else}}')
    return list.nodes
  }

  #range(line: number): Node {
    const mark = this.#variables.length
    const pipe = this.#pipe('range', 'right', 2)
    this.#ranges += 1
    const body = this.#list('{{range}}')
    this.#ranges -= 1
    const orElse = body.ending === 'else' ? this.#else('range') : []
    this.#variables.length = mark
    return { kind: 'range', line, pipe, body: body.nodes, orElse }
  }

  #define(): void {
    const name = this.#expect('string', '{{define}}').text
    this.#expect('right', '{{define}}')
    this.#addDefinition(name)
  }

  #block(line: number): Node {
    const name = this.#expect('string', '{{block}}').text
    const pipe = this.#pipe('block', 'right', 1)
    this.#addDefinition(name)
    return { kind: 'template', line, name, pipe }
  }

  #addDefinition(name: string): void {
    const { line } = this.#peek()
    const definition = this.#definition(name, () => {
      const list = this.#list(`{{define "${name}"}}`)
      if (list.ending !== 'end') throw this.#fail('expected {{end}}, found {{else}}')
      return list.nodes
    })
    const former = this.#definitions.get(name)
    // An empty definition does not replace one that says something, as in Go.
    if (former !== undefined && isEmpty(definition)) return
    if (former !== undefined && !isEmpty(former)) {
      throw syntaxError(line, `the template "${name}" is defined twice`)
    }
    this.#definitions.set(name, definition)
  }

  #call(line: number): Node {
    const name = this.#expect('string', '{{template}}').text
    this.#calls.push({ name, line })
    if (this.#peek().kind === 'right') {
      this.#next()
      return { kind: 'template', line, name, pipe: null }
    }
    return { kind: 'template', line, name, pipe: this.#pipe('template', 'right', 1) }
  }

  /** `$x := a | b`; `variables` is how many may be named before the sign. */
  #pipe(where: string, close: TokenKind, variables: 0 | 1 | 2): Pipe {
    const { line } = this.#peek()
    const slots = variables === 0 ? [] : this.#targets(variables)
    const commands: Command[] = []
    for (;;) {
      const token = this.#next()
      if (token.kind === close) {
        if (commands.length === 0) throw syntaxError(line, `missing value for ${where}`)
        break
      }
      this.#back()
      const command = this.#command(where)
      if (commands.length > 0) checkStage(command)
      commands.push(command)
      if (this.#peek().kind !== '|') continue
      this.#next()
      if (this.#peek().kind === close) throw syntaxError(token.line, `missing value for ${where}`)
    }
    return { line, slots: slots.map((target) => this.#slotOf(target)), commands }
  }

  /** The variables before `:=` or `=`; none when this is no assignment. */
  #targets(variables: 1 | 2): readonly Target[] {
    const first = this.#peek()
    if (first.kind !== 'variable') return []
    const second = this.#peek(1)
    if (second.kind === ':=' || second.kind === '=') {
      this.#at += 2
      return [{ name: first.text, isNew: second.kind === ':=', line: first.line }]
    }
    if (variables < 2 || second.kind !== ',') return []
    const third = this.#peek(2)
    const sign = this.#peek(3)
    if (third.kind !== 'variable' || (sign.kind !== ':=' && sign.kind !== '=')) {
      throw syntaxError(first.line, 'range takes one or two variables before := or =')
    }
    this.#at += 4
    const isNew = sign.kind === ':='
    return [first, third].map(({ text, line }) => ({ name: text, isNew, line }))
  }

  /** A new variable is in sight only after its own pipe. */
  #slotOf({ name, isNew, line }: Target): number {
    if (!isNew) return this.#lookUp(name, line)
    this.#variables.push(name)
    this.#slots = Math.max(this.#slots, this.#variables.length)
    return this.#variables.length - 1
  }

  #lookUp(name: string, line: number): number {
    const slot = this.#variables.lastIndexOf(name)
    if (slot < 0) throw syntaxError(line, `undefined variable "$${name}"`)
    return slot
  }

  #command(where: string): Command {
    const { line } = this.#peek()
    const operands: Operand[] = []
    for (;;) {
      operands.push(this.#operand(where))
      const token = this.#peek()
      if (token.kind === '|' || token.kind === 'right' || token.kind === ')') break
      if (!token.isAfterSpace || token.kind === 'end') {
        throw syntaxError(token.line, `unexpected ${describe(token)} in ${where}`)
      }
    }
    return { line, operands }
  }

  #operand(where: string): Operand {
    const base = this.#term(where)
    const names: string[] = []
    for (let token = this.#peek(); token.kind === 'field' && !token.isAfterSpace; ) {
      this.#next()
      names.push(token.text)
      token = this.#peek()
    }
    if (names.length === 0) return base
    switch (base.kind) {
      case 'field':
        return { kind: 'field', names: [...base.names, ...names] }
      case 'variable':
        return { kind: 'variable', slot: base.slot, names }
      case 'function':
      case 'pipe':
        return { kind: 'chain', base, names }
      default:
        throw this.#fail(`unexpected ".${names[0]}" after a constant or the dot`)
    }
  }

  #term(where: string): Operand {
    const token = this.#next()
    switch (token.kind) {
      case 'identifier': {
        const refused = this.#refuseFunction(token.text)
        if (refused !== null) throw syntaxError(token.line, refused)
        return { kind: 'function', name: token.text }
      }
      case 'dot':
        return { kind: 'dot' }
      case 'nil':
        return { kind: 'nil' }
      case 'bool':
        return { kind: 'bool', value: token.text === 'true' }
      case 'string':
        return { kind: 'string', value: token.text }
      case 'char':
        return { kind: 'int', value: BigInt(token.text.codePointAt(0) ?? 0) }
      case 'number':
        return numberOf(token)
      case 'field':
        return { kind: 'field', names: [token.text] }
      case 'variable':
        return { kind: 'variable', slot: this.#lookUp(token.text, token.line), names: [] }
      case '(': {
        this.#nesting += 1
        if (this.#nesting > MAX_TEMPLATE_NESTING)
          throw this.#fail('parentheses are nested too deep')
        const pipe = this.#pipe('a parenthesized pipeline', ')', 0)
        this.#nesting -= 1
        return { kind: 'pipe', pipe }
      }
      default:
        throw syntaxError(token.line, `unexpected ${describe(token)} in ${where}`)
    }
  }

  #expect(kind: TokenKind, where: string): Token {
    const token = this.#next()
    if (token.kind === kind) return token
    throw syntaxError(token.line, `unexpected ${describe(token)} in ${where}`)
  }

  #next(): Token {
    const token = this.#peek()
    this.#at += 1
    return token
  }

  #back(): void {
    this.#at -= 1
  }

  #peek(ahead = 0): Token {
    // The last token is `end`, and it is never passed.
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] as Token
  }

  #fail(reason: string): Error {
    return syntaxError(this.#peek().line, reason)
  }
}

interface Target {
  readonly name: string
  readonly isNew: boolean
  readonly line: number
}

function isEmpty(definition: Definition): boolean {
  return definition.nodes.every((node) => node.kind === 'text' && node.text.trim() === '')
}

/** What takes a value from the command before it must be able to take one. */
function checkStage(command: Command): void {
  const first = command.operands[0]
  if (first === undefined) return
  switch (first.kind) {
    case 'bool':
    case 'dot':
    case 'nil':
    case 'int':
    case 'float':
    case 'string':
      throw syntaxError(command.line, 'a constant after | cannot take a value')
    default:
  }
}

function numberOf(token: Token): Operand {
  const text = token.text.replaceAll('_', '')
  if (/^[+-]?(?:0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|\d+)$/.test(text)) {
    const digits = text.replace(/^[+-]/, '').toLowerCase()
    // A leading zero means octal in Go.
    const isOctal = /^0[0-7]+$/.test(digits)
    if (!isOctal && /^0\d+$/.test(digits)) throw bad(token)
    const size = BigInt(isOctal ? `0o${digits}` : digits)
    const value = text.startsWith('-') ? -size : size
    if (BigInt.asIntN(64, value) !== value) {
      throw syntaxError(token.line, `integer overflow: "${token.text}"`)
    }
    return { kind: 'int', value }
  }
  const value = Number(text)
  if (!Number.isFinite(value)) throw bad(token)
  return { kind: 'float', value }
}

function bad(token: Token): Error {
  return syntaxError(token.line, `bad number syntax: "${token.text}"`)
}

function describe(token: Token): string {
  switch (token.kind) {
    case 'end':
      return 'end of the template'
    case 'text':
      return 'text'
    case 'string':
      return `text ${JSON.stringify(token.text)}`
    case 'field':
      return `".${token.text}"`
    case 'variable':
      return `"$${token.text}"`
    default:
      return `"${token.text}"`
  }
}
