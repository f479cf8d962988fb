import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { monotonicMs } from '../../clock.ts'
import { GatewayError } from '../../errors.ts'
import { Body, type BodySink, type BodySource } from '../../exchange/body.ts'
import { Exchange } from '../../exchange/exchange.ts'
import { fallbackResponse } from '../../exchange/fallback-response.ts'
import { isFieldValue } from '../../exchange/field-rules.ts'
import { Headers } from '../../exchange/headers.ts'
import { promised } from '../../exchange/late.ts'
import { Request } from '../../exchange/request.ts'
import type { Response } from '../../exchange/response.ts'
import { endToEndFields, isTrailerField } from '../forward.ts'
import { BodyPace } from '../native/pace.ts'
import { ALLOWED_METHODS, answerText } from '../node/local-answer.ts'
import { SHEDDING } from '../overload/overload.ts'
import { RequestFields } from './request-fields.ts'
import { bodilessLength, localFields, responseFields, trailerFields } from './response-fields.ts'
import type { H2Session } from './server-session.ts'

/** A whole body is handed to Node in pieces of this size, as fast as the client takes them. */
export const PIECE_BYTES = 32 * 1024

/** A body frame counts for this much more than its bytes: small ones are no idle talk. */
const FRAME_CREDIT = 64

/** How often `writeIdleTimeout` a stream may stand still while its connection moves. */
export const STALLED_FACTOR = 5

/** Reading never outlives the call that started it: all streams share one. */
const fields = new RequestFields()

/**
 * One request over HTTP/2 and its answer: source of the request's body and sink of the answer's.
 *
 *     start ──check──▶ handler ──▶ respond ──▶ last byte ──▶ closed ──▶ exchange.finish
 *         └─ refused ──────────────────────────▲
 *     a reset by the client, or a session that ends, leads to closed from anywhere
 */
export class H2Stream implements BodySource, BodySink {
  readonly #session: H2Session
  readonly #stream: ServerHttp2Stream
  readonly #pace: BodyPace = new BodyPace()
  #exchange: Exchange | null = null
  /** The body of the request while it arrives. */
  #incoming: Body | null = null
  #received = 0
  #trailers: string[] | null = null
  #isPaused = false
  #pausedAtMs = 0
  #expectsContinue = false
  /** Since when the request is whole. */
  #wholeAtMs = 0
  #status = 0
  #sent = 0
  /** The Content-Length of the answer; -1 for none. */
  #length = -1
  #body: Body = Body.none
  #answerTrailers: readonly string[] | null = null
  /** What is left of a whole body. */
  #rest: Buffer | null = null
  /** Since when the client has to make room before more is written; 0 when it need not. */
  #blockedAtMs = 0
  #isAnswered = false
  /** Node has all of the answer. */
  #isEnded = false
  #isHandled = false
  #isClosed = false

  constructor(session: H2Session, stream: ServerHttp2Stream) {
    this.#session = session
    this.#stream = stream
  }

