import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2'
import { monotonicMs } from '../../clock.ts'
import { GatewayError, isGatewayError, reasonOf } from '../../errors.ts'
import { Body, type BodySink, type BodySource } from '../../exchange/body.ts'
import { Headers } from '../../exchange/headers.ts'
import { Response } from '../../exchange/response.ts'
import { endToEndFields, ForwardedFields, isTrailerField } from '../forward.ts'
import { MAX_RESPONSE_FIELDS, MAX_RESPONSE_HEADER_BYTES } from '../native/response-head.ts'
import type { UpstreamCall } from '../native/upstream-call.ts'
import { addFields, trailerFields } from './response-fields.ts'
import type { UpstreamSession } from './upstream-session.ts'

/** Interim answers one request may get. */
const MAX_INTERIM_ANSWERS = 16

/**
 * One request to an upstream over HTTP/2 and its answer: sink of the request's body and source of the answer's.
 *
 *     sent ──head──▶ answering ──end──▶ done
 *       └─ reset, timeout, abort ─▶ failed (the promise, or the body, fails)
 *       └─ not looked at by the upstream (REFUSED_STREAM) ─▶ back to the client, once
 */
export class UpstreamStream implements BodySource, BodySink {
  readonly #session: UpstreamSession
  readonly #call: UpstreamCall
  readonly #stream: ClientHttp2Stream
  #body: Body | null = null
  #hasAnswer = false
  #isDone = false
  #interim = 0
  /** When the body of the answer last moved. */
  #movedAtMs = 0
  #isPaused = false
  #trailers: string[] | null = null
  /** Those of the request. */
  #requestTrailers: readonly string[] | null = null
  /** All of the request was handed over. */
  #isSent = false
  #failure: Error | null = null

