import type { BodyRecord, RequestState, ResponseState } from '../../inspect/record.ts'

/** Lines of a body that are shown. */
export const MAX_BODY_LINES = 600

/** Bytes of a body that is no text that are shown. */
const MAX_HEX_BYTES = 512

/** `name: value` for each field. */
export function headerLines(headers: readonly string[]): string[] {
  const lines: string[] = []
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`)
  return lines
}

/** The name of such a line, without case. */
export function headerName(line: string): string {
  return line.slice(0, Math.max(0, line.indexOf(':'))).toLowerCase()
}

/** Method, path and query, each on a line of its own: one change in a long address is then easy to see. */
export function requestLines({ method, path, query }: RequestState): string[] {
  return [method, path, ...(query === '' ? [] : [`?${query}`])]
}

export function statusLines({ status }: ResponseState): string[] {
  return [String(status)]
}

/** The body as lines: JSON indented, other text as it is, bytes in hex. */
export function bodyLines(body: BodyRecord): string[] {
  if (body.size === 0) return []
  if (body.text === null) return hexLines(body.base64 ?? '')
  const lines = (indentedJson(body) ?? body.text).split('\n')
  return lines.length > MAX_BODY_LINES
    ? [...lines.slice(0, MAX_BODY_LINES), `… ${lines.length - MAX_BODY_LINES} more lines`]
    : lines
}

/** `1.2 KB, JSON, the first 64 KiB of it`. */
export function describeBody(body: BodyRecord): string {
  const parts: string[] = []
  if (body.size === 0) parts.push(body.isComplete ? 'none' : 'not read by any filter')
  else parts.push(formatBytes(body.size))
  if (body.size > 0) {
    parts.push(
      body.text === null ? 'binary' : indentedJson(body) === null ? 'text' : 'JSON, indented here',
    )
    if (body.isCut) parts.push('only its start was kept')
    if (!body.isComplete) parts.push('not read to its end')
  }
  return parts.join(', ')
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`
  return bytes < 1_048_576
    ? `${(bytes / 1_024).toFixed(1)} KB`
    : `${(bytes / 1_048_576).toFixed(1)} MB`
}

function indentedJson(body: BodyRecord): string | null {
  const { text } = body
  if (text === null || body.isCut || !/^\s*[[{]/.test(text)) return null
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    // It only looks like JSON.
    return null
  }
}

function hexLines(base64: string): string[] {
  const bytes = Uint8Array.from(atob(base64).slice(0, MAX_HEX_BYTES), (one) => one.charCodeAt(0))
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += 16) {
    const part = [...bytes.subarray(at, at + 16)]
    const hex = part.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'))
    lines.push(`${at.toString(16).padStart(4, '0')}  ${hex.padEnd(47)}  ${text.join('')}`)
  }
  return lines
}
