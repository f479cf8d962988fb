import type { Socket } from 'node:net'
import { monotonicMs } from '../../clock.ts'
import type { Body } from '../../exchange/body.ts'
import type { Exchange } from '../../exchange/exchange.ts'
import { fallbackResponse } from '../../exchange/fallback-response.ts'
import { Late, type LateWaiter, type Pending } from '../../exchange/late.ts'
import type { Response } from '../../exchange/response.ts'
import type { TunnelOffer } from '../../exchange/tunnel.ts'
import { TurnPhase, type TurnTask, turn } from '../../turn.ts'
import type { ExchangeHandler } from '../engine.ts'
import {
  BodyWriter,
  type BodyWriterOwner,
  BY_LENGTH,
  IN_CHUNKS,
  UNTIL_CLOSE,
} from './body-writer.ts'
import { dateLine, fieldLines, statusLine, UPGRADED_LINES } from './head-text.ts'

/** The connection an exchange came in through. */
export interface RunnerOwner {
  readonly handler: ExchangeHandler
  /** The handler has to wait for something. */
  onPending(): void
  /** `body` is about to be sent: does the connection stay open after it? */
  staysOpen(body: Body): boolean
  /** The answer was handed to the socket, or has broken off. */
  onAnswered(isComplete: boolean): void
  /** May one more tunnel be opened? */
  readonly canTunnel: boolean
  /** The client was told that the connection is a tunnel from now on. */
  onTunnel(offer: TunnelOffer): void
  /** Something threw that must not: a listener of the exchange, a body. */
  onFault(error: unknown): void
}

/**
 * Runs the exchanges of one connection, one after the other: calls the handler, writes its response, and
 * ends the exchange when both are done. A handler that still runs needs what the exchange holds, so an
 * exchange whose client has left ends only after its handler.
 *
 *     run ─▶ handler ─▶ respond ─▶ body sent ─▶ exchange.finish
 *                │          └─ body broke off ─▶ exchange.finish (incomplete)
 *                └─ cancel (client left, refused) ─▶ handler done ─▶ exchange.finish (incomplete)
 */
export class ExchangeRunner implements BodyWriterOwner, TurnTask, LateWaiter<void> {
  readonly writer: BodyWriter
  readonly #owner: RunnerOwner
  #exchange: Exchange | null = null
  #status = 0
  #isHandled = false
  #isCancelled = false
  #isHead = false
  #isHttp10 = false
  #staysOpen = true

  constructor(socket: Socket, owner: RunnerOwner) {
    this.writer = new BodyWriter(socket, this)
    this.#owner = owner
  }

  /** A part of the answer was written and another is to come. */
  get isSending(): boolean {
    return this.writer.isBusy
  }

  /** An exchange is here whose answer is not out. */
  get isRunning(): boolean {
    return this.#exchange !== null && !this.#isCancelled
  }

  /** Starts `exchange`: at the end of this turn of the event loop, or at once when it has a large body to come. */
  run(exchange: Exchange): void {
    const { method, httpVersion } = exchange.request
    this.#exchange = exchange
    this.#status = 0
    this.#isHandled = false
    this.#isCancelled = false
    this.#isHead = method === 'HEAD'
    this.#isHttp10 = httpVersion === '1.0'
    this.writer.sentBytes = 0
    if (isSmall(exchange.request.body)) turn.schedule(TurnPhase.handle, this)
    else this.onTurn()
  }

  /** TurnTask */
  onTurn(): void {
    try {
      this.#handle()
    } catch (error) {
      this.#owner.onFault(error)
    }
  }

