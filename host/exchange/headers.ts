/**
 * The header fields of one message, in order, with the case they arrived in. Names are compared without
 * case; values are latin1 text: one character is one byte on the wire (RFC 9110, section 5.5).
 *
 * Two backings. A flat list `[name, value, name, value, …]` can be read and changed. Checked field lines
 * are what an engine read from the wire: the list is made from them when somebody looks, and they can be
 * sent on as they are. Checking each field of a list again costs half as much as the rest of a request; so
 * what is written here is checked, one field at a time, and the lines are made anew when they are asked for.
 *
 *     lines ──read──▶ lines and list ──change──▶ list, checked ──lines──▶ lines and list
 *                                          └─ what is not valid, or not the sender's to write ─▶ list
 *
 * Lookup is a linear scan: requests carry 7 to 40 fields, and the length test rejects nearly all of them.
 */
export class Headers {
  #list: string[] | null
  #lines: string | null = null
  /** Checked lines that stand before the others and are not sent on: Host, claims about the client. */
  #apart = ''
  /** Entries of the list that come from `#apart`. */
  #apartCount = 0
  /** Every field is known to be valid, and those that are not sent on stand first. */
  #isChecked = false
  /**
   * True when what the fields say about where the request came from (`X-Forwarded-For` and its like) was
   * written by the configuration, not by the client: then an upstream gets it.
   */
  hasOwnClaims = false

  /** Takes ownership of `list`. */
  constructor(list: string[] = []) {
    this.#list = list
  }

  /** The fields of a message that the gateway itself has made. */
  static own(list: string[]): Headers {
    const headers = new Headers(list)
    headers.hasOwnClaims = true
    return headers
  }

  /**
   * The fields of `lines`, each `name: value` and CRLF, which an engine has checked byte by byte: they are
   * sent as they are. The lines of `apart` stand before them and are not sent on.
   */
  static fromLines(lines: string, apart = ''): Headers {
    const headers = new Headers(NO_FIELDS)
    headers.#list = null
    headers.#lines = lines
    headers.#apart = apart
    headers.#isChecked = true
    return headers
  }

  /** The lines that may be sent on as they are; null when there is a field that must be looked at. */
  get lines(): string | null {
    if (this.#lines === null && this.#isChecked) {
      this.#lines = writeLines(this.list, this.#apartCount)
    }
    return this.#lines
  }

  /** The number of fields. */
  get size(): number {
    return this.list.length >> 1
  }

  /** The flat list itself; the reader must not change it. */
  get list(): readonly string[] {
    return this.#list ?? this.#makeList()
  }

