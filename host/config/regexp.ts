import { createRequire } from 'node:module'
import type { RE2JS } from 're2js'
import { GatewayError, reasonOf } from '../errors.ts'
import { z } from './schema.ts'

/** What compiles patterns, loaded with the first of them: most configurations have none, and it takes 0.6 MB. */
let re2: typeof import('re2js') | null = null
const require = createRequire(import.meta.url)

/** Characters of one pattern. */
export const MAX_PATTERN_LENGTH = 1024
/** Instructions of one compiled pattern: matching costs this times the length of the text at worst. */
export const MAX_PROGRAM_SIZE = 5_000

/** A pattern in RE2 syntax. Matching is linear in the text, whatever the pattern and the text are. */
export interface Regexp {
  readonly pattern: string
  /** Is there a match anywhere in the text? */
  test(text: string): boolean
  /**
   * Every match replaced as Go's `Regexp.ReplaceAllString` does: `$1`, `${1}`, `$name` and `${name}`
   * stand for groups, `$$` for a dollar sign, an unknown group for nothing. `$1x` is the group `1x`.
   */
  replaceAll(text: string, replacement: string): string
  /** Where the matches start and end, from left to right; at most `limit` of them, all when negative. */
  findAll(text: string, limit?: number): readonly (readonly [start: number, end: number])[]
}

/** Fails with CONFIG_REGEXP, which names the reason. */
export function compileRegexp(pattern: string): Regexp {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    throw refused(pattern, `it is longer than ${MAX_PATTERN_LENGTH} characters`)
  }
  let compiled: RE2JS
  try {
    re2 ??= require('re2js') as typeof import('re2js')
    compiled = re2.RE2JS.compile(pattern)
  } catch (error) {
    const reason = reasonOf(error)
      .replace(/^error parsing regexp: /, '')
      .replaceAll('`', '"')
    throw refused(pattern, reason, error)
  }
  if (compiled.programSize() > MAX_PROGRAM_SIZE) {
    throw refused(pattern, `it needs more than ${MAX_PROGRAM_SIZE} instructions`)
  }
  return new Re2Regexp(pattern, compiled)
}

/** The schema of a field that holds a pattern; the output is the text, proven to compile. */
export function regexp() {
  return z
    .string()
    .superRefine((pattern, context) => {
      try {
        compileRegexp(pattern)
      } catch (error) {
        context.addIssue({ code: 'custom', message: reasonOf(error) })
      }
    })
    .meta({ title: 'regular expression (RE2)' })
}

class Re2Regexp implements Regexp {
  readonly pattern: string
  readonly #compiled: RE2JS
  readonly #names: Readonly<Record<string, number>>
  /** The last replacement, compiled: a filter or a route has one. */
  #template: { readonly source: string; readonly parts: readonly (string | number)[] } | null = null

  constructor(pattern: string, compiled: RE2JS) {
    this.pattern = pattern
    this.#compiled = compiled
    this.#names = compiled.namedGroups()
  }

  test(text: string): boolean {
    return this.#compiled.test(text)
  }

  replaceAll(text: string, replacement: string): string {
    if (this.#template === null || this.#template.source !== replacement) {
      this.#template = { source: replacement, parts: this.#compile(replacement) }
    }
    const parts = this.#template.parts
    const matcher = this.#compiled.matcher(text)
    let result = ''
    let from = 0
    let isFirst = true
    while (matcher.find()) {
      // Go: an empty match right after a match does not count.
      if (matcher.end() === from && !isFirst) continue
      isFirst = false
      result += text.slice(from, matcher.start())
      for (const part of parts) {
        result += typeof part === 'string' ? part : (matcher.group(part) ?? '')
      }
      from = matcher.end()
    }
    return isFirst ? text : result + text.slice(from)
  }

  findAll(text: string, limit = -1): [number, number][] {
    const found: [number, number][] = []
    const matcher = this.#compiled.matcher(text)
    let from = 0
    while ((limit < 0 || found.length < limit) && matcher.find()) {
      const [start, end] = [matcher.start(), matcher.end()]
      // Go: an empty match right after a match does not count.
      if (end > from || found.length === 0) found.push([start, end])
      from = end
    }
    return found
  }

  /** Literal texts and group numbers. Source of the grammar: Go's Regexp.Expand. */
  #compile(replacement: string): (string | number)[] {
    const parts: (string | number)[] = []
    let from = 0
    for (const match of replacement.matchAll(/\$(?:\$|\{(\w+)\}|(\w+))/gu)) {
      parts.push(replacement.slice(from, match.index))
      from = match.index + match[0].length
      const name = match[1] ?? match[2]
      if (name === undefined) parts.push('$')
      else {
        const group = this.#group(name)
        if (group !== undefined) parts.push(group)
      }
    }
    parts.push(replacement.slice(from))
    return parts.filter((part) => part !== '')
  }

  #group(name: string): number | undefined {
    if (/^\d+$/.test(name)) {
      const number = Number(name)
      return number <= this.#compiled.groupCount() ? number : undefined
    }
    return Object.hasOwn(this.#names, name) ? this.#names[name] : undefined
  }
}

function refused(pattern: string, reason: string, cause?: unknown): GatewayError {
  const shown = pattern.length > 60 ? `${pattern.slice(0, 60)}…` : pattern
  return new GatewayError('CONFIG_REGEXP', { pattern: shown, reason }, cause)
}
