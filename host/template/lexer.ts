import { syntaxError } from './template-error.ts'

export type TokenKind =
  | 'text'
  | 'left'
  | 'right'
  | 'bool'
  | 'char'
  | 'number'
  | 'string'
  | 'field'
  | 'variable'
  | 'identifier'
  | 'keyword'
  | 'dot'
  | 'nil'
  | '('
  | ')'
  | '|'
  | ','
  | ':='
  | '='
  | 'end'

export interface Token {
  readonly kind: TokenKind
  /** As written; of a string its value, of a field and a variable the name without its sign. */
  readonly text: string
  readonly line: number
  /** Does a blank stand before it? `$x.y` and `$x .y` are different things. */
  readonly isAfterSpace: boolean
}

export const KEYWORDS: ReadonlySet<string> = new Set([
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'range',
  'template',
  'with',
])

/** Cuts a template into texts and the tokens of its actions. Source of the grammar: Go's text/template. */
export function tokenize(source: string, left = '{{', right = '}}'): Token[] {
  return new Lexer(source, left, right).run()
}

class Lexer {
  readonly #source: string
  readonly #left: string
  readonly #right: string
  readonly #tokens: Token[] = []
  #at = 0
  #line = 1
  #lineFrom = 0
  #depth = 0

  constructor(source: string, left: string, right: string) {
    this.#source = source
    this.#left = left
    this.#right = right
  }

  run(): Token[] {
    let trimsNext = false
    for (;;) {
      const open = this.#source.indexOf(this.#left, this.#at)
      const raw = this.#source.slice(this.#at, open < 0 ? undefined : open)
      const trimsThis = open >= 0 && this.#hasLeftTrim(open + this.#left.length)
      let text = trimsNext ? raw.replace(/^[ \t\r\n]+/, '') : raw
      if (trimsThis) text = text.replace(/[ \t\r\n]+$/, '')
      if (text !== '') this.#add('text', text)
      if (open < 0) break
      this.#at = open
      trimsNext = this.#action(trimsThis)
    }
    this.#at = this.#source.length
    this.#add('end', '')
    return this.#tokens
  }

  /** One action with its delimiters; true when it trims the text after it. */
  #action(trimsLeft: boolean): boolean {
    const start = this.#at
    this.#at += this.#left.length + (trimsLeft ? 2 : 0)
    if (this.#source.startsWith('/*', this.#at)) return this.#comment()
    const after = this.#at
    this.#at = start
    this.#add('left', this.#left)
    this.#at = after
    this.#depth = 0
    for (;;) {
      const isAfterSpace = this.#skipSpace()
      const close = this.#closing()
      if (close !== null) {
        if (this.#depth > 0) throw this.#fail('unclosed left parenthesis')
        this.#add('right', this.#right)
        this.#at += close.length
        return close.trims
      }
      if (this.#at >= this.#source.length) throw this.#fail('unclosed action')
      this.#token(isAfterSpace)
    }
  }

  #comment(): boolean {
    const end = this.#source.indexOf('*/', this.#at + 2)
    if (end < 0) throw this.#fail('unclosed comment')
    this.#at = end + 2
    const close = this.#closing()
    if (close === null) throw this.#fail('comment ends before closing delimiter')
    this.#at += close.length
    return close.trims
  }

  #hasLeftTrim(at: number): boolean {
    return this.#source[at] === '-' && isSpace(this.#source[at + 1])
  }

