/**
 * The header fields of one message, in order, with the case they arrived in.
 *
 * The backing is a flat list `[name, value, name, value, …]`, the shape every HTTP parser here already
 * makes, so that building this object costs one allocation. Names are compared without case; values are
 * latin1 text: one character is one byte on the wire (RFC 9110, section 5.5).
 *
 * Lookup is a linear scan: requests carry 7 to 40 fields, and the length test rejects nearly all of them.
 */
export class Headers {
  #list: string[]

  /** Takes ownership of `list`. */
  constructor(list: string[] = []) {
    this.#list = list
  }

  /** The number of fields. */
  get size(): number {
    return this.#list.length >> 1
  }

  /** The flat list itself; the reader must not change it. */
  get list(): readonly string[] {
    return this.#list
  }

  /** The first value of `name` (lowercase), or undefined. */
  get(name: string): string | undefined {
    const list = this.#list
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
    const list = this.#list
    const values: string[] = []
    for (let i = 0; i < list.length; i += 2) {
      if (sameName(list[i] as string, name)) values.push(list[i + 1] as string)
    }
    return values
  }

  /** Sets `name` to exactly one value; the field keeps its place if it was there. */
  set(name: string, value: string): void {
    const list = this.#list
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
    this.#list.push(name, value)
  }

  /** Removes every field called `name`. */
  remove(name: string): void {
    this.#removeFrom(0, name.toLowerCase())
  }

  /** An independent copy. */
  clone(): Headers {
    return new Headers(this.#list.slice())
  }

  #removeFrom(start: number, lower: string): void {
    const list = this.#list
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
  return /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/.test(text)
}

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
