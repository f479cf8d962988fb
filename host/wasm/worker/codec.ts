import { Headers } from '../../exchange/headers.ts'
import type { GuestInput, Phase } from '../guest-input.ts'
import type { BlockArea } from './block.ts'

/** Texts of a request beside its header: method, path, query, scheme, host, client, route, id, protocol. */
const TEXTS = 9

/** Stands for "not here" where a length is expected. */
const ABSENT = -1
/** The bytes travel in the message beside the block, because they did not fit. */
const BESIDE = -2
/** The header is a list, and its length is that of the list; otherwise it is lines, as an engine has read them. */
const LISTED = 1
const LINES = 0

/** Numbers of a request record, its header apart. */
const FIXED_BYTES = (3 + TEXTS + 8) * 4

/** Bodies above this travel beside the block, so that one large body does not empty a batch. */
const BODY_INLINE_MAX = 32 * 1024

/** Bodies that do not fit in a block: of one slot, request first. */
export interface BesideBodies {
  readonly slot: number
  readonly request: Uint8Array | null
  readonly response: Uint8Array | null
}

/**
 * Writes one item; false when the area has no room for it, and then nothing was written. Numbers first, then
 * all of its texts as one, part by part: a single text to read, whatever the number of headers. The lengths stand
 * among the numbers, so that no text can be taken for two.
 */
export function writeRequest(area: BlockArea, setupId: number, item: GuestInput): boolean {
  const { method, path, query, scheme, host, clientAddress, route, requestId, protocol } = item
  const { requestHeaders, responseHeaders, context } = item
  const length =
    method.length +
    path.length +
    query.length +
    scheme.length +
    host.length +
    clientAddress.length +
    route.length +
    requestId.length +
    protocol.length +
    lengthOf(requestHeaders) +
    (responseHeaders === null ? 0 : lengthOf(responseHeaders))
  const requestBody = inlineBody(item.requestBody)
  const responseBody = inlineBody(item.responseBody)
  let size = FIXED_BYTES + length + numbersOf(requestHeaders) * 4
  if (responseHeaders !== null) size += numbersOf(responseHeaders) * 4
  if (requestBody !== null) size += requestBody.length + 8
  if (responseBody !== null) size += responseBody.length + 8
  if (context !== null) {
    for (const [key, value] of context) size += key.length * 3 + value.length + 16
  }
  if (!area.hasRoom(size)) return false
  area.putInt(setupId)
  area.putInt(item.phase)
  area.putInt(item.status)
  area.putInt(method.length)
  area.putInt(path.length)
  area.putInt(query.length)
  area.putInt(scheme.length)
  area.putInt(host.length)
  area.putInt(clientAddress.length)
  area.putInt(route.length)
  area.putInt(requestId.length)
  area.putInt(protocol.length)
  putLengths(area, requestHeaders)
  if (responseHeaders === null) area.putInt(ABSENT)
  else putLengths(area, responseHeaders)
  area.beginText(length)
  area.addText(method)
  area.addText(path)
  area.addText(query)
  area.addText(scheme)
  area.addText(host)
  area.addText(clientAddress)
  area.addText(route)
  area.addText(requestId)
  area.addText(protocol)
  addFields(area, requestHeaders)
  if (responseHeaders !== null) addFields(area, responseHeaders)
  area.endText()
  putBody(area, item.requestBody, requestBody)
  putBody(area, item.responseBody, responseBody)
  if (context === null) {
    area.putInt(0)
  } else {
    area.putInt(context.size)
    for (const [key, value] of context) {
      area.putBytes(Buffer.from(key, 'utf8'))
      area.putBytes(value)
    }
  }
  return true
}

/** The bodies of an item that `writeRequest` left out, or null. */
export function bodiesBeside(slot: number, item: GuestInput): BesideBodies | null {
  const request = isBeside(item.requestBody) ? item.requestBody : null
  const response = isBeside(item.responseBody) ? item.responseBody : null
  return request === null && response === null ? null : { slot, request, response }
}

/** Reads what `writeRequest` wrote. */
export function readRequest(area: BlockArea, beside: BesideBodies | null): ThreadItem {
  const setupId = area.int()
  const phase = area.int() as Phase
  const status = area.int()
  const ends: number[] = new Array(TEXTS)
  let end = 0
  for (let i = 0; i < TEXTS; i++) {
    end += area.int()
    ends[i] = end
  }
  const request = new HeaderLengths(area)
  const response = new HeaderLengths(area)
  const text = area.text()
  const requestHeaders = request.cut(text, end) ?? new Headers()
  const responseHeaders = response.cut(text, end + request.length)
  const requestBody = takeBody(area, beside === null ? null : beside.request)
  const responseBody = takeBody(area, beside === null ? null : beside.response)
  let context: Map<string, Uint8Array> | null = null
  const contextSize = area.int()
  if (contextSize > 0) {
    context = new Map()
    for (let i = 0; i < contextSize; i++) {
      const key = Buffer.from(area.bytes()).toString('utf8')
      context.set(key, area.bytes())
    }
  }
  return new ThreadItem(
    setupId,
    phase,
    text,
    ends,
    requestHeaders,
    requestBody,
    status,
    responseHeaders,
    responseBody,
    context,
  )
}