  /** The closing delimiter at this place, with the blanks and the sign that make it trim. */
  #closing(): { readonly length: number; readonly trims: boolean } | null {
    const source = this.#source
    let at = this.#at
    while (isSpace(source[at])) at += 1
    const hasSpace = at > this.#at || (at > 0 && isSpace(source[at - 1]))
    if (hasSpace && source[at] === '-' && source.startsWith(this.#right, at + 1)) {
      return { length: at + 1 + this.#right.length - this.#at, trims: true }
    }
    if (!source.startsWith(this.#right, this.#at)) return null
    return { length: this.#right.length, trims: false }
  }

  #skipSpace(): boolean {
    const start = this.#at
    while (isSpace(this.#source[this.#at]) && this.#closing() === null) this.#at += 1
    return this.#at > start
  }

  #token(isAfterSpace: boolean): void {
    const sign = this.#source[this.#at] ?? ''
    const next = this.#source[this.#at + 1] ?? ''
    if (sign === '"') this.#quoted(isAfterSpace)
    else if (sign === '`') this.#rawQuoted(isAfterSpace)
    else if (sign === "'") this.#character(isAfterSpace)
    else if (sign === '.' && !isDigit(next)) this.#fieldOrDot(isAfterSpace)
    else if (sign === '$') this.#named('variable', 1, isAfterSpace)
    else if (isDigit(sign) || sign === '.' || sign === '+' || sign === '-') {
      this.#number(isAfterSpace)
    } else if (isAlphaNumeric(sign)) this.#word(isAfterSpace)
    else this.#punctuation(isAfterSpace)
  }

  #punctuation(isAfterSpace: boolean): void {
    const sign = this.#source[this.#at] ?? ''
    if (this.#source.startsWith(':=', this.#at)) this.#sign(':=', isAfterSpace)
    else if (sign === '(' || sign === ')') {
      this.#depth += sign === '(' ? 1 : -1
      if (this.#depth < 0) throw this.#fail('unexpected right parenthesis')
      this.#sign(sign, isAfterSpace)
    } else if (sign === '|' || sign === ',' || sign === '=') this.#sign(sign, isAfterSpace)
    else throw this.#fail(`unexpected character "${sign}" in an action`)
  }

  #sign(kind: TokenKind, isAfterSpace: boolean): void {
    this.#add(kind, kind, isAfterSpace)
    this.#at += kind.length
  }

  #fieldOrDot(isAfterSpace: boolean): void {
    if (isAlphaNumeric(this.#source[this.#at + 1])) {
      this.#named('field', 1, isAfterSpace)
      return
    }
    this.#add('dot', '.', isAfterSpace)
    this.#at += 1
  }

  #named(kind: TokenKind, skip: number, isAfterSpace: boolean): void {
    let end = this.#at + skip
    while (isAlphaNumeric(this.#source[end])) end += 1
    this.#add(kind, this.#source.slice(this.#at + skip, end), isAfterSpace)
    this.#at = end
    this.#expectTerminator()
  }

  #word(isAfterSpace: boolean): void {
    let end = this.#at
    while (isAlphaNumeric(this.#source[end])) end += 1
    const word = this.#source.slice(this.#at, end)
    const kind: TokenKind = KEYWORDS.has(word)
      ? 'keyword'
      : word === 'true' || word === 'false'
        ? 'bool'
        : word === 'nil'
          ? 'nil'
          : 'identifier'
    this.#add(kind, word, isAfterSpace)
    this.#at = end
    this.#expectTerminator()
  }

  /** What may follow a name; anything else would be read in a way nobody meant. */
  #expectTerminator(): void {
    const sign = this.#source[this.#at]
    if (sign === undefined || isSpace(sign) || '.,|:=)('.includes(sign)) return
    if (this.#source.startsWith(this.#right, this.#at)) return
    throw this.#fail(`unexpected character "${sign}" after a name`)
  }

  #number(isAfterSpace: boolean): void {
    const match = NUMBER.exec(this.#source.slice(this.#at, this.#at + MAX_NUMBER_LENGTH))
    const text = match?.[0] ?? ''
    if (text === '' || isAlphaNumeric(this.#source[this.#at + text.length])) {
      throw this.#fail(`bad number syntax: "${text}${this.#source[this.#at + text.length] ?? ''}"`)
    }
    this.#add('number', text, isAfterSpace)
    this.#at += text.length
  }

  #quoted(isAfterSpace: boolean): void {
    let end = this.#at + 1
    for (; ; end += 1) {
      const sign = this.#source[end]
      if (sign === undefined || sign === '\n') throw this.#fail('unterminated quoted string')
      if (sign === '\\') end += 1
      else if (sign === '"') break
    }
    const value = unquote(this.#source.slice(this.#at + 1, end))
    if (value === null) throw this.#fail('a quoted string has an escape that Go does not know')
    this.#add('string', value, isAfterSpace)
    this.#at = end + 1
  }

  #rawQuoted(isAfterSpace: boolean): void {
    const end = this.#source.indexOf('`', this.#at + 1)
    if (end < 0) throw this.#fail('unterminated raw quoted string')
    const value = this.#source.slice(this.#at + 1, end).replaceAll('\r', '')
    this.#add('string', value, isAfterSpace)
    this.#at = end + 1
  }

  #character(isAfterSpace: boolean): void {
    let end = this.#at + 1
    while (this.#source[end] !== "'") {
      const sign = this.#source[end]
      if (sign === undefined || sign === '\n') throw this.#fail('unterminated character constant')
      end += sign === '\\' ? 2 : 1
    }
    const inside = this.#source.slice(this.#at + 1, end)
    const value = inside === "\\'" ? "'" : unquote(inside)
    if (value === null || [...value].length !== 1) throw this.#fail('malformed character constant')
    this.#add('char', value, isAfterSpace)
    this.#at = end + 1
  }

  #add(kind: TokenKind, text: string, isAfterSpace = false): void {
    this.#tokens.push({ kind, text, line: this.#lineAt(this.#at), isAfterSpace })
  }

  #lineAt(at: number): number {
    for (let i = this.#lineFrom; i < at; i++) {
      if (this.#source.charCodeAt(i) === 0x0a) this.#line += 1
    }
    this.#lineFrom = Math.max(this.#lineFrom, at)
    return this.#line
  }

  #fail(reason: string): Error {
    return syntaxError(this.#lineAt(this.#at), reason)
  }
}

/** Longer ones are no numbers. */
const MAX_NUMBER_LENGTH = 400

const NUMBER =
  /^[+-]?(?:0[xX][0-9a-fA-F_]+(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?\d+)?|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?[\d_]+)?)/

function isSpace(sign: string | undefined): boolean {
  return sign === ' ' || sign === '\t' || sign === '\r' || sign === '\n'
}

function isDigit(sign: string | undefined): boolean {
  return sign !== undefined && sign >= '0' && sign <= '9'
}

function isAlphaNumeric(sign: string | undefined): boolean {
  return sign !== undefined && /[\p{L}\p{Nd}_]/u.test(sign)
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
}

/** The value of a quoted Go string, or null when an escape is not Go's. */
export function unquote(text: string): string | null {
  let isGood = true
  const value = text.replace(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.)|$)/gsu,
    (
      _,
      hex: string | undefined,
      short: string | undefined,
      long: string | undefined,
      octal: string | undefined,
      sign: string | undefined,
    ) => {
      const code = hex ?? short ?? long
      if (code !== undefined) {
        const point = Number.parseInt(code, 16)
        if (point <= 0x10ffff) return String.fromCodePoint(point)
      } else if (octal !== undefined) {
        const point = Number.parseInt(octal, 8)
        if (point <= 0xff) return String.fromCodePoint(point)
      } else if (sign !== undefined && Object.hasOwn(ESCAPES, sign)) {
        return ESCAPES[sign] as string
      }
      isGood = false
      return ''
    },
  )
  return isGood ? value : null
}
