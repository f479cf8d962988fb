import { monotonicMs } from '../../clock.ts'
import { GatewayError } from '../../errors.ts'
import { Body, type BodySink } from '../../exchange/body.ts'
import { Exchange } from '../../exchange/exchange.ts'
import { fallbackResponse } from '../../exchange/fallback-response.ts'
import { Headers } from '../../exchange/headers.ts'
import { promised } from '../../exchange/late.ts'
import { Request } from '../../exchange/request.ts'
import type { Response } from '../../exchange/response.ts'
import { endToEndFields } from '../forward.ts'
import { fieldLines, statusLine, UPGRADED_LINES } from '../native/head-text.ts'
import { BodyPace } from '../native/pace.ts'
import { SHEDDING } from '../overload/overload.ts'
import { addTrailers, bodylessLength, streamLength } from './answer-framing.ts'
import type { Connection } from './connection.ts'
import { type BodyOwner, IncomingBody } from './incoming-body.ts'
import { ALLOWED_METHODS, answerFields, answerText } from './local-answer.ts'
import type { GatewayRequest, GatewayResponse } from './message.ts'

/** A whole body up to this size is written as text, in one call with the head: 5 % less CPU per request. */
export const TEXT_ANSWER_BYTES = 16 * 1024

/** What is left of a request body when it is answered is read and dropped up to this size, else the connection closes. */
export const DISCARD_BYTES = 64 * 1024

// Why a body is read no further. Made once: an error that captures a stack costs more than a whole head.
const ANSWERED = new Error('the request was answered')
const CLIENT_LEFT = new Error('the client left')
const INVALID = new Error('the response is not valid')
const NO_TUNNEL = new Error('no tunnel is opened')
const NO_BODY = new Error('this answer has no body')

/**
 * One request and its answer on Node's server, and the sink of the response's body.
 *
 *     start ──check──▶ handler ──▶ respond ──▶ answered ──▶ closed ──▶ exchange.finish
 *         └─ refused ──────────────────────────▲
 */
export class Transaction implements BodySink, BodyOwner {
  readonly #connection: Connection
  readonly #req: GatewayRequest
  readonly #res: GatewayResponse
  readonly #early: Buffer | null
  /** The client waits to be asked for its body. */
  #expectsContinue = false
  #exchange: Exchange | null = null
  #incoming: IncomingBody | null = null
  #responseBody: Body = Body.none
  /** The Content-Length of the answer; -1 when it is chunked. */
  #length = -1
  #sent = 0
  #status = 0
  #isPersistent = true
  #isAnswered = false
  #isHandled = false
  #isClosed = false
  #isDraining = false
  readonly #bodyPace: BodyPace = new BodyPace()
  /** Since when the request is whole and waits for its answer. */
  #wholeSinceMs = 0

  /** `early`: what came behind a request that asks for another protocol; null for other requests. */
  constructor(
    connection: Connection,
    req: GatewayRequest,
    res: GatewayResponse,
    early: Buffer | null,
  ) {
    this.#early = early
    this.#connection = connection
    this.#req = req
    this.#res = res
    res.transaction = this
    res.on('close', onResponseClose)
    res.on('error', onError)
  }

