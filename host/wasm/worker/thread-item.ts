import { Headers } from '../../exchange/headers.ts'
import { type GuestInput, Message, type Phase } from '../guest-input.ts'
import { NO_LINES } from '../lookup/field-lookup.ts'
import type { BlockArea } from './block.ts'
import { ABSENT, BESIDE, type BesideBodies, LINES, LISTED, TEXTS } from './codec.ts'

/** Bytes of a number. */
const NUMBER = 4
/** Of the numbers of a header where its length is, and what comes then: see `putLengths`. */
const LENGTH = NUMBER
const APART = 2 * NUMBER
const ENTRIES = 2 * NUMBER

/**
 * An item in its thread, read where it lies: what a guest does not ask for is never made. One object for all items
 * of a thread, valid until the next one is read; what has to live longer is kept.
 */
export class ThreadItem implements GuestInput {
  /** The setup it is for. */
  setupId = 0
  phase: Phase = 0
  status = 0
  requestBody: Uint8Array | null = null
  responseBody: Uint8Array | null = null
  context: ReadonlyMap<string, Uint8Array> | null = null
  readonly #area: BlockArea
  /** Where the lengths of its texts are, and the texts themselves. */
  #lengthsAt = 0
  #textsAt = 0
  /** Where the numbers of its headers are, and their text. */
  #requestAt = 0
  #responseAt = 0
  #headersAt = 0
  /** Undefined until somebody asks. */
  #requestHeaders: Headers | undefined = undefined
  #responseHeaders: Headers | null | undefined = undefined
  /** Its texts, when it was kept. */
  #kept: readonly string[] | null = null

  /** `area` has what `writeRequest` wrote. */
  constructor(area: BlockArea) {
    this.#area = area
  }

  /** Becomes the next item of the area; `beside` are bodies of it that travelled beside the block. */
  read(beside: BesideBodies | null): this {
    const area = this.#area
    this.setupId = area.int()
    this.phase = area.int() as Phase
    this.status = area.int()
    this.#lengthsAt = area.at
    let length = 0
    for (let i = 0; i < TEXTS; i++) length += area.int()
    this.#requestAt = area.at
    passNumbers(area)
    this.#responseAt = area.at
    passNumbers(area)
    this.#textsAt = area.passText()
    this.#headersAt = this.#textsAt + length
    this.requestBody = takeBody(area, beside === null ? null : beside.request)
    this.responseBody = takeBody(area, beside === null ? null : beside.response)
    this.context = takeContext(area)
    this.#requestHeaders = undefined
    this.#responseHeaders = undefined
    this.#kept = null
    return this
  }

  /** Makes everything now, so that it outlives the area. */
  keep(): this {
    this.#requestHeaders = this.requestHeaders
    this.#responseHeaders = this.responseHeaders
    this.#kept = Array.from({ length: TEXTS }, (_, i) => this.#text(i))
    return this
  }

  get method(): string {
    return this.#text(0)
  }

  get path(): string {
    return this.#text(1)
  }

  get query(): string {
    return this.#text(2)
  }

  get scheme(): string {
    return this.#text(3)
  }

  get host(): string {
    return this.#text(4)
  }

  get clientAddress(): string {
    return this.#text(5)
  }

  get route(): string {
    return this.#text(6)
  }

  get requestId(): string {
    return this.#text(7)
  }

  get protocol(): string {
    return this.#text(8)
  }

  get requestHeaders(): Headers {
    // Every item has those of a request.
    this.#requestHeaders ??= this.#headers(this.#requestAt, this.#headersAt) as Headers
    return this.#requestHeaders
  }

  get responseHeaders(): Headers | null {
    if (this.#responseHeaders === undefined) {
      this.#responseHeaders = this.#headers(this.#responseAt, this.#responseTextAt())
    }
    return this.#responseHeaders
  }

  /** FieldSource */
  putLines(message: number, target: Buffer, at: number, room: number): number {
    const isRequest = message === Message.request
    if (this.#kept !== null) {
      const headers = isRequest ? this.requestHeaders : this.responseHeaders
      return headers === null ? NO_LINES : headers.putLines(target, at, room)
    }
    const numbers = isRequest ? this.#requestAt : this.#responseAt
    if (this.#area.intAt(numbers) !== LINES) return NO_LINES
    const apart = this.#area.intAt(numbers + APART)
    const length = this.#area.intAt(numbers + LENGTH) - apart
    if (length > room) return NO_LINES
    const start = isRequest ? this.#headersAt : this.#responseTextAt()
    this.#area.copyTo(target, at, start + apart, length)
    return length
  }

  #responseTextAt(): number {
    return this.#headersAt + this.#area.intAt(this.#requestAt + LENGTH)
  }

  #text(index: number): string {
    if (this.#kept !== null) return this.#kept[index] as string
    const area = this.#area
    let at = this.#textsAt
    for (let i = 0; i < index; i++) at += area.intAt(this.#lengthsAt + i * NUMBER)
    return area.textAt(at, area.intAt(this.#lengthsAt + index * NUMBER))
  }

  /** The header with its numbers at `numbers` and its text at `start`; null when there is none. */
  #headers(numbers: number, start: number): Headers | null {
    const area = this.#area
    const form = area.intAt(numbers)
    if (form === ABSENT) return null
    if (form === LINES) {
      const apart = area.intAt(numbers + APART)
      const lines = area.textAt(start + apart, area.intAt(numbers + LENGTH) - apart)
      return Headers.fromLines(lines, area.textAt(start, apart))
    }
    const list: string[] = []
    let at = start
    for (let i = 1; i <= area.intAt(numbers + ENTRIES); i++) {
      const length = area.intAt(numbers + ENTRIES + i * NUMBER)
      list.push(area.textAt(at, length))
      at += length
    }
    return new Headers(list)
  }
}

/** Passes over the numbers of a header. */
function passNumbers(area: BlockArea): void {
  const form = area.int()
  if (form === ABSENT) return
  area.at += NUMBER
  const more = area.int()
  if (form === LISTED) area.at += more * NUMBER
}

function takeBody(area: BlockArea, beside: Uint8Array | null): Uint8Array | null {
  const mark = area.int()
  if (mark === 0) return area.bytes()
  return mark === BESIDE ? beside : null
}

function takeContext(area: BlockArea): Map<string, Uint8Array> | null {
  const size = area.int()
  if (size === 0) return null
  const context = new Map<string, Uint8Array>()
  for (let i = 0; i < size; i++) {
    const key = Buffer.from(area.bytes()).toString('utf8')
    context.set(key, area.bytes())
  }
  return context
}
