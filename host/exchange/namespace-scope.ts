import { GatewayError } from '../errors.ts'
import type { Span } from '../observe/tracing/span.ts'
import type { Exchange, MessageScope } from './exchange.ts'
import type { Request } from './request.ts'
import type { Response } from './response.ts'

/** The request and the response of a namespace beside DEFAULT. Both are missing until somebody makes them. */
export class NamespaceScope implements MessageScope {
  readonly namespace: string
  readonly exchange: Exchange
  response: Response | null = null
  span: Span | null = null
  #request: Request | null = null

  constructor(namespace: string, exchange: Exchange) {
    this.namespace = namespace
    this.exchange = exchange
  }

  /** Fails with NAMESPACE_EMPTY while there is none. */
  get request(): Request {
    if (this.#request === null) {
      throw new GatewayError('NAMESPACE_EMPTY', { namespace: this.namespace })
    }
    return this.#request
  }

  set request(request: Request) {
    this.#request = request
  }

  get hasRequest(): boolean {
    return this.#request !== null
  }

  /** Ends what nobody has read: an upstream would wait for it. */
  discard(): void {
    const reason = new GatewayError('UPSTREAM_ABORTED', {})
    this.#request?.body.cancel(reason)
    this.response?.body.cancel(reason)
  }
}
