import { STATUS_CODES } from '../node-http.ts'

/** Methods that are served, for the Allow field that a 405 must carry (RFC 9110, section 15.5.6). */
export const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

/** The text of an answer that the engine gives by itself: what was wrong with the message, nothing of the inside. */
export function answerText(status: number, reason: string): string {
  return `${status} ${STATUS_CODES[status] ?? 'Error'}\n${reason}\n`
}

/** The fields of such an answer; the connection closes after it. */
export function answerFields(status: number, text: string): string[] {
  const fields = [
    'content-type',
    'text/plain; charset=utf-8',
    'content-length',
    String(text.length),
  ]
  if (status === 503) fields.push('retry-after', '1')
  if (status === 405) fields.push('allow', ALLOWED_METHODS)
  fields.push('connection', 'close')
  return fields
}

/** The whole answer as it goes over the wire, for a socket that has no response object. */
export function rawAnswer(status: number, reason: string): string {
  const text = answerText(status, reason)
  const fields = answerFields(status, text)
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n`
  for (let i = 0; i < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`
  return `${head}date: ${new Date().toUTCString()}\r\n\r\n${text}`
}
