import { isFieldValue, isToken } from '../../exchange/field-rules.ts'
import { Headers } from '../../exchange/headers.ts'
import { endToEndFields } from '../forward.ts'
import { ALLOWED_METHODS, answerText } from '../node/local-answer.ts'
import { STATUS_CODES } from '../node-http.ts'

/** The Allow field, with its line end. */
export const ALLOW_LINE = `allow: ${ALLOWED_METHODS}\r\n`

/**
 * The field lines of a message, without what belongs to framing and to the connection: that is written by
 * the engine alone. Null when a name or a value would break out of its line.
 */
export function fieldLines(fields: Headers | readonly string[]): string | null {
  if (!(fields instanceof Headers)) return listLines(fields)
  return fields.lines ?? listLines(fields.list)
}

function listLines(all: readonly string[]): string | null {
  const list = endToEndFields(all)
  let text = ''
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string
    const value = list[i + 1] as string
    // Characters past 0xff lose their upper byte on the wire: U+010A would become a line end.
    if (!isToken(name) || !isFieldValue(value)) return null
    text += `${name}: ${value}\r\n`
  }
  return text
}

/** The lines that tell a client that its connection is a WebSocket from now on. */
export const UPGRADED_LINES = 'connection: upgrade\r\nupgrade: websocket\r\n'

const STATUS_LINES: string[] = []

/** `HTTP/1.1 200 OK` with its line end. */
export function statusLine(status: number): string {
  let line = STATUS_LINES[status]
  if (line === undefined) {
    line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`
    STATUS_LINES[status] = line
  }
  return line
}

let dateText = ''
let dateSecond = -1

/** The Date field of this second, with its line end (RFC 9110, section 6.6.1). */
export function dateLine(): string {
  const now = Date.now()
  const second = Math.floor(now / 1000)
  if (second !== dateSecond) {
    dateSecond = second
    dateText = `Date: ${new Date(now).toUTCString()}\r\n`
  }
  return dateText
}

/** A whole answer of the engine's own, after which the connection closes. */
export function closingAnswer(status: number, reason: string, isHead = false): string {
  const text = answerText(status, reason)
  const extra = status === 405 ? ALLOW_LINE : status === 503 ? 'retry-after: 1\r\n' : ''
  return (
    `${statusLine(status)}${dateLine()}content-type: text/plain; charset=utf-8\r\n${extra}` +
    `content-length: ${text.length}\r\nconnection: close\r\n\r\n${isHead ? '' : text}`
  )
}