  /** Node ends its side of a stream that was reset, too: only its code tells. */
  get #isComplete(): boolean {
    return this.#isEnded && this.#stream.rstCode === constants.NGHTTP2_NO_ERROR
  }

  /** More is to be written and the client makes no room. */
  get isBlocked(): boolean {
    return this.#blockedAtMs > 0
  }

  /** Checks the request and hands it to the handler. */
  start(raw: readonly string[], isWhole: boolean): void {
    const session = this.#session
    const { limits } = session.host
    const { check } = fields
    const nowMs = monotonicMs()
    this.#wholeAtMs = nowMs
    if (!fields.read(raw, limits)) {
      this.#refuse(fields.status, fields.reason)
      session.countFault()
      return
    }
    const { method, list } = fields
    if (check.target === '*') {
      if (isWhole) this.#answerOptions()
      else this.#refuse(400, 'a body where none is expected')
      return
    }
    if (session.host.overload.level >= SHEDDING) {
      session.host.overload.shed += 1
      this.#refuse(503, 'too much to do')
      return
    }
    if (!isWhole && !this.#openBody(check.contentLength, nowMs)) return
    this.#expectsContinue = check.expectsContinue && !isWhole
    const request = new Request(
      method,
      check.target,
      'https',
      check.host,
      '2',
      new Headers(endToEndFields(list) as string[]),
      this.#incoming ?? Body.none,
      session.remoteAddress,
    )
    request.tls = session.clientTls
    const exchange = new Exchange(request, session.host.name, nowMs)
    this.#exchange = exchange
    this.#handle(exchange)
  }

  /** Looks at the time limits. */
  tick(nowMs: number): void {
    const { limits } = this.#session.host
    if (this.#incoming !== null) {
      this.#wholeAtMs = nowMs
      if (this.#isPaused) return
      const { bodyIdleTimeoutMs, minBodyRate, bodyTimeoutMs } = limits
      if (
        this.#pace.isTooSlow(nowMs, this.#received, bodyIdleTimeoutMs, minBodyRate, bodyTimeoutMs)
      ) {
        this.#refuse(408, 'the body came too slowly')
      }
    } else if (
      !this.#isAnswered &&
      limits.requestTimeoutMs > 0 &&
      nowMs - this.#wholeAtMs > limits.requestTimeoutMs
    ) {
      this.#refuse(504, 'the answer took too long')
    } else if (
      this.isBlocked &&
      nowMs - this.#blockedAtMs > limits.writeIdleTimeoutMs * STALLED_FACTOR
    ) {
      // The connection moves, this stream does not: `H2Session` looks after those that stand still.
      this.#stream.close(constants.NGHTTP2_CANCEL)
    }
  }

  /** BodySource: the consumer of the request body has room again. */
  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#pace.excuse(monotonicMs() - this.#pausedAtMs)
    this.#stream.resume()
  }

  /** BodySource: the consumer of the request body is full. */
  pause(): void {
    if (this.#isPaused || this.#isClosed) return
    this.#isPaused = true
    this.#pausedAtMs = monotonicMs()
    this.#stream.pause()
  }

  /** BodySource: nobody wants the rest of the request body; it is dropped as it comes. */
  cancel(_error: Error): void {
    this.resume()
  }

  onData(chunk: Buffer): void {
    this.#session.idle.used(chunk.length + FRAME_CREDIT)
    const incoming = this.#incoming
    if (incoming === null) return
    this.#received += chunk.length
    const limit = this.#session.host.limits.maxBodyBytes
    if (limit >= 0 && this.#received > limit) this.#refuseTooLarge(limit)
    else incoming.push(chunk)
  }

  onTrailers(raw: readonly string[]): void {
    const kept: string[] = []
    for (let i = 0; i < raw.length; i += 2) {
      const name = raw[i] as string
      const value = raw[i + 1] as string
      this.#session.idle.used(name.length + value.length)
      if (name.charCodeAt(0) === 0x3a || !isTrailerField(name)) continue
      // Node drops what is malformed, except for blanks at the ends of a value.
      if (isFieldValue(value)) kept.push(name, value)
    }
    this.#trailers = kept.length === 0 ? null : kept
  }

  /** The last byte of the request is here. */
  onEnd(): void {
    const incoming = this.#incoming
    if (incoming === null) return
    this.#incoming = null
    this.#wholeAtMs = monotonicMs()
    incoming.end(this.#trailers)
  }

  /** BodySink of the answer. */
  write(chunk: Buffer): boolean {
    if (this.#isClosed || chunk.length === 0) return true
    this.#sent += chunk.length
    if (this.#length >= 0 && this.#sent > this.#length) {
      this.#breakOff()
      return true
    }
    return this.#write(chunk)
  }

  end(trailers: string[] | null): void {
    if (this.#isClosed) return
    if (this.#length >= 0 && this.#sent !== this.#length) {
      this.#breakOff()
      return
    }
    this.#answerTrailers = trailers
    this.#isEnded = true
    this.#stream.end()
  }

  /** The answer broke off: the client must see that it is not whole. */
  fail(_error: Error): void {
    this.#breakOff()
  }

  onDrain(): void {
    this.#blockedAtMs = 0
    if (this.#rest !== null) this.#writeRest()
    else this.#body.resume()
  }

  onWantTrailers(): void {
    // Node asks for them when a stream is reset, too: then they would make half an answer look whole.
    if (!this.#isEnded) return
    // Without any, Node ends the stream by an empty frame.
    this.#stream.sendTrailers(trailerFields(this.#answerTrailers))
  }

  /** The last byte of the answer was handed over. */
  onFinish(): void {
    // The client need not send what nobody reads (RFC 9113, section 8.1).
    if (this.#incoming !== null) this.#stream.close(constants.NGHTTP2_NO_ERROR)
  }

  /** The stream is gone: answered, reset by the client, or cut. */
  onClose(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (isMistake(this.#stream.rstCode)) this.#session.countFault()
    const incoming = this.#incoming
    this.#incoming = null
    this.#rest = null
    this.#blockedAtMs = 0
    if (!this.#isComplete) this.#exchange?.abort()
    incoming?.fail(CLIENT_LEFT)
    this.#body.cancel(CLIENT_LEFT)
    this.#settle()
  }

  /** Something threw where nothing should: it costs this request. */
  reset(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  }

  #handle(exchange: Exchange): void {
    let pending: void | Promise<void>
    try {
      pending = promised(this.#session.host.handler(exchange))
    } catch {
      // The contract says that handlers do not throw; the client must get an answer all the same.
      this.#respondFailed(exchange)
      return
    }
    if (pending === undefined) {
      this.#respond(exchange)
      return
    }
    if (this.#expectsContinue) {
      this.#expectsContinue = false
      if (!this.#stream.destroyed) this.#stream.additionalHeaders({ ':status': 100 })
    }
    // Two closures per request that had to wait; they are what `then` takes.
    pending.then(
      () => this.#session.guard(this, () => this.#respond(exchange)),
      () => this.#session.guard(this, () => this.#respondFailed(exchange)),
    )
  }

  #respondFailed(exchange: Exchange): void {
    exchange.response?.body.cancel(UNWANTED)
    exchange.response = fallbackResponse(exchange, 500)
    this.#respond(exchange)
  }

  #respond(exchange: Exchange): void {
    this.#isHandled = true
    const response = exchange.response ?? fallbackResponse(exchange, 503)
    if (this.#isAnswered || this.#isClosed || this.#stream.destroyed) {
      response.body.cancel(CLIENT_LEFT)
      this.#settle()
      return
    }
    if (this.#send(response, exchange.request.method)) return
    response.body.cancel(UNWANTED)
    this.#send(fallbackResponse(exchange, 500), exchange.request.method)
  }

  /** False when the head cannot be sent as it is: then nothing was written. */
  #send(response: Response, method: string): boolean {
    const { status, headers, body } = response
    const head = responseFields(status, headers)
    if (head === null) return false
    this.#isAnswered = true
    this.#status = status
    const isHead = method === 'HEAD'
    if (isHead || status === 204 || status === 304) {
      const length = bodilessLength(status, isHead, body)
      if (length >= 0) head['content-length'] = length
      this.#isEnded = true
      this.#stream.respond(head, { endStream: true })
      body.cancel(UNWANTED)
    } else if (body.isWhole && body.trailers === null) this.#sendWhole(head, body)
    else {
      this.#length = body.isWhole ? -1 : body.announcedLength
      if (this.#length >= 0) head['content-length'] = this.#length
      this.#body = body
      this.#stream.respond(head, { waitForTrailers: true })
      body.pipe(this)
    }
    return true
  }

  #sendWhole(head: OutgoingHttpHeaders, body: Body): void {
    const bytes = body.whole()
    head['content-length'] = bytes.length
    if (bytes.length === 0) {
      this.#isEnded = true
      this.#stream.respond(head, { endStream: true })
      return
    }
    this.#stream.respond(head)
    if (bytes.length <= PIECE_BYTES) {
      this.#sent = bytes.length
      this.#blockedAtMs = this.#stream.writableNeedDrain ? monotonicMs() : 0
      this.#isEnded = true
      this.#stream.end(bytes)
      return
    }
    this.#rest = bytes
    this.#writeRest()
  }

  /** Hands on as much of a whole body as there is room for. */
  #writeRest(): void {
    for (let rest = this.#rest; rest !== null; rest = this.#rest) {
      const piece = rest.subarray(0, PIECE_BYTES)
      this.#sent += piece.length
      if (piece.length === rest.length) {
        this.#rest = null
        this.#isEnded = true
        this.#stream.end(piece)
      } else {
        this.#rest = rest.subarray(PIECE_BYTES)
        if (!this.#write(piece)) return
      }
    }
  }

  #write(chunk: Buffer): boolean {
    const hasRoom = this.#stream.write(chunk)
    if (!hasRoom && this.#blockedAtMs === 0) this.#blockedAtMs = monotonicMs()
    return hasRoom
  }

  #openBody(length: number, nowMs: number): boolean {
    const limit = this.#session.host.limits.maxBodyBytes
    if (limit >= 0 && length > limit) {
      this.#refuseTooLarge(limit)
      return false
    }
    this.#pace.start(nowMs)
    this.#incoming = Body.stream(this, length)
    this.#session.listenForBody(this.#stream)
    return true
  }

  #refuseTooLarge(limit: number): void {
    const error = new GatewayError('REQUEST_BODY_TOO_LARGE', { limit })
    this.#refuse(413, error.message, error)
  }

  /** About the server as a whole, so it is answered here (RFC 9110, section 9.3.7). */
  #answerOptions(): void {
    this.#isAnswered = true
    this.#isHandled = true
    this.#stream.respond({ ':status': 204, allow: ALLOWED_METHODS }, { endStream: true })
  }

  /** Answers by itself, or breaks off an answer that has begun; a handler that runs is not heard any more. */
  #refuse(status: number, reason: string, error?: GatewayError): void {
    const incoming = this.#incoming
    this.#incoming = null
    if (this.#isAnswered) this.#breakOff()
    else if (!this.#stream.destroyed) {
      this.#isAnswered = true
      this.#isHandled = this.#exchange === null
      this.#status = status
      const text = answerText(status, reason)
      this.#stream.respond(localFields(status, text.length))
      this.#isEnded = true
      this.#stream.end(text)
      this.#stream.once('finish', closeUnread)
    }
    incoming?.fail(error ?? new GatewayError('REQUEST_INVALID', { reason }))
    this.#exchange?.abort()
  }

  /** Half an answer must not look like a whole one. */
  #breakOff(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  }

  /** Ends the exchange when both sides have: a handler that still runs needs what the exchange holds. */
  #settle(): void {
    const exchange = this.#exchange
    if (exchange === null || !this.#isHandled || !this.#isClosed) return
    this.#exchange = null
    exchange.finish({
      status: this.#status === 0 ? 499 : this.#status,
      durationMs: monotonicMs() - exchange.startedAtMs,
      sentBytes: this.#sent,
      isComplete: this.#isComplete,
    })
  }
}

/** The client need not send the rest of what was refused. */
function closeUnread(this: ServerHttp2Stream): void {
  this.close(constants.NGHTTP2_NO_ERROR)
}

/** Was the stream reset for something that the client did wrong? */
function isMistake(code: number | undefined): boolean {
  return (
    code !== undefined &&
    code !== constants.NGHTTP2_NO_ERROR &&
    code !== constants.NGHTTP2_CANCEL &&
    code !== constants.NGHTTP2_REFUSED_STREAM
  )
}

const CLIENT_LEFT: GatewayError = new GatewayError('UPSTREAM_ABORTED', {})
const UNWANTED = new Error('nobody reads this body')
