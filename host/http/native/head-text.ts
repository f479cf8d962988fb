import { STATUS_CODES } from 'node:http'
import { isHopByHop } from '../forward.ts'

/**
 * The field lines of a flat list, framing and hop-by-hop fields left out: those are written by the engine
 * alone. Null when a name or a value would break out of its line.
 */
export function fieldLines(list: readonly string[]): string | null {
  let text = ''
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string
    if (isHopByHop(name)) continue
    const value = list[i + 1] as string
    // Characters past 0xff lose their upper byte on the wire: U+010A would become a line end.
    if (BREAKS_VALUE.test(value) || BREAKS_NAME.test(name)) return null
    text += `${name}: ${value}\r\n`
  }
  return text
}

/** Past this a latin1 text is copied once more on its way to the socket. */
export const MAX_TEXT_LENGTH = 16 * 1024

const BREAKS_VALUE = /[^\t -~\x80-\xff]/
const BREAKS_NAME = /[^!#$%&'*+\-.^_`|~0-9A-Za-z]/

const STATUS_LINES: string[] = []

/** `HTTP/1.1 200 OK` with its line end. */
export function statusLine(status: number): string {
  return (STATUS_LINES[status] ??= `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`)
}

let dateText = ''
let dateSecond = -1

/** The Date field of this second, with its line end (RFC 9110, section 6.6.1). */
export function dateLine(): string {
  const now = Date.now()
  const second = Math.floor(now / 1000)
  if (second !== dateSecond) {
    dateSecond = second
    dateText = `date: ${new Date(now).toUTCString()}\r\n`
  }
  return dateText
}

/** A whole answer of the gateway's own, after which the connection closes. */
export function closingAnswer(status: number, text: string, extra = ''): string {
  return (
    `${statusLine(status)}${dateLine()}content-type: text/plain; charset=utf-8\r\n${extra}` +
    `content-length: ${text.length + 1}\r\nconnection: close\r\n\r\n${text}\n`
  )
}
