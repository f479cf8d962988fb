import { APART, isToken } from './field-rules.ts'

/** A field name that was looked at once: for those that are written again and again. It is a token. */
export interface FieldName {
  /** As it is written. */
  readonly name: string
  readonly lower: string
  /** A field that checked lines do not hold. */
  readonly isApart: boolean
  /** What was last added of this name, and its line: see `lineOf`. */
  lastAdded: string
  lastLine: string
}

/** What is known of a name at first. */
export function newFieldName(name: string, lower: string): FieldName {
  return { name, lower, isApart: APART.has(lower), lastAdded: '', lastLine: `${name}: \r\n` }
}

/** A longer value is not kept with its name. */
const MAX_KEPT_VALUE = 64

/**
 * `name: value` and CRLF. What filters write is often what they wrote before; made anew, a line is joined of three
 * texts and copied when it is sent.
 */
export function lineOf(field: FieldName, value: string): string {
  if (field.lastAdded === value) return field.lastLine
  const line = `${field.name}: ${value}\r\n`
  if (value.length <= MAX_KEPT_VALUE) {
    field.lastAdded = value
    field.lastLine = line
  }
  return line
}

/** So many names are kept; which ones are written is decided by plugins, so there is an end to it. */
const MAX_KNOWN_NAMES = 1_024

const knownNames = new Map<string, FieldName>()

/** Looks at a name, the first time it comes; null when it is no token. */
export function fieldName(name: string): FieldName | null {
  const known = knownNames.get(name)
  if (known !== undefined) return known
  if (!isToken(name)) return null
  const lower = name.toLowerCase()
  const made = newFieldName(name, lower)
  if (knownNames.size < MAX_KNOWN_NAMES) knownNames.set(name, made)
  return made
}
