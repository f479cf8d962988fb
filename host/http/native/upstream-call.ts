import type { Exchange } from '../../exchange/exchange.ts'
import type { Response } from '../../exchange/response.ts'
import type { UpstreamRequest } from '../engine.ts'

/** One `HttpClient.send` on its way: what is asked, for whom, and the promise of the answer. */
export class UpstreamCall {
  readonly request: UpstreamRequest
  readonly exchange: Exchange | null
  readonly startedAtMs: number
  /** Time for the head of the answer; 0 for none. */
  readonly timeoutMs: number
  readonly promise: Promise<Response>
  /** The one second attempt was made. */
  hasRetried = false
  #resolve!: (response: Response) => void
  #reject!: (error: Error) => void

  constructor(
    request: UpstreamRequest,
    exchange: Exchange | null,
    startedAtMs: number,
    timeoutMs: number,
  ) {
    this.request = request
    this.exchange = exchange
    this.startedAtMs = startedAtMs
    this.timeoutMs = timeoutMs
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get isAborted(): boolean {
    return this.exchange?.isAborted ?? false
  }

  isLate(nowMs: number): boolean {
    return this.timeoutMs > 0 && nowMs - this.startedAtMs > this.timeoutMs
  }

  resolve(response: Response): void {
    this.#resolve(response)
  }

  reject(error: Error): void {
    this.#reject(error)
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
