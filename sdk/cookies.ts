import { Headers } from './headers.ts'
import { Text } from './text.ts'

/** The value of a cookie in the `cookie` fields of a request, the first of that name; null without one. */
export function cookieValue(headers: Headers, name: string): Text | null {
  const count = headers.count('cookie')
  if (count == 0) return null
  if (count == 1) {
    const line = headers.get('cookie')
    return line === null ? null : valueIn(line, name)
  }
  // HTTP/2 may split the field.
  const lines = headers.getAll('cookie')
  for (let i = 0; i < lines.length; i++) {
    const value = valueIn(lines[i], name)
    if (value !== null) return value
  }
  return null
}

/** Takes every cookie of that name out of the request; the others stay as they were written. */
export function removeCookie(headers: Headers, name: string): void {
  const lines = headers.getAll('cookie')
  let kept = ''
  let isFound = false
  for (let i = 0; i < lines.length; i++) {
    const parts = lines[i].split(';')
    for (let j = 0; j < parts.length; j++) {
      const part = parts[j].trim()
      if (part.length == 0) continue
      if (isCalled(part, name)) isFound = true
      else kept += kept == '' ? part.toString() : `; ${part}`
    }
  }
  if (!isFound) return
  if (kept == '') headers.remove('cookie')
  else headers.set('cookie', kept)
}

function valueIn(line: Text, name: string): Text | null {
  const length = line.length
  let start = 0
  while (start < length) {
    let end = line.indexOf(';', start)
    if (end < 0) end = length
    while (start < end && isBlank(line.byteAt(start))) start++
    const equals = start + name.length
    if (line.startsWith(name, start) && equals < end && line.byteAt(equals) == 0x3d) {
      return unquoted(line.slice(equals + 1, end).trim())
    }
    start = end + 1
  }
  return null
}

function isCalled(part: Text, name: string): bool {
  return part.startsWith(name) && part.byteAt(name.length) == 0x3d
}

function unquoted(value: Text): Text {
  const last = value.length - 1
  const isQuoted = last > 0 && value.byteAt(0) == 0x22 && value.byteAt(last) == 0x22
  return isQuoted ? value.slice(1, last) : value
}

function isBlank(byte: i32): bool {
  return byte == 0x20 || byte == 0x09
}
