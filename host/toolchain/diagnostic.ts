import { relative } from 'node:path'

/** The line a diagnostic points at, for showing it with a mark underneath. */
export interface CodeFrame {
  readonly text: string
  /** Characters to mark, at least 1. */
  readonly length: number
}

/** One message of the compiler or of the scan. Plain data: it crosses threads and lies in caches. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning' | 'info'
  /** Absolute path; `~lib/…` for AssemblyScript's own library. */
  readonly file: string
  /** From 1, like the column; 0 for a message about no place in particular. */
  readonly line: number
  readonly column: number
  /** Lowercase start, no full stop. */
  readonly message: string
  /** The nearest valid name, when there is one near enough. */
  readonly suggestion: string | null
  readonly frame: CodeFrame | null
}

/** A diagnostic for the characters from `start` to `end` of `text`. */
export function diagnosticAt(
  severity: Diagnostic['severity'],
  file: string,
  text: string,
  start: number,
  end: number,
  message: string,
  suggestion: string | null = null,
): Diagnostic {
  const lineStart = text.lastIndexOf('\n', start - 1) + 1
  const nextLine = text.indexOf('\n', start)
  const lineEnd = nextLine < 0 ? text.length : nextLine
  let line = 1
  for (let at = text.indexOf('\n'); at >= 0 && at < start; at = text.indexOf('\n', at + 1))
    line += 1
  return {
    severity,
    file,
    line,
    column: start - lineStart + 1,
    message,
    suggestion,
    frame: {
      text: text.slice(lineStart, lineEnd).replace(/\r$/, ''),
      length: Math.max(1, Math.min(end, lineEnd) - start),
    },
  }
}

/** `file:line:column: error: message (did you mean "onRequest"?)`, the path relative to `base`. */
export function formatDiagnostic(diagnostic: Diagnostic, base = process.cwd()): string {
  const { file, line, column, severity, message, suggestion } = diagnostic
  const place = `${shortPath(file, base)}:${line > 0 ? `${line}:${column}:` : ''}`
  const hint = suggestion === null ? '' : ` (did you mean "${suggestion}"?)`
  return `${place} ${severity}: ${message}${hint}`
}

/** The line and a row of marks below it, ready to print under `formatDiagnostic`; "" without a place. */
export function formatFrame(diagnostic: Diagnostic): string {
  const { frame, line, column } = diagnostic
  if (frame === null) return ''
  const number = String(line)
  // Tabs stay tabs, so that the marks stand where the eye expects them.
  const indent = frame.text.slice(0, column - 1).replace(/[^\t]/g, ' ')
  const blank = ' '.repeat(number.length)
  return `  ${number} | ${frame.text}\n  ${blank} | ${indent}${'^'.repeat(frame.length)}`
}

function shortPath(file: string, base: string): string {
  if (file.startsWith('~lib/')) return file
  const short = relative(base, file)
  return short === '' || short.startsWith('../../..') ? file : short
}
