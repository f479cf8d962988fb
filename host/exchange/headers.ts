/**
 * The header fields of one message, in order, with the case they arrived in. Names are compared without
 * case; values are latin1 text: one character is one byte on the wire (RFC 9110, section 5.5).
 *
 * Two backings. A flat list `[name, value, name, value, …]` can be read and changed. Checked field lines
 * are what an engine read from the wire: the list is made from them when somebody looks, and as long as
 * nobody changes a field they can be sent on as they are, which saves a fifth of the work of a request.
 *
 *     lines ──read──▶ lines and list ──change──▶ list
 *
 * Lookup is a linear scan: requests carry 7 to 40 fields, and the length test rejects nearly all of them.
 */
export class Headers {
  #list: string[] | null
  #lines: string | null = null
  /** The Host field that stands before the lines; "" for none. */
  #host = ''

  /** Takes ownership of `list`. */
  constructor(list: string[] = []) {
    this.#list = list
  }

  /**
   * The fields of `lines`, each `name: value` and CRLF, which an engine has checked byte by byte: they are
   * sent as they are. `host` is a Host field that stands before them, "" for none.
   */
  static fromLines(lines: string, host = ''): Headers {
    const headers = new Headers(NO_FIELDS)
    headers.#list = null
    headers.#lines = lines
    headers.#host = host
    return headers
  }

  /** The checked lines without Host while no field has been changed, else null. */
  get lines(): string | null {
    return this.#lines
  }

  /** The number of fields. */
  get size(): number {
    return this.list.length >> 1
  }

  /** The flat list itself; the reader must not change it. */
  get list(): readonly string[] {
    this.#list ??= parseLines(this.#lines ?? '', this.#host)
    return this.#list
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
    const list = this.#change()
    const lower = name.toLowerCase()
    for (let i = 0; i < list.length; i += 2) {
      if (sameName(list[i] as string, lower)) {
        list[i + 1] = value
        this.#removeFrom(i + 2, lower)
        return
      }
    }
    list.push(name, value)
  }

  /** Adds a field after those that are there. */
  add(name: string, value: string): void {
    this.#change().push(name, value)
  }

  /** Removes every field called `name`. */
  remove(name: string): void {
    const lower = name.toLowerCase()
    if (this.has(lower)) this.#removeFrom(0, lower)
  }

  /** An independent copy. */
  clone(): Headers {
    return new Headers(this.list.slice())
  }

  /** The list, to be changed: from now on the lines say something else. */
  #change(): string[] {
    const list = this.list as string[]
    this.#lines = null
    return list
  }

  #removeFrom(start: number, lower: string): void {
    const list = this.#change()
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

/** The flat list of lines whose grammar is known to hold. */
function parseLines(lines: string, host: string): string[] {
  const list = host === '' ? [] : ['Host', host]
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
  return list
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
  return name.length === lower.length && (name === lower || name.toLowerCase() === lower)
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