  /** A client that has left already is handled all the same: who looks on hears of every exchange. */
  #handle(): void {
    const exchange = this.#exchange
    if (exchange === null) return
    let pending: void | Pending<void>
    try {
      pending = this.#owner.handler(exchange)
    } catch {
      // The contract says that handlers do not throw; the client must get an answer all the same.
      this.#respondFailed()
      return
    }
    if (pending === undefined) {
      this.#respond()
      return
    }
    this.#owner.onPending()
    if (pending instanceof Late) pending.wait(this)
    else {
      pending.then(
        () => this.onSettled(),
        () => this.onFailed(),
      )
    }
  }

  /** LateWaiter: the handler is done. */
  onSettled(): void {
    try {
      this.#respond()
    } catch (error) {
      this.#owner.onFault(error)
    }
  }

  /** LateWaiter: the handler has failed, which it must not. */
  onFailed(): void {
    try {
      this.#respondFailed()
    } catch (error) {
      this.#owner.onFault(error)
    }
  }

  /** Nothing of the exchange can be sent any more; `status` is what the client got instead, 499 for nothing. */
  cancel(status: number, reason: Error): void {
    const exchange = this.#exchange
    if (exchange === null || this.#isCancelled) return
    this.#isCancelled = true
    if (this.#status === 0) this.#status = status
    this.writer.stop(reason)
    exchange.abort()
    if (this.#isHandled) this.#settle(exchange, false)
  }

  onBodySent(): void {
    this.#end(true)
  }

  onBodyBroken(_error: Error, isUnsent: boolean): void {
    const exchange = this.#exchange
    if (isUnsent && exchange !== null) this.#send(fallbackResponse(exchange, 502))
    else this.#end(false)
  }

  #respondFailed(): void {
    const exchange = this.#exchange
    if (exchange !== null) {
      exchange.response?.body.cancel(UNWANTED)
      exchange.response = fallbackResponse(exchange, 500)
    }
    this.#respond()
  }

  #respond(): void {
    const exchange = this.#exchange
    if (exchange === null) return
    this.#isHandled = true
    if (this.#isCancelled) {
      exchange.response?.body.cancel(UNWANTED)
      this.#settle(exchange, false)
      return
    }
    if (this.#openTunnel(exchange)) return
    const response = exchange.response ?? fallbackResponse(exchange, 503)
    this.#staysOpen = this.#owner.staysOpen(response.body)
    if (this.#send(response)) return
    response.body.cancel(UNWANTED)
    this.#send(fallbackResponse(exchange, 500))
  }

  /** False when there is no tunnel, or another answer is to be sent in its place. */
  #openTunnel(exchange: Exchange): boolean {
    const { response } = exchange
    if (response === null || response.tunnel === null) return false
    const fields = fieldLines(response.headers)
    // Whatever changed the status wants to answer something else, and that has no way to the upstream.
    const isValid = response.status === 101 && fields !== null
    if (!isValid || !this.#owner.canTunnel) {
      response.body.cancel(UNWANTED)
      exchange.response = fallbackResponse(exchange, isValid ? 503 : 500)
      return false
    }
    this.#status = 101
    this.writer.sendHead(statusLine(101), fields, UPGRADED_LINES)
    // A tunnel needs nothing of what the exchange holds: a change must not have to wait for its end.
    this.#settle(exchange, true)
    this.#owner.onTunnel(response.tunnel)
    return true
  }

  /** False when the head cannot be sent as it is: then nothing was written. */
  #send(response: Response): boolean {
    const status = response.status
    const { headers, body } = response
    const fields = fieldLines(headers)
    if (fields === null || !Number.isInteger(status) || status < 200 || status > 599) return false
    this.#status = status
    const start = statusLine(status)
    // The lines of an upstream's answer have their date.
    let added = headers.readLines === null && !headers.has('date') ? dateLine() : ''
    if (!this.#staysOpen) added += 'connection: close\r\n'
    else if (this.#isHttp10) added += 'connection: keep-alive\r\n'
    if (this.#isHead || status === 204 || status === 304) {
      this.writer.sendHead(start, fields, added + bodilessFraming(status, this.#isHead, body))
      body.cancel(UNWANTED)
    } else if (body.isWhole && body.trailers === null) {
      this.writer.sendWhole(start, fields, added, body)
    } else {
      this.writer.sendStream(start, fields, added, body, this.#framingOf(body))
      return true
    }
    this.#end(true)
    return true
  }

  #framingOf(body: Body): number {
    // Trailers need chunks to come after.
    if (body.announcedLength >= 0 && !body.isWhole) return BY_LENGTH
    return this.#isHttp10 ? UNTIL_CLOSE : IN_CHUNKS
  }

  #end(isComplete: boolean): void {
    const exchange = this.#exchange
    if (exchange !== null) this.#settle(exchange, isComplete)
    this.#owner.onAnswered(isComplete)
  }

  #settle(exchange: Exchange, isComplete: boolean): void {
    this.#exchange = null
    exchange.finish({
      status: this.#status,
      durationMs: monotonicMs() - exchange.startedAtMs,
      sentBytes: this.writer.sentBytes,
      isComplete,
    })
  }
}

/** The length a GET would have had, for HEAD and 304; 204 has no framing at all (RFC 9110, section 8.6). */
function bodilessFraming(status: number, isHead: boolean, body: Body): string {
  if (status === 204) return ''
  const length = body.isWhole && !body.isEmpty ? body.whole().length : body.announcedLength
  return length > 0 || (isHead && length === 0) ? `content-length: ${length}\r\n` : ''
}

/** A body of so many bytes may wait with its request for the end of the turn. */
const WAITING_BODY_BYTES = 16 * 1024

/** What comes of a larger body would pile up until somebody takes it: copied, 64 KB at a time. */
function isSmall(body: Body): boolean {
  const { announcedLength } = body
  return body.isWhole || (announcedLength >= 0 && announcedLength <= WAITING_BODY_BYTES)
}

const UNWANTED = new Error('nobody reads this body')
