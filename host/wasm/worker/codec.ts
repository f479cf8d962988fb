import type { Headers } from '../../exchange/headers.ts'
import type { GuestInput } from '../guest-input.ts'
import type { BlockArea } from './block.ts'

/** Texts of a request beside its header: method, path, query, scheme, host, client, route, id, protocol. */
export const TEXTS = 9

/** Stands for "not here" where a length is expected. */
export const ABSENT = -1
/** The bytes travel in the message beside the block, because they did not fit. */
export const BESIDE = -2
/** The header is a list, and its length is that of the list; otherwise it is lines, as an engine has read them. */
export const LISTED = 1
export const LINES = 0

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
  return headers.readLines === null ? headers.list.length + 3 : 3
}

/** Its form and its length, then that of the lines that stand apart; or how many entries a list has, and theirs. */
function putLengths(area: BlockArea, headers: Headers): void {
  const { readLines: lines } = headers
  if (lines !== null) {
    area.putInt(LINES)
    area.putInt(headers.apartLines.length + lines.length + headers.addedLines.length)
    area.putInt(headers.apartLines.length)
    return
  }
  const { list } = headers
  let length = 0
  for (const text of list) length += text.length
  area.putInt(LISTED)
  area.putInt(length)
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
