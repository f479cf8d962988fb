import type { Exchange } from '../../exchange/exchange.ts'
import type { Response } from '../../exchange/response.ts'
import type { Asker, UpstreamRequest } from '../engine.ts'

/** One request to an upstream on its way: what is asked, and by whom. */
export class UpstreamCall {
  readonly request: UpstreamRequest
  readonly exchange: Exchange | null
  readonly startedAtMs: number
  /** Time for the head of the answer; 0 for none. */
  readonly timeoutMs: number
  readonly asker: Asker
  /** The one second attempt was made. */
  hasRetried = false
  #isSettled = false

  constructor(
    asker: Asker,
    request: UpstreamRequest,
    exchange: Exchange | null,
    startedAtMs: number,
    timeoutMs: number,
  ) {
    this.asker = asker
    this.request = request
    this.exchange = exchange
    this.startedAtMs = startedAtMs
    this.timeoutMs = timeoutMs
  }

  get isAborted(): boolean {
    return this.exchange?.isAborted ?? false
  }

  isLate(nowMs: number): boolean {
    return this.timeoutMs > 0 && nowMs - this.startedAtMs > this.timeoutMs
  }

  /** What comes first counts, as with a promise. */
  resolve(response: Response): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.asker.onAnswer(response)
  }

  reject(error: Error): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.asker.onFailure(error)
  }
}

/** Methods that may be sent twice (RFC 9110, section 9.2.2). */
export function isIdempotent(method: string): boolean {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'PUT':
    case 'DELETE':
    case 'OPTIONS':
      return true
    default:
      return false
  }
}
