import { HOST_OWNED_HEADERS, isToken } from '../../exchange/field-rules.ts'
import { Headers } from '../../exchange/headers.ts'
import type { GuestCall } from '../guest-call.ts'
import { type HeaderName, headerName } from '../header-name.ts'
import { GUEST_LIMITS } from '../limits.ts'
import { GuestMisuse, refuse } from './guest-misuse.ts'

/**
 * The header fields of one message as Easegress's guests see them: by name, or all of them as the text
 * they have on the wire. Fields that belong to the host can be read and not written: a guest that puts
 * back all it got must not fail, so they are passed over, as Go's server passes them over. `Host` is no
 * field for them, because it is none in Go.
 */
export class EasegressHeaders {
  readonly #call: GuestCall
  readonly #message: number
  readonly #names = new Map<string, HeaderName>()

  constructor(call: GuestCall, message: number) {
    this.#call = call
    this.#message = message
  }

  /** The first value; "" when there is none. */
  get(name: string): string {
    const header = this.#name(name)
    if (header.lower === 'host') return ''
    return this.#call.fieldsOf(this.#message)?.value(header) ?? ''
  }

  set(name: string, value: string): void {
    const header = this.#writable(name)
    if (header !== null) refuse(this.#call.setHeader(this.#message, header, value), name)
  }

  add(name: string, value: string): void {
    const header = this.#writable(name)
    if (header !== null) refuse(this.#call.addHeader(this.#message, header, value), name)
  }

  remove(name: string): void {
    const header = this.#writable(name)
    if (header !== null) refuse(this.#call.removeHeader(this.#message, header), name)
  }

  /** `Name: value` and CRLF for each field, names in canonical case and sorted, as Go writes them. */
  text(): string {
    const { list } = this.all
    const fields: [name: string, value: string][] = []
    for (let i = 0; i < list.length; i += 2) {
      const name = canonicalName(list[i] as string)
      if (name !== 'Host') fields.push([name, list[i + 1] as string])
    }
    // Sorting keeps the order of equal names.
    fields.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  }

  /** Replaces all fields by those of the text. */
  setText(text: string): void {
    const fields = parseFields(text)
    const former = new Set<string>()
    const { list } = this.all
    for (let i = 0; i < list.length; i += 2) former.add((list[i] as string).toLowerCase())
    for (const lower of former) this.remove(lower)
    for (const [name, value] of fields) this.add(name, value)
  }

  /** All of them, own writes among them; only to be read. */
  get all(): Headers {
    return this.#call.headersOf(this.#message) ?? NO_HEADERS
  }

  #writable(name: string): HeaderName | null {
    const header = this.#name(name)
    if (!isToken(name)) throw new GuestMisuse(`"${name}" is no header name`)
    return header.isOwned || HOST_OWNED_HEADERS.has(header.lower) ? null : header
  }

  #name(name: string): HeaderName {
    let known = this.#names.get(name)
    if (known === undefined) {
      known = headerName(name, this.#call.grant)
      if (this.#names.size < GUEST_LIMITS.headerNames) this.#names.set(name, known)
    }
    return known
  }
}

/** Only read. */
const NO_HEADERS = new Headers()

function parseFields(text: string): [name: string, value: string][] {
  const fields: [string, string][] = []
  for (const line of text.split('\n')) {
    const field = line.endsWith('\r') ? line.slice(0, -1) : line
    if (field === '') continue
    const colon = field.indexOf(':')
    if (colon <= 0) throw new GuestMisuse(`"${field}" is no header field`)
    fields.push([field.slice(0, colon), field.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, '')])
  }
  return fields
}

/** `content-type` is `Content-Type`; what is no token stays as it is. */
export function canonicalName(name: string): string {
  return name
    .toLowerCase()
    .replace(/(^|-)([a-z])/g, (_, before, letter) => before + letter.toUpperCase())
}
