import { Query } from './query.ts'
import { Text } from './text.ts'

/**
 * An address such as those of `origin`, `referer` and `location`, taken apart. It is http or https with a
 * host; what readers disagree about is none: a user name, a backslash, a space, a character that is not ASCII.
 *
 *     const from = Url.parse(request.headers.get('referer'))
 *     if (from === null || from.host != 'shop.example') return reply(403, 'not from here')
 */
@final
export class Url {
  /** "http" or "https". */
  readonly scheme: string
  /** In lower case, without the port; an IPv6 address stands in its brackets. */
  readonly host: string
  /** That of the scheme, 80 or 443, when the address names none. */
  readonly port: i32
  /** Percent-encoded as it was written; it starts with "/". */
  readonly path: Text
  /** Percent-encoded as it was written, without "?". */
  readonly queryText: Text

  /** Made by the SDK: use `Url.parse`. */
  constructor(scheme: string, host: string, port: i32, path: Text, queryText: Text) {
    this.scheme = scheme
    this.host = host
    this.port = port
    this.path = path
    this.queryText = queryText
  }

  /** Takes the address apart; null when it is none, and for null. What stands behind "#" is left out. */
  static parse(text: Text | null): Url | null {
    if (text === null) return null
    for (let i = 0; i < text.length; i++) {
      const byte = text.byteAt(i)
      if (byte <= 0x20 || byte >= 0x7f || byte == 0x5c) return null
    }
    const colon = text.indexOf('://')
    const scheme = colon < 0 ? '' : text.slice(0, colon).toString().toLowerCase()
    if (scheme != 'http' && scheme != 'https') return null
    const start = colon + 3
    let end = text.length
    const hash = text.indexOf('#', start)
    if (hash >= 0) end = hash
    const mark = text.indexOf('?', start)
    const queryAt = mark >= 0 && mark < end ? mark : end
    const slash = text.indexOf('/', start)
    const pathAt = slash >= 0 && slash < queryAt ? slash : queryAt
    const authority = text.slice(start, pathAt)
    const portAt = portIn(authority)
    const host = authority.slice(0, portAt).toString().toLowerCase()
    if (!isHost(host)) return null
    const port = portOf(authority, portAt, scheme == 'https' ? 443 : 80)
    if (port < 0) return null
    const path = pathAt < queryAt ? text.slice(pathAt, queryAt) : Text.of('/')
    return new Url(scheme, host, port, path, text.slice(min(queryAt + 1, end), end))
  }

  /**
   * What a browser sends as `origin`: the port stands there when it is not the scheme's own.
   *
   *     if (from.origin == 'https://shop.example') …
   */
  get origin(): string {
    const isOwn = this.port == (this.scheme == 'https' ? 443 : 80)
    return `${this.scheme}://${this.host}${isOwn ? '' : `:${this.port}`}`
  }

  /** The pairs of the query. */
  get query(): Query {
    return new Query(this.queryText)
  }

  /** The address as it is sent: without what stood behind "#". */
  toString(): string {
    const query = this.queryText.length == 0 ? '' : `?${this.queryText}`
    return `${this.origin}${this.path}${query}`
  }
}

/** Where the port's colon stands, or the end. */
function portIn(authority: Text): i32 {
  const bracket = authority.indexOf(']')
  const colon = authority.indexOf(':', max(bracket, 0))
  return colon < 0 ? authority.length : colon
}

function portOf(authority: Text, at: i32, own: i32): i32 {
  // A colon without a port is the scheme's own (RFC 3986, section 3.2.3).
  if (at >= authority.length - 1) return own
  let port = 0
  for (let i = at + 1; i < authority.length; i++) {
    const digit = authority.byteAt(i) - 0x30
    if (digit < 0 || digit > 9) return -1
    port = port * 10 + digit
    if (port > 65_535) return -1
  }
  return port
}

function isHost(host: string): bool {
  if (host.startsWith('[')) {
    return host.length > 2 && host.endsWith(']') && isAddress6(host.slice(1, -1))
  }
  const labels = host.split('.')
  for (let i = 0; i < labels.length; i++) if (!isLabel(labels[i])) return false
  // A browser takes "80", "1.2" and "0x7f.1" for the address of a machine, others for a name.
  const last = labels[labels.length - 1]
  return isNumber(last) || last.startsWith('0x') ? isAddress4(labels) : true
}

/** Letters, digits, `-` and `_`. */
function isLabel(label: string): bool {
  for (let i = 0; i < label.length; i++) {
    const character = label.charCodeAt(i)
    const isLetter = character >= 0x61 && character <= 0x7a
    const isDigit = character >= 0x30 && character <= 0x39
    if (!isLetter && !isDigit && character != 0x2d && character != 0x5f) return false
  }
  return label.length > 0
}

function isNumber(label: string): bool {
  for (let i = 0; i < label.length; i++) {
    const character = label.charCodeAt(i)
    if (character < 0x30 || character > 0x39) return false
  }
  return true
}

/** Four numbers up to 255, written without zeros before them. */
function isAddress4(labels: string[]): bool {
  if (labels.length != 4) return false
  for (let i = 0; i < 4; i++) {
    const label = labels[i]
    if (!isNumber(label) || label.length > 3 || I32.parseInt(label) > 255) return false
    if (label.length > 1 && label.startsWith('0')) return false
  }
  return true
}

/** Hexadecimal digits, `:` and `.`; what they come to is for whoever connects. */
function isAddress6(address: string): bool {
  for (let i = 0; i < address.length; i++) {
    const character = address.charCodeAt(i)
    const isDigit = character >= 0x30 && character <= 0x3a
    const isLetter = character >= 0x61 && character <= 0x66
    if (!isDigit && !isLetter && character != 0x2e) return false
  }
  return true
}
