import { formatPath, type JsonPath } from './json.ts'
import { nearest } from './nearest.ts'
import type { z } from './schema.ts'

/** The value a message is about. */
export interface Seen {
  readonly value: unknown
  /** What stands in the text when the value came from `${…}`: then the value is not printed. */
  readonly written: string | undefined
}

export interface Wording {
  readonly message: string
  readonly suggestion: string | null
}

/** Characters of a value that a message shows. */
const MAX_SHOWN_LENGTH = 40

/** Says of a schema issue what the field takes and what was seen instead. */
export function describeIssue(issue: z.core.$ZodIssue, path: JsonPath, seen: Seen): Wording {
  const field = fieldName(path)
  if (seen.value === undefined) return plain(`${field} is missing`)
  const takes = (what: string) => plain(`${field} takes ${what}, not ${describeSeen(seen)}`)
  switch (issue.code) {
    case 'invalid_type':
      return invalidType(field, issue.expected, seen)
    case 'invalid_value':
      return oneOf(field, issue.values, seen)
    case 'invalid_union':
      return 'options' in issue && issue.options !== undefined
        ? oneOf(field, issue.options, seen)
        : takes(alternatives(issue))
    case 'too_small':
      return takes(bound(issue.origin, 'at least', issue.inclusive !== false, issue.minimum))
    case 'too_big':
      return takes(bound(issue.origin, 'at most', issue.inclusive !== false, issue.maximum))
    case 'invalid_format':
      if (issue.format === 'regex')
        return takes(`text that matches ${issue.pattern ?? 'a pattern'}`)
      if ('prefix' in issue) return takes(`text that begins with "${issue.prefix}"`)
      return takes(`text of the form "${issue.format}"`)
    case 'not_multiple_of':
      return takes(`a multiple of ${issue.divisor}`)
    case 'custom':
      return takes(String(issue.params?.['want'] ?? 'another value'))
    default:
      return plain(`${field} is not valid`)
  }
}

/** A value as a message shows it: cut, and with its type where that is in doubt. */
export function describeValue(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a mapping'
  if (typeof value !== 'string') return `${typeof value === 'number' ? 'the number ' : ''}${value}`
  return value === '' ? 'empty text' : `"${shorten(value)}"`
}

/** At most 40 characters of a text. */
export function shorten(text: string): string {
  const characters = Array.from(text.slice(0, MAX_SHOWN_LENGTH * 2))
  if (characters.length <= MAX_SHOWN_LENGTH) return text
  return `${characters.slice(0, MAX_SHOWN_LENGTH).join('')}…`
}

function describeSeen(seen: Seen): string {
  return seen.written === undefined
    ? describeValue(seen.value)
    : `the value of "${shorten(seen.written)}"`
}

/** The field as a person knows it: the last name of the path, with the indexes after it. */
export function fieldName(path: JsonPath): string {
  const from = path.findLastIndex((step) => typeof step === 'string')
  if (from === -1) return 'the document'
  const [key, ...indexes] = path.slice(from)
  return `\`${key}${formatPath(indexes)}\``
}

function plain(message: string): Wording {
  return { message, suggestion: null }
}

const TYPES: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  null: 'nothing',
  number: 'a number',
  object: 'a mapping',
  record: 'a mapping',
  string: 'text',
}

function invalidType(field: string, expected: string, seen: Seen): Wording {
  const shown = describeSeen(seen)
  const { value } = seen
  const isQuotable = typeof value === 'number' || typeof value === 'boolean'
  const hint = expected === 'string' && isQuotable ? ': put it in quotes' : ''
  const isQuoted = expected === 'number' || expected === 'int' || expected === 'boolean'
  const kind = isQuoted && typeof value === 'string' && value !== '' ? 'the text ' : ''
  const text = seen.written === undefined ? `${kind}${shown}` : shown
  return plain(`${field} takes ${TYPES[expected] ?? expected}, not ${text}${hint}`)
}

function oneOf(field: string, values: readonly unknown[], seen: Seen): Wording {
  const names = values.map((value) => describeValue(value))
  const list = names.length === 1 ? `only ${names[0]}` : `one of ${names.join(', ')}`
  const { value } = seen
  const texts = values.filter((one) => typeof one === 'string')
  const isOpen = typeof value === 'string' && seen.written === undefined
  return {
    message: `${field} takes ${list}, not ${describeSeen(seen)}`,
    suggestion: isOpen ? nearest(value, texts) : null,
  }
}

/** `text or a list`: what the branches of a union begin with. */
function alternatives(issue: z.core.$ZodIssueInvalidUnion): string {
  const names = new Set<string>()
  for (const errors of issue.errors) {
    for (const error of errors) {
      if (error.path.length > 0) continue
      if (error.code === 'invalid_type') names.add(TYPES[error.expected] ?? error.expected)
      if (error.code === 'invalid_value')
        for (const one of error.values) names.add(describeValue(one))
    }
  }
  return names.size === 0 ? 'another value' : [...names].join(' or ')
}

function bound(origin: string, side: string, isInclusive: boolean, limit: number | bigint): string {
  const amount = isInclusive
    ? `${side} ${limit}`
    : `${side === 'at least' ? 'more' : 'less'} than ${limit}`
  if (origin === 'string') {
    return side === 'at least' && limit === 1
      ? 'text that is not empty'
      : `text of ${amount} characters`
  }
  if (origin === 'array' || origin === 'set')
    return `a list of ${amount} item${limit === 1 ? '' : 's'}`
  return amount
}
