import { styleText } from 'node:util'

/** Characters of one field value that a human line shows; the JSON line has the whole. */
export const HUMAN_VALUE_LIMIT = 400

/**
 * Escapes what JSON leaves as it is but a terminal or a line reader acts on: DEL, the C1 controls (0x9B
 * starts an escape sequence) and the two Unicode line ends. They can only stand inside strings, so the
 * line stays the same JSON.
 */
export function escapeControls(json: string): string {
  return UNSAFE_IN_JSON.test(json) ? json.replace(UNSAFE_IN_JSON_ALL, escapeUnit) : json
}

/** A text that came from outside, safe to stand in a line: every control character is escaped. */
export function escapeText(text: string): string {
  return UNSAFE_IN_TEXT.test(text) ? text.replace(UNSAFE_IN_TEXT_ALL, escapeUnit) : text
}

/** `12:30:05.123 INFO  message key=value`, with the stack of an error on lines of its own. */
export function formatHuman(json: string, color: boolean): string {
  const { time, level, msg, error, err, ...fields } = JSON.parse(json) as Record<string, unknown>
  const clock = String(time).slice(11, 23)
  const label = String(level).toUpperCase().padEnd(5)
  const parts = [paint(color, 'dim', clock), paint(color, colorOf(level), label)]
  if (typeof msg === 'string') parts.push(escapeText(msg))
  for (const [key, value] of Object.entries(fields)) {
    parts.push(`${paint(color, 'dim', `${escapeText(key)}=`)}${formatValue(value)}`)
  }
  const thrown = error ?? err
  if (thrown === undefined) return `${parts.join(' ')}\n`
  const stack = stackOf(thrown)
  if (stack === null)
    return `${parts.join(' ')} ${paint(color, 'dim', 'error=')}${formatValue(thrown)}\n`
  const lines = stack.split('\n').map((line) => `    ${escapeText(line)}`)
  return `${parts.join(' ')}\n${lines.join('\n')}\n`
}

function formatValue(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined')
  const short = text.length > HUMAN_VALUE_LIMIT ? `${text.slice(0, HUMAN_VALUE_LIMIT)}…` : text
  const escaped = escapeText(short)
  return typeof value === 'string' && /[\s"=]|^$/.test(escaped) ? `"${escaped}"` : escaped
}

function stackOf(thrown: unknown): string | null {
  if (typeof thrown !== 'object' || thrown === null || !('stack' in thrown)) return null
  return typeof thrown.stack === 'string' ? thrown.stack : null
}

function colorOf(level: unknown): Color {
  if (level === 'error') return 'red'
  if (level === 'warn') return 'yellow'
  return level === 'info' ? 'green' : 'dim'
}

type Color = 'red' | 'yellow' | 'green' | 'dim'

function paint(color: boolean, name: Color, text: string): string {
  return color ? styleText(name, text, { validateStream: false }) : text
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

const UNSAFE_IN_JSON = /[\x7f-\x9f\u2028\u2029]/
const UNSAFE_IN_JSON_ALL = /[\x7f-\x9f\u2028\u2029]/g
const UNSAFE_IN_TEXT = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/
const UNSAFE_IN_TEXT_ALL = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/g
