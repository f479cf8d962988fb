import type { MessageScope } from '../exchange/exchange.ts'
import type { Headers } from '../exchange/headers.ts'
import { Late } from '../exchange/late.ts'
import { type CallTrace, callTraceOf } from '../observe/tracing/call-trace.ts'
import type { GuestItem, GuestOutcome, OutcomeListener } from '../wasm/executor.ts'
import { readableFields } from '../wasm/grant/grant.ts'
import type { Phase } from '../wasm/guest-input.ts'
import type { OpenPlugin } from '../wasm/open-plugin.ts'
import { dataOf } from './plugin-context.ts'

type Result = string | undefined

/** What becomes of the outcome of an item. */
export type Finish = (item: ExchangeItem, outcome: GuestOutcome) => Result | Promise<Result>

/**
 * What a guest sees of an exchange, looked up when it looks: most guests look at little. Where the outcome comes
 * later it is itself the result that is waited for.
 */
export class ExchangeItem extends Late<Result> implements GuestItem, OutcomeListener {
  readonly scope: MessageScope
  readonly phase: Phase
  readonly requestHeaders: Headers
  readonly requestBody: Uint8Array | null
  readonly responseHeaders: Headers | null
  readonly responseBody: Uint8Array | null
  readonly context: ReadonlyMap<string, Uint8Array> | null
  readonly #finish: Finish

  constructor(
    finish: Finish,
    scope: MessageScope,
    phase: Phase,
    requestBody: Uint8Array | null,
    responseBody: Uint8Array | null,
    plugin: OpenPlugin,
    context: ReadonlyMap<string, Uint8Array> | null = dataOf(scope.exchange, plugin),
  ) {
    super()
    const { request, response } = scope
    const { read } = plugin.grant
    this.scope = scope
    this.phase = phase
    this.requestHeaders = readableFields(read, request.headers)
    this.requestBody = requestBody
    this.responseHeaders = response === null ? null : readableFields(read, response.headers)
    this.responseBody = responseBody
    this.context = context
    this.#finish = finish
  }

  /** OutcomeListener */
  onOutcome(outcome: GuestOutcome): void {
    let result: Result | Promise<Result>
    try {
      result = this.#finish(this, outcome)
    } catch (error) {
      this.fail(error)
      return
    }
    if (result instanceof Promise) {
      result.then(
        (late) => this.settle(late),
        (error: unknown) => this.fail(error),
      )
    } else this.settle(result)
  }

  get method(): string {
    return this.scope.request.method
  }

  get path(): string {
    return this.scope.request.path
  }

  get query(): string {
    return this.scope.request.query
  }

  get scheme(): string {
    return this.scope.request.scheme
  }

  get host(): string {
    return this.scope.request.host
  }

  get clientAddress(): string {
    return this.scope.request.remoteAddress
  }

  get route(): string {
    return this.scope.exchange.pipeline
  }

  get protocol(): string {
    return this.scope.request.httpVersion
  }

  get status(): number {
    return this.scope.response === null ? 0 : this.scope.response.status
  }

  get callTrace(): CallTrace | null {
    const { exchange, span } = this.scope
    if (exchange.trace === null) return null
    return callTraceOf(exchange.trace, span, exchange.request.headers)
  }

  get requestId(): string {
    return this.scope.exchange.id
  }
}