  /** Checks the request and hands it to the handler. Never throws. */
  start(): void {
    const req = this.#req
    const server = this.#connection.server
    const head = server.check
    const list = req.rawHeaders
    const method = req.method ?? ''
    if (!head.check(method, req.url ?? '', req.httpVersion, list, server.limits)) {
      this.#refuse(head.status, head.reason)
      return
    }
    // After a request with an Upgrade that is not taken, Node does not parse what follows.
    this.#isPersistent = head.isPersistent && !head.offersUpgrade
    if (server.overload.level >= SHEDDING) {
      server.overload.shed += 1
      this.#refuse(503, 'too much to do')
      return
    }
    if (head.target === '*') {
      this.#answerOptions()
      return
    }
    if (head.isChunked || head.contentLength > 0) {
      if (!this.#openBody(head.isChunked ? -1 : head.contentLength, head.expectsContinue)) return
    }
    const request = new Request(
      method,
      head.target,
      this.#connection.tls === null ? 'http' : 'https',
      head.host === '' ? this.#connection.localHost() : head.host,
      req.httpVersion as '1.0' | '1.1',
      // The list is ours alone: either a copy, or Node's own that nobody else reads.
      new Headers(endToEndFields(list) as string[]),
      this.#incoming === null ? Body.none : this.#incoming.body,
      this.#connection.remoteAddress,
    )
    request.tls = this.#connection.tls
    if (this.#early !== null && head.offersUpgrade) request.upgrade = 'websocket'
    const exchange = new Exchange(request, server.name, monotonicMs())
    this.#exchange = exchange
    this.#handle(exchange)
  }

  /** Looks at the time limits of the body, and of the answer once the request is whole. */
  tick(nowMs: number): void {
    const { limits } = this.#connection.server
    const incoming = this.#incoming
    if (incoming !== null && !incoming.isReceived) {
      const { bodyIdleTimeoutMs, minBodyRate, bodyTimeoutMs } = limits
      const pace = this.#bodyPace
      this.#wholeSinceMs = nowMs
      pace.excuse(incoming.takePausedMs())
      if (incoming.isPaused) return
      const { received } = incoming
      if (pace.isTooSlow(nowMs, received, bodyIdleTimeoutMs, minBodyRate, bodyTimeoutMs)) {
        this.failBody(408, 'the body did not arrive in time')
      }
      return
    }
    if (limits.requestTimeoutMs <= 0 || this.#isAnswered || this.#exchange === null) return
    if (this.#wholeSinceMs === 0) this.#wholeSinceMs = this.#exchange.startedAtMs
    if (nowMs - this.#wholeSinceMs > limits.requestTimeoutMs) {
      this.#refuse(504, 'the answer took too long')
    }
  }

  /** The client is gone. */
  abort(): void {
    const incoming = this.#incoming
    if (incoming !== null && !incoming.isReceived) {
      incoming.body.fail(new GatewayError('UPSTREAM_ABORTED', {}))
      incoming.stop()
    }
    this.#exchange?.abort()
  }

  /** The rest of the body is no HTTP, or the message after it. */
  failBody(status: number, reason: string): void {
    const incoming = this.#incoming
    if (incoming === null || incoming.isReceived) return
    incoming.fail(new GatewayError('REQUEST_INVALID', { reason }))
    this.#refuseLate(status, reason)
  }

  /** `BodyOwner` */
  get maxBodyBytes(): number {
    return this.#connection.server.limits.maxBodyBytes
  }

  bodyTooLarge(limit: number): void {
    this.#refuseLate(413, new GatewayError('REQUEST_BODY_TOO_LARGE', { limit }).message)
  }

  /** `BodySink` of the response. */
  write(chunk: Buffer): boolean {
    this.#sent += chunk.length
    if (this.#length >= 0 && this.#sent > this.#length) {
      this.#break()
      return true
    }
    if (this.#res.write(chunk)) return true
    if (!this.#isDraining) {
      this.#isDraining = true
      this.#res.on('drain', onDrain)
    }
    return false
  }

  end(trailers: string[] | null): void {
    if (this.#length >= 0 && this.#sent !== this.#length) {
      this.#break()
      return
    }
    if (trailers !== null && this.#length < 0) addTrailers(this.#res, trailers)
    this.#res.end()
  }

  /** The answer broke off: the client must see that it is not whole. */
  fail(): void {
    this.#break()
  }

  /** The client has taken what was written. */
  drained(): void {
    this.#responseBody.resume()
  }

  /** Node is done with the response: sent to the last byte, or cut. */
  closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (!this.#res.writableFinished) this.abort()
    else if (this.#incoming?.isReceived === false) {
      // What is left of the body stands before the next request.
      this.#incoming.fail(ANSWERED)
    }
    this.#responseBody.cancel(CLIENT_LEFT)
    this.#settle()
    this.#connection.done(this)
  }

  #handle(exchange: Exchange): void {
    let pending: void | Promise<void>
    try {
      pending = promised(this.#connection.server.handler(exchange))
    } catch {
      // The contract says that handlers do not throw; the client must get an answer all the same.
      exchange.response = fallbackResponse(exchange, 500)
      pending = undefined
    }
    if (pending === undefined) {
      this.#respond(exchange)
      return
    }
    // Only now is the body asked for; who is turned away at once need not send it.
    if (this.#expectsContinue) {
      this.#expectsContinue = false
      this.#res.writeContinue()
    }
    // Two closures per request that had to wait; they are what `then` takes.
    pending.then(
      () => this.#respond(exchange),
      () => {
        exchange.response = fallbackResponse(exchange, 500)
        this.#respond(exchange)
      },
    )
  }

  #respond(exchange: Exchange): void {
    this.#isHandled = true
    const response = exchange.response ?? fallbackResponse(exchange, 503)
    if (this.#isAnswered || this.#isClosed) {
      response.body.cancel(CLIENT_LEFT)
      this.#settle()
      return
    }
    this.#isAnswered = true
    if (response.tunnel !== null && this.#openTunnel(exchange, response)) return
    try {
      this.#send(exchange.response ?? response)
    } catch {
      // A field that no HTTP message may carry, or a status: Node refuses the head before a byte of it.
      response.body.cancel(INVALID)
      if (this.#res.headersSent) this.#break()
      else this.#send(fallbackResponse(exchange, 500))
    }
  }

  /** False when there is another answer to be sent in place of the tunnel. */
  #openTunnel(exchange: Exchange, response: Response): boolean {
    const connection = this.#connection
    const fields = fieldLines(response.headers)
    const { tunnel } = response
    if (response.status !== 101 || tunnel === null || fields === null || this.#early === null) {
      // Whatever changed the status wants to answer something else, and that has no way to the upstream.
      response.body.cancel(NO_TUNNEL)
      exchange.response = fallbackResponse(exchange, 500)
      return false
    }
    const { server, socket } = connection
    if (server.isDraining || server.tunnels >= server.limits.maxTunnels) {
      response.body.cancel(NO_TUNNEL)
      exchange.response = fallbackResponse(exchange, 503)
      return false
    }
    this.#status = 101
    this.#isClosed = true
    this.#exchange = null
    this.#res.detachSocket(socket)
    socket.write(`${statusLine(101)}${fields}${UPGRADED_LINES}\r\n`, 'latin1')
    // A tunnel needs nothing of what the exchange holds: a change must not have to wait for its end.
    const durationMs = monotonicMs() - exchange.startedAtMs
    exchange.finish({ status: 101, durationMs, sentBytes: 0, isComplete: true })
    connection.openTunnel(tunnel, this.#early)
    connection.done(this)
    return true
  }

  #send(response: Response): void {
    const { status, body } = response
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new RangeError(`the status ${status}`)
    }
    const res = this.#res
    const isHead = this.#req.method === 'HEAD'
    const list = response.headers.list
    const endToEnd = endToEndFields(list)
    const fields = endToEnd === list ? list.slice() : (endToEnd as string[])
    this.#status = status
    if (isHead || status === 204 || status === 304) {
      const length = bodylessLength(status, isHead, body)
      if (length >= 0) fields.push('content-length', String(length))
      if (this.#mustClose()) fields.push('connection', 'close')
      res.writeHead(status, fields)
      body.cancel(NO_BODY)
      res.end()
      return
    }
    // Trailers need chunks to come after.
    const isWhole = body.isWhole && body.trailers === null
    const bytes = isWhole ? body.whole() : null
    this.#length = bytes === null ? streamLength(body) : bytes.length
    if (this.#length >= 0) fields.push('content-length', String(this.#length))
    if (this.#mustClose()) fields.push('connection', 'close')
    res.writeHead(status, fields)
    if (bytes === null) this.#sendStream(body)
    else this.#sendWhole(bytes)
  }

  #sendWhole(bytes: Buffer): void {
    const res = this.#res
    this.#sent = bytes.length
    if (bytes.length === 0) res.end()
    else if (bytes.length <= TEXT_ANSWER_BYTES) res.end(bytes.latin1Slice(), 'latin1')
    else res.end(bytes)
  }

  #sendStream(body: Body): void {
    this.#responseBody = body
    body.pipe(this)
    // Whoever waits for the head must not wait for the first bytes too. The encoding keeps obs-text as it is.
    if (this.#sent === 0 && !this.#res.writableEnded) this.#res.write('', 'latin1')
  }

  /** Does the connection end with this answer? */
  #mustClose(): boolean {
    const connection = this.#connection
    const server = connection.server
    // Whether a client that was not asked sends its body is not known.
    const isUnasked = this.#expectsContinue
    if (this.#incoming !== null && (isUnasked || this.#incoming.left > DISCARD_BYTES)) {
      connection.endSlowly()
      return true
    }
    if (
      this.#isPersistent &&
      !connection.isEnding &&
      !server.isDraining &&
      !server.isCrowded &&
      server.limits.keepAlive &&
      connection.requests < server.limits.maxRequestsPerConnection
    ) {
      return false
    }
    connection.isEnding = true
    return true
  }

  #openBody(length: number, expectsContinue: boolean): boolean {
    const { limits } = this.#connection.server
    const limit = limits.maxBodyBytes
    if (limit >= 0 && length > limit) {
      this.bodyTooLarge(limit)
      return false
    }
    this.#incoming = new IncomingBody(this, this.#req, length)
    this.#bodyPace.start(monotonicMs())
    this.#expectsContinue = expectsContinue
    return true
  }

  /** `OPTIONS *` asks about the server, not about a resource behind it. */
  #answerOptions(): void {
    this.#isAnswered = true
    this.#isHandled = true
    this.#res.writeHead(204, ['allow', ALLOWED_METHODS])
    this.#res.end()
  }

  /** Refuses unless the answer has begun; the connection ends in any case. */
  #refuseLate(status: number, reason: string): void {
    if (this.#isAnswered) this.#connection.endSlowly()
    else this.#refuse(status, reason)
  }

  /** Answers by itself and ends the connection; a handler that still runs is not heard any more. */
  #refuse(status: number, reason: string): void {
    this.#isAnswered = true
    this.#isHandled = this.#exchange === null
    this.#status = status
    this.#connection.endSlowly()
    const text = answerText(status, reason)
    const res = this.#res
    res.writeHead(status, answerFields(status, text))
    if (this.#req.method === 'HEAD') res.end()
    else res.end(text, 'latin1')
    // Whatever of the request is still on its way is dropped.
    this.#req.resume()
    this.#exchange?.abort()
  }

  /** Cuts the connection. Where only the end of the connection ends the answer, a reset says that it is not whole. */
  #break(): void {
    this.#connection.isEnding = true
    const isPlain = this.#connection.tls === null
    if (this.#length < 0 && this.#req.httpVersion === '1.0' && isPlain) {
      this.#connection.socket.resetAndDestroy()
    } else this.#res.destroy()
  }

  /** Ends the exchange when both sides have: a handler that still runs needs what the exchange holds. */
  #settle(): void {
    const exchange = this.#exchange
    if (exchange === null || !this.#isHandled || !this.#isClosed) return
    this.#exchange = null
    exchange.finish({
      status: this.#status,
      durationMs: monotonicMs() - exchange.startedAtMs,
      sentBytes: this.#sent,
      isComplete: this.#res.writableFinished,
    })
  }
}

function onResponseClose(this: GatewayResponse): void {
  this.transaction?.closed()
}

function onDrain(this: GatewayResponse): void {
  this.transaction?.drained()
}

/** A broken message ends with its socket: `Connection.closed` says so to whom it concerns. */
function onError(): undefined {
  return undefined
}
