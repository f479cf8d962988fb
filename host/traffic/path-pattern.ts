import { compileRegexp, type Regexp } from '../config/regexp.ts'

/** The name of what a `*` at the end stands for. */
export const WILDCARD = 'EG_WILDCARD'

/** A part of a pattern of the radix tree router. */
export type PatternPart =
  | { readonly kind: 'static'; readonly text: string }
  /** Everything up to the sign after it, `/` at the end; with an expression only what matches. */
  | {
      readonly kind: 'param'
      readonly name: string
      readonly regexp: Regexp | null
      readonly source: string
      readonly tail: string
    }
  /** Everything that is left, nothing as well. */
  | { readonly kind: 'wildcard' }

/**
 * Reads `/users/{id:[0-9]+}/files/*`. Answers what is wrong as a text. Fails with CONFIG_REGEXP for an
 * expression that is none.
 */
export function parsePattern(pattern: string): readonly PatternPart[] | string {
  const parts: PatternPart[] = []
  const names = new Set<string>()
  let at = 0
  while (at < pattern.length) {
    const sign = pattern[at]
    if (sign === '*') {
      if (at < pattern.length - 1) return '* must be the last sign: use a {name} before it'
      parts.push({ kind: 'wildcard' })
      return parts
    }
    if (sign !== '{') {
      const end = nextSpecial(pattern, at)
      parts.push({ kind: 'static', text: pattern.slice(at, end) })
      at = end
      continue
    }
    const close = closingBrace(pattern, at)
    if (close < 0) return 'a { has no }'
    const param = paramPart(pattern.slice(at + 1, close), pattern[close + 1] ?? '/')
    if (typeof param === 'string') return param
    if (pattern[close + 1] === '{' || pattern[close + 1] === '*') {
      return `something must stand after {${param.name}}`
    }
    if (names.has(param.name)) return `the name ${param.name} stands there twice`
    names.add(param.name)
    parts.push(param)
    at = close + 1
  }
  return parts
}

/** The names of the parameters of a pattern, in their order. */
export function paramNames(parts: readonly PatternPart[]): string[] {
  return parts.flatMap((part) => {
    if (part.kind === 'param') return [part.name]
    return part.kind === 'wildcard' ? [WILDCARD] : []
  })
}

function paramPart(inside: string, tail: string): (PatternPart & { kind: 'param' }) | string {
  const colon = inside.indexOf(':')
  const name = colon < 0 ? inside : inside.slice(0, colon)
  if (!/^\w+$/.test(name)) return `{${inside}} has no name of letters, digits and _`
  if (colon < 0) return { kind: 'param', name, regexp: null, source: '', tail }
  const source = inside.slice(colon + 1)
  const start = source.startsWith('^') ? '' : '^'
  const end = source.endsWith('$') ? '' : '$'
  return { kind: 'param', name, regexp: compileRegexp(`${start}${source}${end}`), source, tail }
}

function nextSpecial(pattern: string, from: number): number {
  const match = /[{*]/.exec(pattern.slice(from))
  return match === null ? pattern.length : from + match.index
}

/** The brace that closes the one at `from`; an expression may have braces of its own. */
function closingBrace(pattern: string, from: number): number {
  let depth = 0
  for (let i = from; i < pattern.length; i++) {
    if (pattern[i] === '{') depth += 1
    else if (pattern[i] === '}') {
      depth -= 1
      if (depth === 0) return i
    }
  }
  return -1
}
