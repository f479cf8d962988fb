import { monotonicMs } from '../../clock.ts'
import { GatewayError } from '../../errors.ts'
import { Body, type BodySink, type BodySource } from '../../exchange/body.ts'
import { Exchange } from '../../exchange/exchange.ts'
import { fallbackResponse } from '../../exchange/fallback-response.ts'
import { Headers, isFieldValue, isToken } from '../../exchange/headers.ts'
import { Request } from '../../exchange/request.ts'
import type { Response } from '../../exchange/response.ts'
import type { DeadlineEntry, Deadlines } from '../deadlines.ts'
import { endToEndFields, isTrailerField } from '../forward.ts'
import { type Connection, MAX_REQUESTS_PER_CONNECTION } from './connection.ts'
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
const NO_BODY = new Error('this answer has no body')

/**
 * One request and its answer on Node's server: the source of the request's body, the sink of the
 * response's body, and an entry in the list of idle request bodies.
 *
 *     start ──check──▶ handler ──▶ respond ──▶ answered ──▶ closed ──▶ exchange.finish
 *         └─ refused ──────────────────────────▲
 */
export class Transaction implements BodySink, BodySource, DeadlineEntry {
  deadlineMs = 0
  previous: DeadlineEntry | null = null
  next: DeadlineEntry | null = null
  deadlines: Deadlines | null = null
  readonly #connection: Connection
  readonly #req: GatewayRequest
  readonly #res: GatewayResponse
  #exchange: Exchange | null = null
  #requestBody: Body = Body.none
  #responseBody: Body = Body.none
  #requestLength = 0
  #received = 0
  /** The Content-Length of the answer; -1 when it is chunked. */
  #length = -1
  #sent = 0
  #status = 0
  #isPersistent = true
  #isAnswered = false
  #isHandled = false
  #isClosed = false
  #isDraining = false
  /** The request has no body, or all of it was read. */
  #isReceived = true
  #isDiscarding = false