  /** The first value of `name` (lowercase), or undefined. */
  get(name: string): string | undefined {
    const list = this.list
    for (let i = 0; i < list.length; i += 2) {
      if (sameName(list[i] as string, name)) return list[i + 1]
    }
    return undefined
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  /** Every value of `name` (lowercase), in order. */
  getAll(name: string): string[] {
    const list = this.list
    const values: string[] = []
    for (let i = 0; i < list.length; i += 2) {
      if (sameName(list[i] as string, name)) values.push(list[i + 1] as string)
    }
    return values
  }

  /** Sets `name` to exactly one value; the field keeps its place if it was there. */
  set(name: string, value: string): void {
    const lower = name.toLowerCase()
    const list = this.#change(lower, value)
    for (let i = 0; i < list.length; i += 2) {
      if (sameName(list[i] as string, lower)) {
        list[i + 1] = value
        this.#removeFrom(i + 2, lower)
        return
      }
    }
    list.push(name, value)
  }

  /**
   * Takes over a list that was made from `list` by somebody who has checked what was written. `isPlain`
   * says that no field of `isApart` was touched.
   */
  adopt(list: string[], isPlain: boolean): void {
    this.#list = list
    this.#lines = null
    this.#isChecked &&= isPlain
  }

  /** Adds a field after those that are there. */
  add(name: string, value: string): void {
    const lines = this.#lines
    this.#change(name.toLowerCase(), value).push(name, value)
    if (lines !== null && this.#isChecked) this.#lines = `${lines}${name}: ${value}\r\n`
  }

  /** Removes every field called `name`. */
  remove(name: string): void {
    const lower = name.toLowerCase()
    if (this.has(lower)) this.#removeFrom(0, lower)
  }

  /** An independent copy. */
  clone(): Headers {
    const copy = new Headers(this.list.slice())
    copy.#lines = this.#lines
    copy.#apart = this.#apart
    copy.#apartCount = this.#apartCount
    copy.#isChecked = this.#isChecked
    copy.hasOwnClaims = this.hasOwnClaims
    return copy
  }

  /** The list, in which the field `lower` is about to be changed: to `value`, or it goes. */
  #change(lower: string, value: string | null): string[] {
    const list = this.list as string[]
    this.#lines = null
    this.#isChecked &&=
      !APART.has(lower) && (value === null || (isToken(lower) && isFieldValue(value)))
    return list
  }

  #makeList(): string[] {
    const list: string[] = []
    parseLines(this.#apart, list)
    this.#apartCount = list.length
    parseLines(this.#lines ?? '', list)
    this.#list = list
    return list
  }

  #removeFrom(start: number, lower: string): void {
    const list = this.#change(lower, null)
    let write = start
    for (let read = start; read < list.length; read += 2) {
      if (sameName(list[read] as string, lower)) continue
      if (write !== read) {
        list[write] = list[read] as string
        list[write + 1] = list[read + 1] as string
      }
      write += 2
    }
    list.length = write
  }
}

const NO_FIELDS: string[] = []

/** Adds the fields of lines whose grammar is known to hold to a flat list. */
function parseLines(lines: string, list: string[]): void {
  let at = 0
  while (at < lines.length) {
    const end = lines.indexOf('\r', at)
    const colon = lines.indexOf(':', at)
    // Most senders put exactly one space; what else may stand there is spaces and tabs.
    const value = lines.slice(colon + 2, end)
    const isPlain = lines.charCodeAt(colon + 1) === 0x20 && !hasBlankEnds(value)
    list.push(lines.slice(at, colon), isPlain ? value : trimBlanks(lines.slice(colon + 1, end)))
    at = end + 2
  }
}

function writeLines(list: readonly string[], start: number): string {
  let lines = ''
  for (let i = start; i < list.length; i += 2) lines += `${list[i]}: ${list[i + 1]}\r\n`
  return lines
}

function hasBlankEnds(value: string): boolean {
  return (
    value.length > 0 &&
    (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(value.length - 1)))
  )
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** `trim` would take more than spaces and tabs: U+00A0 is a byte of a value. */
function trimBlanks(value: string): string {
  return value.replace(/^[\t ]+|[\t ]+$/g, '')
}

/** Are `name` and the lowercase `lower` the same field name? */
export function sameName(name: string, lower: string): boolean {
  const { length } = name
  if (length !== lower.length) return false
  for (let i = 0; i < length; i++) {
    const code = name.charCodeAt(i)
    const wanted = lower.charCodeAt(i)
    if (code !== wanted && (code < 0x41 || code > 0x5a || (code | 0x20) !== wanted)) return false
  }
  return true
}

/** A field name is a token (RFC 9110, section 5.6.2). */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text)
}

/**
 * A field value: visible characters, obs-text, spaces and tabs, none of these two at either end
 * (RFC 9110, section 5.5). CR, LF and NUL would split the message.
 */
export function isFieldValue(text: string): boolean {
  const { length } = text
  // A loop beats the expression below some 60 characters, which is nearly every value.
  if (length > 64) return FIELD_VALUE.test(text)
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0xff || code === 0x7f || (code < 0x20 && code !== 0x09)) return false
  }
  return !hasBlankEnds(text)
}

const FIELD_VALUE = /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/

/** Fields that describe the connection or the framing: the host writes them, nobody else (RFC 9110, section 7.6.1). */
export const HOST_OWNED_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/**
 * Fields that checked lines do not hold: whoever writes one of them takes a decision that is the engine's or
 * the forwarding rules', so they get to see it. Date is one because an answer without it must get another.
 */
const APART: ReadonlySet<string> = new Set([
  ...HOST_OWNED_HEADERS,
  'date',
  'expect',
  'forwarded',
  'http2-settings',
  'proxy-authorization',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
])

/** Is this, in lower case, a field that checked lines do not hold? */
export function isApart(lower: string): boolean {
  return APART.has(lower)
}
