import { jwt, Request, Text } from '@penstock/sdk'

/** Where the tokens of a request were found. */
@final
export class Tokens {
  /** The one to read; null when there is none. */
  first: Text | null = null
  /** How many there are: two are one too many where somebody else has chosen which one to verify. */
  count: i32 = 0
}

/**
 * The token of the cookie of that name ("" for none), else that of `authorization`. Every field that another
 * reader could take for one of the two is counted: whoever verified the token before must not have seen a
 * different one. So names of cookies are compared without anything around them that some reader takes away.
 */
export function tokensOf(request: Request, cookie: string): Tokens {
  const found = new Tokens()
  if (cookie != '') findCookies(request, cookie, found)
  found.count += request.headers.count('authorization')
  if (found.first === null) found.first = jwt.bearer(request)
  return found
}

function findCookies(request: Request, cookie: string, found: Tokens): void {
  const lines = request.headers.getAll('cookie')
  for (let i = 0; i < lines.length; i++) {
    const parts = lines[i].split(';')
    for (let j = 0; j < parts.length; j++) {
      const equals = parts[j].indexOf('=')
      if (equals < 0 || !trimmed(parts[j].slice(0, equals)).equals(cookie)) continue
      found.count++
      const value = parts[j].slice(equals + 1).trim()
      if (found.first === null && value.length > 0) found.first = value
    }
  }
}

/** Without anything but visible ASCII at its ends. */
function trimmed(name: Text): Text {
  let start = 0
  let end = name.length
  while (start < end && !isVisible(name.byteAt(start))) start++
  while (end > start && !isVisible(name.byteAt(end - 1))) end--
  return name.slice(start, end)
}

function isVisible(byte: i32): bool {
  return byte > 0x20 && byte < 0x7f
}
