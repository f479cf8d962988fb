import { compileRegexp, type Regexp } from '../../config/regexp.ts'
import { reasonOf } from '../../errors.ts'
import { checkListLength, checkTextLength } from '../run-state.ts'
import { runError } from '../template-error.ts'
import { fn, type TemplateFunction } from './define.ts'

const match = fn(['text', 'text'], (pattern, text) => regexp(pattern).test(text))
const find = fn(['text', 'text'], (pattern, text) => {
  const found = regexp(pattern).findAll(text, 1)[0]
  return found === undefined ? '' : text.slice(found[0], found[1])
})
const findAll = fn(['text', 'text', 'int'], (pattern, text, count) => {
  const found = regexp(pattern).findAll(text, count)
  checkListLength(found.length)
  return found.map(([start, end]) => text.slice(start, end))
})
const replaceAll = fn(['text', 'text', 'text'], (pattern, text, replacement) => {
  checkReplacement(pattern, text, replacement)
  return regexp(pattern).replaceAll(text, replacement)
})
const replaceAllLiteral = fn(['text', 'text', 'text'], (pattern, text, replacement) => {
  checkReplacement(pattern, text, replacement)
  return regexp(pattern).replaceAll(
    text,
    replacement.replaceAll('$', () => '$$'),
  )
})
const split = fn(['text', 'text', 'int'], (pattern, text, count) => {
  if (count === 0) return []
  const parts: string[] = []
  let from = 0
  for (const [start, end] of regexp(pattern).findAll(text)) {
    if (count > 0 && parts.length === count - 1) break
    // An empty match at the very beginning parts nothing.
    if (end === 0) continue
    parts.push(text.slice(from, start))
    from = end
  }
  parts.push(text.slice(from))
  checkListLength(parts.length)
  return parts
})

/** sprig's functions on patterns, in RE2 syntax and linear time. */
export const REGEX_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  regexMatch: match,
  mustRegexMatch: match,
  regexFind: find,
  mustRegexFind: find,
  regexFindAll: findAll,
  mustRegexFindAll: findAll,
  regexReplaceAll: replaceAll,
  mustRegexReplaceAll: replaceAll,
  regexReplaceAllLiteral: replaceAllLiteral,
  mustRegexReplaceAllLiteral: replaceAllLiteral,
  regexSplit: split,
  mustRegexSplit: split,
  regexQuoteMeta: fn(['text'], (text) => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')),
}

/** Patterns are nearly always constants of a template: compiled once, the oldest forgotten first. */
const compiled = new Map<string, Regexp>()
const MAX_COMPILED = 64

function regexp(pattern: string): Regexp {
  const known = compiled.get(pattern)
  if (known !== undefined) return known
  try {
    const made = compileRegexp(pattern)
    if (compiled.size >= MAX_COMPILED) {
      for (const oldest of compiled.keys()) {
        compiled.delete(oldest)
        break
      }
    }
    compiled.set(pattern, made)
    return made
  } catch (error) {
    throw runError(reasonOf(error))
  }
}

/** A pattern that matches everywhere puts the replacement between all characters. */
function checkReplacement(pattern: string, text: string, replacement: string): void {
  if (text.length * (replacement.length + 1) < SAFE_PRODUCT) return
  const count = regexp(pattern).findAll(text).length
  // A group in the replacement is at most the whole match.
  const groups = replacement.split('$').length - 1
  checkTextLength(text.length * (groups + 1) + count * replacement.length)
}

const SAFE_PRODUCT = 1_000_000
