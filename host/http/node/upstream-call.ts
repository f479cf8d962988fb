import { type ErrorCode, GatewayError, isGatewayError, reasonOf } from '../../errors.ts'
import { Body, type BodySource } from '../../exchange/body.ts'
import { sameName } from '../../exchange/field-rules.ts'
import { Headers } from '../../exchange/headers.ts'
import { Response } from '../../exchange/response.ts'
import type { DeadlineEntry, Deadlines } from '../deadlines.ts'
import type { Asker, UpstreamRequest } from '../engine.ts'
import { endToEndFields, ForwardedFields, isTrailerField } from '../forward.ts'
import { tlsFailure } from '../tls/failure.ts'
import type { UndiciClient } from './client.ts'
import { decodeFields } from './raw-fields.ts'
import { type CallHandler, type Connection, type Controller, Dispatch, dispatch } from './undici.ts'
import { Upload } from './upload.ts'

/** Interim answers that one request may get before the connection is given up. */
export const MAX_INTERIM_ANSWERS = 16

/**
 * One request to an upstream and its answer: the handler undici reports to, the source of the answer's
 * body, and an entry in the list of deadlines, first for the head, then for pauses in the body.
 *
 *     sent ──head──▶ answering ──end──▶ done
 *       │                │
 *       └─ error, timeout, abort ─▶ failed (the promise, or the body, fails)
 */
export class UpstreamCall implements CallHandler, BodySource, DeadlineEntry {
  deadlineMs = 0
  previous: DeadlineEntry | null = null
  next: DeadlineEntry | null = null
  deadlines: Deadlines | null = null
  /** True once the asker was told. */
  isSettled = false
  readonly #owner: UndiciClient
  readonly #request: UpstreamRequest
  readonly #timeoutMs: number
  readonly #asker: Asker
  #connection: Connection | null = null
  #controller: Controller | null = null
  #body: Body | null = null
  #failure: Error | null = null
  #isReused = false
  #isDone = false
  #interim = 0

  constructor(owner: UndiciClient, request: UpstreamRequest, timeoutMs: number, asker: Asker) {
    this.#owner = owner
    this.#request = request
    this.#timeoutMs = timeoutMs
    this.#asker = asker
  }