  /** Sends the request of `call`; fails with REQUEST_INVALID when it cannot be sent as it is. */
  constructor(session: UpstreamSession, http2: ClientHttp2Session, call: UpstreamCall) {
    this.#session = session
    this.#call = call
    const { body } = call.request
    const isWhole = body.isWhole && body.trailers === null
    this.#stream = http2.request(requestFields(call), {
      endStream: isWhole && body.isEmpty,
      waitForTrailers: !isWhole,
    })
    const stream = this.#stream
    stream.on('headers', () => this.#onInterim())
    stream.on('response', (fields, _flags, raw) => this.#onResponse(fields[':status'] ?? 0, raw))
    stream.on('data', (chunk: Buffer) => this.#onData(chunk))
    stream.on('trailers', (_fields, _flags, raw) => this.#onTrailers(raw))
    stream.on('end', () => this.#onEnd())
    stream.on('drain', () => body.resume())
    stream.on('wantTrailers', () => this.#onWantTrailers())
    stream.on('error', (error) => {
      this.#failure ??= error
    })
    stream.once('close', () => this.#onClose())
    call.exchange?.onAbort(() => this.#fail(new GatewayError('UPSTREAM_ABORTED', {})))
    if (!isWhole) body.pipe(this)
    else if (!body.isEmpty) stream.end(body.whole())
  }

  tick(nowMs: number): void {
    if (this.#isDone) return
    const { endpoint, bodyIdleMs, unreadMs } = this.#session.client
    if (!this.#hasAnswer) {
      if (!this.#call.isLate(nowMs)) return
      this.#fail(new GatewayError('UPSTREAM_TIMEOUT', { endpoint, ms: this.#call.timeoutMs }))
    } else if (nowMs - this.#movedAtMs > (this.#isPaused ? unreadMs : bodyIdleMs)) {
      this.#fail(this.#invalid('the body stood still'))
    }
  }

  /** BodySource of the answer. */
  pause(): void {
    if (this.#isDone) return
    this.#isPaused = true
    this.#movedAtMs = monotonicMs()
    this.#stream.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#movedAtMs = monotonicMs()
    this.#stream.resume()
  }

  cancel(error: Error): void {
    this.#fail(error)
  }

  /** BodySink of the request. */
  write(chunk: Buffer): boolean {
    return this.#isDone || this.#stream.write(chunk)
  }

  end(trailers: string[] | null): void {
    this.#requestTrailers = trailers
    this.#isSent = true
    if (!this.#isDone) this.#stream.end()
  }

  fail(error: Error): void {
    if (isGatewayError(error) && error.fault === 'client') this.#fail(error)
    else this.#fail(new GatewayError('REQUEST_INVALID', { reason: error.message }, error))
  }

  /** Node asks for them when a stream is reset, too: then they would make half a request look whole. */
  #onWantTrailers(): void {
    if (this.#isSent) this.#stream.sendTrailers(trailerFields(this.#requestTrailers))
  }

  #onInterim(): void {
    this.#interim += 1
    if (this.#interim > MAX_INTERIM_ANSWERS) this.#fail(this.#invalid('too many interim answers'))
  }

  #onResponse(status: number, raw: readonly string[]): void {
    if (this.#isDone || this.#hasAnswer) return
    const list = answerFields(raw)
    const length = list === null ? MALFORMED : announcedLength(list)
    if (list === null || length === MALFORMED || status < 200 || status > 599) {
      this.#fail(this.#invalid('a malformed head'))
      return
    }
    this.#hasAnswer = true
    this.#movedAtMs = monotonicMs()
    const body = this.#stream.readableEnded ? Body.none : Body.stream(this, length)
    this.#body = body
    this.#call.resolve(new Response(status, new Headers(endToEndFields(list) as string[]), body))
  }

  #onData(chunk: Buffer): void {
    this.#movedAtMs = monotonicMs()
    this.#body?.push(chunk)
  }

  #onTrailers(raw: readonly string[]): void {
    const kept: string[] = []
    for (let i = 0; i < raw.length; i += 2) {
      const name = raw[i] as string
      if (!name.startsWith(':') && isTrailerField(name)) kept.push(name, raw[i + 1] as string)
    }
    this.#trailers = kept.length === 0 ? null : kept
  }

  #onEnd(): void {
    if (this.#isDone || !this.#hasAnswer || this.#stream.rstCode !== constants.NGHTTP2_NO_ERROR)
      return
    this.#isDone = true
    this.#body?.end(this.#trailers)
    // The rest of a request that was answered early is of no use.
    if (!this.#stream.writableFinished) {
      this.#call.request.body.cancel(ANSWERED)
      this.#stream.close(constants.NGHTTP2_NO_ERROR)
    }
  }

  #onClose(): void {
    this.#session.removed(this)
    if (this.#isDone) return
    const { rstCode } = this.#stream
    const call = this.#call
    // The upstream says that it has not looked at it (RFC 9113, section 8.7).
    const isUntouched =
      rstCode === constants.NGHTTP2_REFUSED_STREAM || this.#session.isLost(this.#stream.id)
    if (isUntouched && !this.#hasAnswer && !call.hasRetried && call.request.body.isWhole) {
      this.#isDone = true
      call.hasRetried = true
      this.#session.client.dispatch(call)
      return
    }
    this.#fail(
      this.#invalid(
        this.#failure === null ? `it reset the stream (${rstCode})` : reasonOf(this.#failure),
      ),
    )
  }

  #fail(error: Error): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#call.request.body.cancel(error)
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL)
    if (this.#hasAnswer) this.#body?.fail(error)
    else this.#call.reject(error)
  }

  #invalid(reason: string): GatewayError {
    return new GatewayError('UPSTREAM_INVALID', { endpoint: this.#session.client.endpoint, reason })
  }
}

/** Start line, host and framing are ours; the names of all fields are lowercase. */
function requestFields(call: UpstreamCall): Record<string, string | string[] | number> {
  const { method, target, host, headers, body } = call.request
  const fields: Record<string, string | string[] | number> = Object.create(null) as never
  fields[':method'] = method
  fields[':scheme'] = 'https'
  fields[':authority'] = host
  fields[':path'] = target
  const list = endToEndFields(headers instanceof ForwardedFields ? headers.list : headers)
  if (BREAKS_LINE.test(target) || BREAKS_LINE.test(host) || !addFields(fields, list)) {
    throw new GatewayError('REQUEST_INVALID', {
      reason: 'a part of the request that cannot be sent',
    })
  }
  // :authority says it.
  delete fields['host']
  const length = body.isWhole && body.trailers === null ? body.whole().length : body.announcedLength
  if (length > 0) fields['content-length'] = length
  return fields
}

/** The fields of an answer as a flat list; null when they are too many or too large. */
function answerFields(raw: readonly string[]): string[] | null {
  const list: string[] = []
  let bytes = 0
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    const value = raw[i + 1] as string
    if (name.startsWith(':')) continue
    bytes += name.length + value.length + 4
    list.push(name, value)
  }
  const fits = bytes <= MAX_RESPONSE_HEADER_BYTES && list.length >> 1 <= MAX_RESPONSE_FIELDS
  return fits ? list : null
}

const MALFORMED = -2

/** The announced length, -1 when there is none, MALFORMED when it cannot be trusted. */
function announcedLength(list: readonly string[]): number {
  let length = -1
  for (let i = 0; i < list.length; i += 2) {
    if (list[i] !== 'content-length') continue
    const value = list[i + 1] as string
    if (length >= 0 || !/^\d{1,15}$/.test(value)) return MALFORMED
    length = Number(value)
  }
  return length
}

const BREAKS_LINE = /[^!-~]/
const ANSWERED = new Error('the upstream answered before it had the whole body')