/** An item in its thread: texts are cut when a guest asks for them. */
export class ThreadItem implements GuestInput {
  /** The setup it is for. */
  readonly setupId: number
  readonly phase: Phase
  readonly requestHeaders: Headers
  readonly requestBody: Uint8Array | null
  readonly status: number
  readonly responseHeaders: Headers | null
  readonly responseBody: Uint8Array | null
  readonly context: ReadonlyMap<string, Uint8Array> | null
  readonly #text: string
  /** Where each of the first texts ends. */
  readonly #ends: readonly number[]

  constructor(
    setupId: number,
    phase: Phase,
    text: string,
    ends: readonly number[],
    requestHeaders: Headers,
    requestBody: Uint8Array | null,
    status: number,
    responseHeaders: Headers | null,
    responseBody: Uint8Array | null,
    context: ReadonlyMap<string, Uint8Array> | null,
  ) {
    this.setupId = setupId
    this.phase = phase
    this.requestHeaders = requestHeaders
    this.requestBody = requestBody
    this.status = status
    this.responseHeaders = responseHeaders
    this.responseBody = responseBody
    this.context = context
    this.#text = text
    this.#ends = ends
  }

  get method(): string {
    return this.#cut(0)
  }

  get path(): string {
    return this.#cut(1)
  }

  get query(): string {
    return this.#cut(2)
  }

  get scheme(): string {
    return this.#cut(3)
  }

  get host(): string {
    return this.#cut(4)
  }

  get clientAddress(): string {
    return this.#cut(5)
  }

  get route(): string {
    return this.#cut(6)
  }

  get requestId(): string {
    return this.#cut(7)
  }

  get protocol(): string {
    return this.#cut(8)
  }

  #cut(index: number): string {
    return this.#text.slice(index === 0 ? 0 : this.#ends[index - 1], this.#ends[index])
  }
}

/** How long the parts of a header are. */
class HeaderLengths {
  /** Characters of all of it. */
  readonly length: number
  readonly #form: number
  /** Of lines the length of those that stand apart; of a list those of its entries. */
  readonly #apart: number
  readonly #entries: readonly number[]

  constructor(area: BlockArea) {
    this.#form = area.int()
    let entries = NO_ENTRIES
    let length = 0
    let apart = 0
    if (this.#form === LISTED) {
      entries = []
      for (let left = area.int(); left > 0; left--) {
        const size = area.int()
        entries.push(size)
        length += size
      }
    } else if (this.#form === LINES) {
      apart = area.int()
      length = apart + area.int()
    }
    this.length = length
    this.#apart = apart
    this.#entries = entries
  }

  /** The header that starts at `start`; null when there is none. */
  cut(text: string, start: number): Headers | null {
    if (this.#form === ABSENT) return null
    if (this.#form === LINES) {
      const lines = start + this.#apart
      return Headers.fromLines(text.slice(lines, start + this.length), text.slice(start, lines))
    }
    let at = start
    const list: string[] = []
    for (const size of this.#entries) {
      list.push(text.slice(at, at + size))
      at += size
    }
    return new Headers(list)
  }
}

const NO_ENTRIES: number[] = []

/** Characters of all of it, as `addFields` writes them. */
function lengthOf(headers: Headers): number {
  const { readLines: lines, addedLines, apartLines } = headers
  if (lines !== null) return apartLines.length + lines.length + addedLines.length
  let length = 0
  for (const text of headers.list) length += text.length
  return length
}

function addFields(area: BlockArea, headers: Headers): void {
  const { readLines: lines } = headers
  if (lines === null) {
    for (const text of headers.list) area.addText(text)
    return
  }
  area.addText(headers.apartLines)
  area.addText(lines)
  area.addText(headers.addedLines)
}

/** How many numbers `putLengths` writes, at most. */
function numbersOf(headers: Headers): number {
  return headers.readLines === null ? headers.list.length + 2 : 3
}

function putLengths(area: BlockArea, headers: Headers): void {
  const { readLines: lines } = headers
  if (lines !== null) {
    area.putInt(LINES)
    area.putInt(headers.apartLines.length)
    area.putInt(lines.length + headers.addedLines.length)
    return
  }
  const { list } = headers
  area.putInt(LISTED)
  area.putInt(list.length)
  for (const text of list) area.putInt(text.length)
}

function isBeside(body: Uint8Array | null): body is Uint8Array {
  return body !== null && body.length > BODY_INLINE_MAX
}

function inlineBody(body: Uint8Array | null): Uint8Array | null {
  return body === null || isBeside(body) ? null : body
}

function putBody(area: BlockArea, body: Uint8Array | null, inline: Uint8Array | null): void {
  if (inline !== null) {
    area.putInt(0)
    area.putBytes(inline)
  } else area.putInt(body === null ? ABSENT : BESIDE)
}

function takeBody(area: BlockArea, beside: Uint8Array | null): Uint8Array | null {
  const mark = area.int()
  if (mark === 0) return area.bytes()
  return mark === BESIDE ? beside : null
}