  /** Sends the request over `connection`; `isReused` says that it has served before. */
  start(connection: Connection, isReused: boolean): void {
    this.#connection = connection
    this.#isReused = isReused
    const request = this.#request
    const headers = withHost(request)
    const source = request.body
    let body: Buffer | Upload | null = null
    if (source.isWhole) {
      if (!source.isEmpty) body = source.whole()
    } else {
      body = new Upload(source)
      if (source.announcedLength >= 0)
        headers.push('content-length', String(source.announcedLength))
    }
    const { method, target } = request
    dispatch(connection, new Dispatch(method, target, headers, body, this.#owner.serverName), this)
  }

  /** Fails the call before anything was sent. */
  refuse(error: Error): void {
    this.#settle(error)
  }

  /** The client of the gateway is gone. */
  abandon(): void {
    if (!this.#isDone) this.#break(new GatewayError('UPSTREAM_ABORTED', {}))
  }

  /** `DeadlineEntry`: no head, or no more of the body, in time. */
  expire(): void {
    const endpoint = this.#owner.origin
    const ms = this.#body === null ? this.#timeoutMs : this.#owner.idleDeadlines.limitMs
    this.#break(new GatewayError('UPSTREAM_TIMEOUT', { endpoint, ms }))
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller
    if (this.#failure !== null) controller.abort(this.#failure)
  }

  onResponseStart(controller: Controller, status: number): void {
    if (this.isSettled) return
    if (status < 200) {
      this.#interim += 1
      if (this.#interim > MAX_INTERIM_ANSWERS)
        this.#break(this.#invalid('too many interim answers'))
      return
    }
    if (status > 599) {
      this.#break(this.#invalid(`the status ${status}`))
      return
    }
    const list = decodeFields(controller.rawHeaders as Buffer[])
    const length = announcedLength(list)
    if (length === MALFORMED) {
      this.#break(this.#invalid('malformed framing'))
      return
    }
    const body = Body.stream(this, length)
    this.#body = body
    this.deadlines?.remove(this)
    this.#owner.idleDeadlines.add(this)
    this.isSettled = true
    // What waits for the promise of an asker runs after undici has handed over the rest of the packet: a body
    // that came with its head is whole by then.
    this.#asker.onAnswer(new Response(status, new Headers(endToEndFields(list) as string[]), body))
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    const body = this.#body
    if (body === null) return
    // Before the chunk goes on: pushing it may pause this call, and then no time limit holds.
    if (this.deadlines !== null) this.deadlines.restart(this)
    body.push(chunk)
  }

  onResponseEnd(controller: Controller): void {
    this.#finish()
    const raw = controller.rawTrailers as Buffer[] | null
    this.#body?.end(raw === null || raw.length === 0 ? null : trailersOf(raw))
  }

  onResponseError(_controller: Controller | null, error: Error): void {
    const connection = this.#connection
    this.#finish()
    if (this.#failure === null && this.#mayRetry(error)) {
      this.#isDone = false
      this.#controller = null
      // The connection that was closed comes to life again with the next request, as a new one.
      if (connection !== null) queueMicrotask(() => this.#owner.dispatch(this))
      return
    }
    this.#settle(this.#failure ?? this.#describe(error))
  }

  /** `BodySource` */
  pause(): void {
    this.deadlines?.remove(this)
    this.#controller?.pause()
  }

  resume(): void {
    if (this.#isDone) return
    if (this.deadlines === null) this.#owner.idleDeadlines.add(this)
    this.#controller?.resume()
  }

  cancel(error: Error): void {
    this.#break(error)
  }

  /** Gives up, with `failure` as the reason that everybody sees. */
  #break(failure: Error): void {
    if (this.#isDone || this.#failure !== null) return
    this.#failure = failure
    this.deadlines?.remove(this)
    if (this.#connection === null) this.#owner.forget(this)
    // The answer to whoever waits does not depend on undici: without a connection it cannot abort yet.
    this.#settle(failure)
    this.#controller?.abort(failure)
  }

  /** undici is done with this call. */
  #finish(): void {
    this.#isDone = true
    this.deadlines?.remove(this)
    const connection = this.#connection
    this.#connection = null
    if (connection !== null) this.#owner.release(connection)
  }

  #settle(error: Error): void {
    if (this.isSettled) {
      this.#body?.fail(error)
      return
    }
    this.isSettled = true
    this.deadlines?.remove(this)
    this.#asker.onFailure(error)
  }

  /**
   * A server may close an idle connection at the moment it is used again. What can be sent twice is sent
   * once more (RFC 9110, section 9.2.2), unless something of an answer came back.
   */
  #mayRetry(error: Error): boolean {
    const { method, body } = this.#request
    if (!this.#isReused || this.isSettled || this.#interim > 0) return false
    if (method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS') return false
    const code = codeOf(error)
    return (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE') && body.isWhole
  }

  #describe(error: Error): Error {
    if (isGatewayError(error)) return error
    const endpoint = this.#owner.origin
    const reason = tlsFailure(error) ?? reasonOf(error)
    const code: ErrorCode = this.#controller === null ? 'UPSTREAM_CONNECT' : 'UPSTREAM_INVALID'
    return new GatewayError(
      code,
      { endpoint, reason: reason === '' ? codeOf(error) : reason },
      error,
    )
  }

  #invalid(reason: string): Error {
    return new GatewayError('UPSTREAM_INVALID', { endpoint: this.#owner.origin, reason })
  }
}

/** The fields of `request` as undici takes them: Host among them, no second one, no length. */
function withHost(request: UpstreamRequest): string[] {
  const given = request.headers
  const headers = (given instanceof ForwardedFields ? given.list : given).slice()
  headers.push('host', request.host)
  return headers
}

const MALFORMED = -2

/** The announced length, -1 when there is none, MALFORMED when the framing fields cannot be trusted. */
function announcedLength(list: readonly string[]): number {
  let length = -1
  let isCoded = false
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string
    if (name.length === 14 && sameName(name, 'content-length')) {
      const value = list[i + 1] as string
      if (length >= 0 || !/^\d{1,15}$/.test(value)) return MALFORMED
      length = Number(value)
    } else if (name.length === 17 && sameName(name, 'transfer-encoding')) {
      if (isCoded || (list[i + 1] as string).toLowerCase() !== 'chunked') return MALFORMED
      isCoded = true
    }
  }
  return isCoded && length >= 0 ? MALFORMED : length
}

function trailersOf(raw: readonly Buffer[]): string[] | null {
  const list = decodeFields(raw)
  const kept: string[] = []
  for (let i = 0; i < list.length; i += 2) {
    if (isTrailerField(list[i] as string)) kept.push(list[i] as string, list[i + 1] as string)
  }
  return kept.length === 0 ? null : kept
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
