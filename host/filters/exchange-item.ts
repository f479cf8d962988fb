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
 * What a guest sees of an exchange, looked up when it looks: most guests look at little. One for every call, and it
 * extends nothing: V8 makes an object of a class that does by a call into the engine, which takes as long as the item.
 */
export class ExchangeItem implements GuestItem, OutcomeListener {
  readonly scope: MessageScope
  readonly phase: Phase
  readonly requestHeaders: Headers
  readonly requestBody: Uint8Array | null
  readonly responseHeaders: Headers | null
  readonly responseBody: Uint8Array | null
  readonly context: ReadonlyMap<string, Uint8Array> | null
  readonly #finish: Finish
  /** Null while nobody waits: most outcomes of a guest in the event loop come at once. */
  #later: LateResult | null = null

  constructor(
    finish: Finish,
    scope: MessageScope,
    phase: Phase,
    requestBody: Uint8Array | null,
    responseBody: Uint8Array | null,
    plugin: OpenPlugin,
    context: ReadonlyMap<string, Uint8Array> | null = dataOf(scope.exchange, plugin),
  ) {
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

  /** The result, which comes when the item has an outcome. Called once, for an item that has none yet. */
  later(): Late<Result> {
    const later = new LateResult()
    this.#later = later
    return later
  }

  /** OutcomeListener */
  onOutcome(outcome: GuestOutcome): void {
    const later = this.#later
    let result: Result | Promise<Result>
    try {
      result = this.#finish(this, outcome)
    } catch (error) {
      later?.fail(error)
      return
    }
    if (result instanceof Promise) {
      result.then(
        (late) => later?.settle(late),
        (error: unknown) => later?.fail(error),
      )
    } else later?.settle(result)
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

class LateResult extends Late<Result> {
  override settle(result: Result): void {
    super.settle(result)
  }

  override fail(error: unknown): void {
    super.fail(error)
  }
}