  constructor(connection: Connection, req: GatewayRequest, res: GatewayResponse) {
    this.#connection = connection
    this.#req = req
    this.#res = res
    req.transaction = this
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
      'http',
      head.host,
      req.httpVersion as '1.0' | '1.1',
      // The list is ours alone: either a copy, or Node's own that nobody else reads.
      new Headers(endToEndFields(list) as string[]),
      this.#requestBody,
      this.#connection.remoteAddress,
    )
    const exchange = new Exchange(request, server.name, monotonicMs())
    this.#exchange = exchange
    this.#handle(exchange)
  }

  /** The client is gone. */
  abort(): void {
    this.deadlines?.remove(this)
    this.#requestBody.fail(new GatewayError('UPSTREAM_ABORTED', {}))
    this.#exchange?.abort()
  }

  /** The rest of the body is no HTTP, or the message after it. */
  failBody(status: number, reason: string): void {
    if (this.#isReceived) return
    this.#requestBody.fail(new GatewayError('REQUEST_INVALID', { reason }))
    if (!this.#isAnswered) this.#refuse(status, reason)
    else this.#connection.endSlowly()
  }

  /** `DeadlineEntry`: the client sends a body and has paused for too long. */
  expire(): void {
    if (this.#isClosed) this.#connection.socket.destroy()
    else this.failBody(408, 'the body did not arrive in time')
  }

  /** Bytes of the request body. */
  receive(chunk: Buffer): void {
    this.#received += chunk.length
    const limit = this.#connection.server.limits.maxBodyBytes
    if (limit >= 0 && this.#received > limit) {
      this.#refuseBody(limit)
      return
    }
    if (this.deadlines !== null) this.deadlines.restart(this)
    if (!this.#isDiscarding) this.#requestBody.push(chunk)
  }

  /** The request body is complete. */
  receiveEnd(): void {
    this.#isReceived = true
    this.deadlines?.remove(this)
    this.#requestBody.end(trailersOf(this.#req.rawTrailers))
  }

  /** `BodySource` of the request. */
  pause(): void {
    this.deadlines?.remove(this)
    this.#req.pause()
  }

  resume(): void {
    if (this.deadlines === null && !this.#isReceived) {
      this.#connection.server.bodyDeadlines.add(this)
    }
    this.#req.resume()
  }

  cancel(): void {
    this.#isDiscarding = true
    this.resume()
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
    else if (!this.#isReceived) {
      // What is left of the body stands before the next request.
      this.#requestBody.cancel(ANSWERED)
      this.cancel()
    }
    this.#responseBody.cancel(CLIENT_LEFT)
    this.#settle()
    this.#connection.done(this)
  }

  #handle(exchange: Exchange): void {
    let pending: void | Promise<void>
    try {
      pending = this.#connection.server.handler(exchange)
    } catch {
      // The contract says that handlers do not throw; the client must get an answer all the same.
      exchange.response = fallbackResponse(exchange, 500)
      pending = undefined
    }
    if (pending === undefined) {
      this.#respond(exchange)
      return
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
    try {
      this.#send(response)
    } catch {
      // A field that no HTTP message may carry, or a status: Node refuses the head before a byte of it.
      response.body.cancel(INVALID)
      if (this.#res.headersSent) this.#break()
      else this.#send(fallbackResponse(exchange, 500))
    }
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
    if (!this.#isReceived && this.#requestLength - this.#received > DISCARD_BYTES) {
      connection.endSlowly()
      return true
    }
    if (
      this.#isPersistent &&
      !connection.isEnding &&
      !server.isDraining &&
      server.limits.keepAlive &&
      connection.requests < MAX_REQUESTS_PER_CONNECTION
    ) {
      return false
    }
    connection.isEnding = true
    return true
  }

  #openBody(length: number, expectsContinue: boolean): boolean {
    const { limits, bodyDeadlines } = this.#connection.server
    this.#requestLength = length < 0 ? Number.POSITIVE_INFINITY : length
    if (limits.maxBodyBytes >= 0 && length > limits.maxBodyBytes) {
      this.#refuseBody(limits.maxBodyBytes)
      return false
    }
    const req = this.#req
    this.#isReceived = false
    this.#requestBody = Body.stream(this, length)
    req.on('data', onData)
    req.on('end', onEnd)
    req.on('error', onError)
    bodyDeadlines.add(this)
    if (expectsContinue) this.#res.writeContinue()
    return true
  }

  /** `OPTIONS *` asks about the server, not about a resource behind it. */
  #answerOptions(): void {
    this.#isAnswered = true
    this.#isHandled = true
    this.#res.writeHead(204, ['allow', ALLOWED_METHODS])
    this.#res.end()
  }

  #refuseBody(limit: number): void {
    const error = new GatewayError('REQUEST_BODY_TOO_LARGE', { limit })
    this.#isDiscarding = true
    this.#requestBody.fail(error)
    if (this.#isAnswered) this.#connection.endSlowly()
    else this.#refuse(413, error.message)
  }

  /** Answers by itself and ends the connection; a handler that still runs is not heard any more. */
  #refuse(status: number, reason: string): void {
    this.#isAnswered = true
    this.#isHandled = this.#exchange === null
    this.#status = status
    this.deadlines?.remove(this)
    this.#connection.endSlowly()
    const text = answerText(status, reason)
    const res = this.#res
    res.writeHead(status, answerFields(status, text))
    if (this.#req.method === 'HEAD') res.end()
    else res.end(text, 'latin1')
    this.#isDiscarding = true
    this.#req.resume()
    this.#exchange?.abort()
  }

  /** Cuts the connection. Where only the end of the connection ends the answer, a reset says that it is not whole. */
  #break(): void {
    this.#connection.isEnding = true
    if (this.#length < 0 && this.#req.httpVersion === '1.0') {
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

/** The Content-Length of an answer that has no body; -1 for none (RFC 9110, section 8.6). */
function bodylessLength(status: number, isHead: boolean, body: Body): number {
  if (status === 204) return -1
  const length = body.isWhole && !body.isEmpty ? body.whole().length : body.announcedLength
  // A 304 names the length of what it does not send; 0 is only what an empty body says of itself.
  return isHead || length > 0 ? length : -1
}

function streamLength(body: Body): number {
  return body.isWhole ? -1 : body.announcedLength
}

function trailersOf(raw: readonly string[]): string[] | null {
  if (raw.length === 0) return null
  const kept: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    if (isTrailerField(raw[i] as string)) kept.push(raw[i] as string, raw[i + 1] as string)
  }
  return kept.length === 0 ? null : kept
}

function addTrailers(res: GatewayResponse, trailers: readonly string[]): void {
  const pairs: [string, string][] = []
  for (let i = 0; i < trailers.length; i += 2) {
    const name = trailers[i] as string
    const value = trailers[i + 1] as string
    // Node throws for the whole section when one of them is not valid.
    if (isToken(name) && isFieldValue(value) && isTrailerField(name)) pairs.push([name, value])
  }
  res.addTrailers(pairs)
}

function onResponseClose(this: GatewayResponse): void {
  this.transaction?.closed()
}

function onDrain(this: GatewayResponse): void {
  this.transaction?.drained()
}

function onData(this: GatewayRequest, chunk: Buffer): void {
  this.transaction?.receive(chunk)
}

function onEnd(this: GatewayRequest): void {
  this.transaction?.receiveEnd()
}

/** A broken message ends with its socket: `Connection.closed` says so to whom it concerns. */
function onError(): undefined {
  return undefined
}
