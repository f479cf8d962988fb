import type { JsonPath } from './json.ts'

/** Where something stands in a configuration text; lines and columns count from 1, columns in characters. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
}

export type Severity = 'error' | 'warning'

/** One problem of a configuration, ready to be shown. */
export interface ConfigIssue {
  readonly severity: Severity
  /** Null for data that has no text, for instance a body sent to the admin API as JSON. */
  readonly position: Position | null
  /** The name of the object it is about, where there is no position to tell. */
  readonly object?: string
  /** `filters[1].limit`-style path inside the document. */
  readonly path: string
  /** Lowercase, no full stop; names the value seen and what is allowed. */
  readonly message: string
  /** The nearest valid name, when there is one near enough. */
  readonly suggestion: string | null
}

/** One problem before its place in the text is known: what a check of a spec reports. */
export interface Problem {
  readonly path: JsonPath
  /** Which end of a `key: value` pair is wrong. Default `value`. */
  readonly at?: 'key' | 'value'
  readonly message: string
  readonly suggestion?: string | null
  /** Default `error`. A warning never keeps a configuration from running. */
  readonly severity?: Severity
}

/** Every problem of a configuration at once. Thrown by what needs a valid one. */
export class ConfigError extends Error {
  readonly issues: readonly ConfigIssue[]

  constructor(issues: readonly ConfigIssue[]) {
    super(issues.map(formatIssue).join('\n'))
    this.name = 'ConfigError'
    this.issues = issues
  }
}

/** Is there anything that keeps the configuration from running? Warnings do not. */
export function hasErrors(issues: readonly ConfigIssue[]): boolean {
  return issues.some((issue) => issue.severity === 'error')
}

/** `file:line:column: error: message (did you mean "jumpIf"?)`, always one line. */
export function formatIssue(issue: ConfigIssue): string {
  const where =
    issue.position === null
      ? ''
      : `${issue.position.file}:${issue.position.line}:${issue.position.column}: `
  const hint = issue.suggestion === null ? '' : ` (did you mean "${issue.suggestion}"?)`
  return printable(`${where}${issue.severity}: ${issue.message}${hint}`)
}

/**
 * The text with every character that could move a terminal's cursor, change its color or reorder a line
 * written as an escape: names and values of a configuration are printed, and somebody else may have
 * written them.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
  })
}
