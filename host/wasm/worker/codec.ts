import { Change, ChangeLog } from '../change-log.ts'
import type { GuestInput, Phase } from '../guest-call.ts'
import type { BlockArea } from './block.ts'

/** Stands for "not here" where a length is expected. */
const ABSENT = -1
/** The bytes travel in the message beside the block, because they did not fit. */
const BESIDE = -2

/** Numbers before the first text of a request record. */
const FIXED_BYTES = 12 * 4
/** Text fields before the header list. */
const TEXT_FIELDS = 9

/** Bodies above this travel beside the block, so that one large body does not empty a batch. */
const BODY_INLINE_MAX = 32 * 1024

/** Bodies that do not fit in a block: of one slot, request first. */
export interface BesideBodies {
  readonly slot: number
  readonly request: Uint8Array | null
  readonly response: Uint8Array | null
}

/**
 * Writes one item; false when the area has no room for it, and then nothing was written. The heads are
 * one joined text each: one string to build, one to write, one to read, whatever the number of headers.
 * Nothing in a head can contain a line feed (the HTTP grammar); `readRequest` checks the count anyway.
 */
export function writeRequest(area: BlockArea, setupId: number, item: GuestInput): boolean {
  let head = `${item.method}\n${item.path}\n${item.query}\n${item.scheme}\n${item.host}\n${item.clientAddress}\n${item.route}\n${item.requestId}\n${item.protocol}`
  if (item.requestHeaders.length > 0) head += `\n${item.requestHeaders.join('\n')}`
  const response = item.responseHeaders === null ? '' : item.responseHeaders.join('\n')
  const requestBody = inlineBody(item.requestBody)
  const responseBody = inlineBody(item.responseBody)
  let size = FIXED_BYTES + head.length + response.length + 16
  if (requestBody !== null) size += requestBody.length + 8
  if (responseBody !== null) size += responseBody.length + 8
  if (item.context !== null) {
    for (const [key, value] of item.context) size += key.length * 3 + value.length + 16
  }
  if (!area.hasRoom(size)) return false
  area.putInt(setupId)
  area.putInt(item.phase)
  area.putInt(item.status)
  area.putInt(item.requestHeaders.length)
  area.putInt(item.responseHeaders === null ? ABSENT : item.responseHeaders.length)
  area.putText(head)
  if (item.responseHeaders !== null) area.putText(response)
  putBody(area, item.requestBody, requestBody)
  putBody(area, item.responseBody, responseBody)
  if (item.context === null) {
    area.putInt(0)
  } else {
    area.putInt(item.context.size)
    for (const [key, value] of item.context) {
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

/** Reads what `writeRequest` wrote. Null when a head does not have the fields it was announced with. */
export function readRequest(
  area: BlockArea,
  beside: BesideBodies | null,
): { readonly setupId: number; readonly input: GuestInput | null } {
  const setupId = area.int()
  const phase = area.int() as Phase
  const status = area.int()
  const requestCount = area.int()
  const responseCount = area.int()
  const head = area.text().split('\n')
  const response = responseCount === ABSENT ? null : splitList(area.text())
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
  const isIntact =
    head.length === TEXT_FIELDS + requestCount &&
    (response === null || response.length === responseCount)
  if (!isIntact) return { setupId, input: null }
  return {
    setupId,
    input: {
      phase,
      method: head[0] as string,
      path: head[1] as string,
      query: head[2] as string,
      scheme: head[3] as string,
      host: head[4] as string,
      clientAddress: head[5] as string,
      route: head[6] as string,
      requestId: head[7] as string,
      protocol: head[8] as string,
      requestHeaders: requestCount === 0 ? [] : head.slice(TEXT_FIELDS),
      requestBody,
      status,
      responseHeaders: response,
      responseBody,
      context,
    },
  }
}

/** Bytes `writeChanges` will need. */
export function sizeOfChanges(log: ChangeLog): number {
  let size = 8
  for (let i = 0; i < log.size; i++) {
    size += 24 + (log.names[i] as string).length * 3 + (log.values[i] as string).length
  }
  return size
}

export function writeChanges(area: BlockArea, log: ChangeLog): void {
  area.putInt(log.size)
  for (let i = 0; i < log.size; i++) {
    const kind = log.kinds[i] as number
    const value = log.values[i] as string | Uint8Array
    area.putInt(kind)
    // Only the key of per-request data is not latin1.
    if (kind === Change.contextPut) area.putBytes(Buffer.from(log.names[i] as string, 'utf8'))
    else area.putText(log.names[i] as string)
    if (typeof value === 'string') {
      area.putInt(0)
      area.putText(value)
    } else {
      area.putInt(1)
      area.putBytes(value)
    }
  }
}

export function readChanges(area: BlockArea): ChangeLog | null {
  const size = area.int()
  if (size === 0) return null
  const log = new ChangeLog()
  for (let i = 0; i < size; i++) {
    const kind = area.int()
    const name =
      kind === Change.contextPut ? Buffer.from(area.bytes()).toString('utf8') : area.text()
    const isBytes = area.int() === 1
    log.push(kind, name, isBytes ? area.bytes() : area.text())
  }
  return log
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

function splitList(text: string): string[] {
  return text === '' ? [] : text.split('\n')
}
