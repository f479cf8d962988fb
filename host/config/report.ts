import { type ConfigIssue, formatIssue, printable } from './issues.ts'
import type { SourceText } from './source.ts'

/** What the report is written to, as far as its looks depend on it. */
export interface Terminal {
  /** Offending lines are shown on a terminal only: elsewhere a line is an issue. */
  readonly isTerminal: boolean
  readonly hasColor: boolean
  /** Width in cells; 0 when unknown. */
  readonly columns: number
}

/** Issues that are written out; the rest is counted. */
export const MAX_REPORTED_ISSUES = 500
/** Lines shown above an offending line. */
const CONTEXT_LINES = 1
/** Width of a frame when the terminal does not say its own. */
const DEFAULT_COLUMNS = 100
/** Cells shown before the place of an issue in a line that is too long. */
const LEAD_CELLS = 30

/**
 * The issues as lines of text, each `file:line:column: error: message`. On a terminal the offending line
 * follows with a caret under the place:
 *
 *     gateway.yaml:7:7: error: unknown field `jumpif` (did you mean "jumpIf"?)
 *        6 |     - filter: limit
 *        7 |       jumpif: { rateLimited: END }
 *          |       ^^^^^^
 */
export function renderIssues(
  issues: readonly ConfigIssue[],
  sources: readonly SourceText[],
  terminal: Terminal,
): string {
  const paint = terminal.hasColor ? colored : plain
  const texts = new Map(sources.map((source) => [source.file, source.text]))
  const lines = new Map<string, readonly string[]>()
  let text = ''
  for (const issue of issues.slice(0, MAX_REPORTED_ISSUES)) {
    text += `${headline(issue, paint)}\n`
    const file = issue.position?.file
    const source = file === undefined ? undefined : texts.get(file)
    if (!terminal.isTerminal || file === undefined || source === undefined) continue
    let split = lines.get(file)
    if (split === undefined) {
      split = source.replace(/^\uFEFF/, '').split(/\r?\n/)
      lines.set(file, split)
    }
    text += frame(issue, split, terminal.columns || DEFAULT_COLUMNS, paint)
  }
  const rest = issues.length - MAX_REPORTED_ISSUES
  return rest > 0 ? `${text}… and ${rest} more\n` : text
}

type Style = 'bold' | 'error' | 'warning' | 'dim'
type Paint = (style: Style, text: string) => string

const CODES: Readonly<Record<Style, string>> = {
  bold: '1',
  error: '31;1',
  warning: '33;1',
  dim: '2',
}
const plain: Paint = (_, text) => text
const colored: Paint = (style, text) => `\u001B[${CODES[style]}m${text}\u001B[0m`

function headline(issue: ConfigIssue, paint: Paint): string {
  const line = formatIssue(issue)
  const mark = `${issue.severity}: `
  const { position } = issue
  // The severity stands after the place; a file name might hold the same word.
  const place =
    position === null ? '' : printable(`${position.file}:${position.line}:${position.column}: `)
  const rest = line.slice(place.length + mark.length)
  return paint('bold', place) + paint(issue.severity, mark) + rest
}

function frame(
  issue: ConfigIssue,
  lines: readonly string[],
  columns: number,
  paint: Paint,
): string {
  const { position } = issue
  if (position === null) return ''
  const first = Math.max(1, position.line - CONTEXT_LINES)
  const digits = Math.max(4, String(position.line).length + 1)
  const room = Math.max(20, columns - digits - 4)
  const source = visible(lines[position.line - 1] ?? '')
  const before = visible(
    Array.from(lines[position.line - 1] ?? '')
      .slice(0, position.column - 1)
      .join(''),
  )
  // A long line is shown from a little before the place on; its neighbors keep in step with it.
  const start = cells(before) < room - 10 ? 0 : Math.max(0, cells(before) - LEAD_CELLS)
  let text = ''
  for (let line = first; line <= position.line; line++) {
    const shown = cut(visible(lines[line - 1] ?? ''), start, room)
    text += `${paint('dim', `${String(line).padStart(digits)} | `)}${shown}\n`
  }
  const marked = source.slice(before.length).match(/^(?:"[^"]*"?|'[^']*'?|[^\s:,\]}]+)/)?.[0] ?? ' '
  const left = cells(before) - start
  const length = Math.max(1, Math.min(cells(marked), room - left))
  const caret = `${' '.repeat(left)}${paint(issue.severity, '^'.repeat(length))}`
  return `${text}${paint('dim', `${' '.repeat(digits)} | `)}${caret}\n`
}

/** Tabs as spaces, and nothing that could move the cursor. */
function visible(text: string): string {
  return printable(text.replaceAll('\t', '  '))
}

/** The part of a text that begins at a cell and has room for `room` cells. */
function cut(text: string, start: number, room: number): string {
  let at = 0
  let result = ''
  for (const character of text) {
    const width = cells(character)
    if (at >= start && at + width <= start + room) result += character
    at += width
  }
  return result
}

/** Cells of a terminal a text takes: combining characters none, East Asian wide ones and emoji two. */
function cells(text: string): number {
  let width = 0
  for (const character of text) {
    if (/\p{M}/u.test(character)) continue
    width += WIDE.test(character) ? 2 : 1
  }
  return width
}

const WIDE =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1F64F}\u{1F680}-\u{1F6FF}\u{1F900}-\u{1F9FF}\u{20000}-\u{3FFFD}]/u
