import type { Socket } from 'node:net'
import { isToken } from '../../exchange/field-rules.ts'
import { Headers } from '../../exchange/headers.ts'
import type { UpstreamRequest } from '../engine.ts'
import { ForwardedFields } from '../forward.ts'
import { BodyWriter, type BodyWriterOwner, BY_LENGTH, IN_CHUNKS } from './body-writer.ts'
import { fieldLines } from './head-text.ts'

/** Told when the body of a request broke off: what was sent is not a whole request. */
export interface UploadOwner {
  onUploadFailed(error: Error): void
}

/** Writes requests to one upstream connection, one after the other: start line, Host and framing are ours. */
export class RequestWriter implements BodyWriterOwner {
  /** The last byte of the request was handed to the socket. */
  isDone = true
  #lastHost = ''
  /** What stands behind the target of a request for that host. */
  #afterTarget = ''
  readonly #writer: BodyWriter
  readonly #owner: UploadOwner

  constructor(socket: Socket, owner: UploadOwner) {
    this.#writer = new BodyWriter(socket, this)
    this.#owner = owner
  }

  /** Sends `request`; false when its head cannot be sent as it is, and then nothing was written. */
  start(request: UpstreamRequest): boolean {
    const { method, target, host, headers, body, upgrade } = request
    const isRead = headers instanceof ForwardedFields
    const fields = isRead ? headers.read : listLines(headers)
    if (fields === null || BREAKS_LINE.test(target) || !this.#isHost(host)) return false
    if (method !== 'GET' && method !== 'POST' && !isToken(method)) return false
    const start = `${method} ${target}${this.#afterTarget}`
    let added = isRead ? headers.added : ''
    if (upgrade !== undefined) added += `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`
    if (body.isWhole && body.trailers === null) {
      this.isDone = true
      // A method that defines a body says that it has none; the others are silent (RFC 9110, section 8.6).
      if (!body.isEmpty || definesBody(method)) this.#writer.sendWhole(start, fields, added, body)
      else this.#writer.sendHead(start, fields, added)
    } else {
      this.isDone = false
      const hasLength = body.announcedLength >= 0 && !body.isWhole
      this.#writer.sendStream(start, fields, added, body, hasLength ? BY_LENGTH : IN_CHUNKS)
    }
    return true
  }

  /** Nearly all requests to an upstream name the host of the one before. */
  #isHost(host: string): boolean {
    if (host === this.#lastHost && host !== '') return true
    if (BREAKS_LINE.test(host)) return false
    this.#lastHost = host
    this.#afterTarget = ` HTTP/1.1\r\nHost: ${host}\r\n`
    return true
  }

  onDrain(): void {
    this.#writer.onDrain()
  }

  /** The rest of the body is not wanted. */
  stop(error: Error): void {
    this.#writer.stop(error)
  }

  onBodySent(): void {
    this.isDone = true
  }

  onBodyBroken(error: Error): void {
    this.#owner.onUploadFailed(error)
  }
}

/** Host is written from its own part of the request, so it is left out here. */
function listLines(list: readonly string[]): string | null {
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string
    if (name.length === 4 && name.toLowerCase() === 'host') return fieldLines(withoutHost(list))
  }
  return fieldLines(list)
}

function withoutHost(list: readonly string[]): string[] {
  const headers = new Headers(list.slice())
  headers.remove('host')
  return headers.list as string[]
}

function definesBody(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH'
}

const BREAKS_LINE = /[^!-~]/
