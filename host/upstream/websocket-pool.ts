import { reasonOf } from '../errors.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { fallbackResponse } from '../exchange/fallback-response.ts'
import { Response } from '../exchange/response.ts'
import { answerOf } from '../http/promised-answer.ts'
import { checkAcceptance, checkHandshake, WEBSOCKET_VERSION } from '../http/websocket/handshake.ts'
import { endCall, failCall } from '../observe/tracing/call-span.ts'
import type { BalanceSpec, UpstreamEnv } from './balance-spec.ts'
import { DiscoveredServers, type ServerSource } from './discovered-servers.ts'
import type { Endpoint } from './endpoint.ts'
import { failureOf } from './failure.ts'
import type { ServerPool } from './server-pool.ts'
import { traceCall } from './trace-call.ts'
import { requestTo } from './upstream-request.ts'

/** The results of a WebSocketProxy other than success, as Easegress names them. */
export const WEBSOCKET_RESULTS = ['internalError', 'clientError'] as const

export type WebSocketResult = (typeof WEBSOCKET_RESULTS)[number] | undefined

/** One pool of a WebSocketProxy, ready to run. */
export interface WebSocketPoolOptions {
  readonly source: ServerSource
  readonly balance: BalanceSpec
  /** What a call is called in traces. */
  readonly spanName: string
  /** Time for the server to agree; 0 for no limit. */
  readonly timeoutMs: number
  /** Bytes of a message; -1 for no limit. */
  readonly clientMaxMessageBytes: number
  readonly serverMaxMessageBytes: number
  /** Null lets pages of every origin in. */
  readonly isOriginAllowed: ((request: MessageScope['request']) => boolean) | null
  /** The Origin of requests that have none; "" adds none. */
  readonly defaultOrigin: string
}

/** Opens WebSockets to one of some servers: checks both halves of the handshake and hands over the way. */
export class WebSocketPool {
  readonly #options: WebSocketPoolOptions
  readonly #discovered: DiscoveredServers
  readonly #servers: ServerPool
  #opened = 0
  #refused = 0
  #failed = 0

  private constructor(options: WebSocketPoolOptions, servers: DiscoveredServers) {
    this.#options = options
    this.#discovered = servers
    this.#servers = servers.pool
  }

  static async create(options: WebSocketPoolOptions, env: UpstreamEnv): Promise<WebSocketPool> {
    const { source, balance } = options
    return new WebSocketPool(options, await DiscoveredServers.open(source, balance, env))
  }

  /** Synchronous only when nothing has to be sent. */
  handle(scope: MessageScope): WebSocketResult | Promise<WebSocketResult> {
    const { request, exchange } = scope
    const problem = checkHandshake(request)
    if (problem !== null) {
      const response = Response.text(problem.status, `${problem.reason}\n`)
      if (problem.status === 426) {
        // RFC 6455, section 4.2.2. The engine alone writes Upgrade.
        response.headers.set('sec-websocket-version', WEBSOCKET_VERSION)
      }
      return this.#refuse(scope, response)
    }
    const { isOriginAllowed, defaultOrigin } = this.#options
    if (isOriginAllowed !== null && !isOriginAllowed(request)) {
      return this.#refuse(scope, Response.text(403, 'pages of this origin may not do that\n'))
    }
    if (defaultOrigin !== '' && !request.headers.has('origin')) {
      request.headers.set('Origin', defaultOrigin)
    }
    const endpoint = this.#servers.choose(scope)
    if (endpoint === undefined) return this.#fail(scope, 503, 'no endpoint is available')
    const span = exchange.trace === null ? null : traceCall(scope, endpoint, this.#options.spanName)
    const sent = { ...requestTo(endpoint, scope, span), upgrade: 'websocket' }
    return answerOf(endpoint.client.value, sent, this.#options.timeoutMs, exchange).then(
      (response) => {
        if (span !== null) endCall(span, response.status)
        return this.#finish(scope, endpoint, response)
      },
      (error: unknown) => {
        if (span !== null) failCall(span, reasonOf(error))
        return this.#fail(scope, failureOf(error).status, reasonOf(error))
      },
    )
  }

  status(): unknown {
    return {
      opened: this.#opened,
      refused: this.#refused,
      failed: this.#failed,
      servers: this.#servers.status(),
    }
  }

  close(): void {
    this.#discovered.close()
  }

  #finish(scope: MessageScope, endpoint: Endpoint, response: Response): WebSocketResult {
    const { tunnel } = response
    if (tunnel === null) {
      // The server has answered something else: a login page, an error. That is its good right.
      scope.response = response
      if (response.status < 500) return undefined
      this.#failed += 1
      return 'internalError'
    }
    const reason = checkAcceptance(scope.request, response)
    if (reason !== null) {
      response.body.cancel(reason)
      return this.#fail(scope, 502, `${endpoint.url} has answered the handshake with ${reason}`)
    }
    tunnel.hasExtensions = response.headers.has('sec-websocket-extensions')
    tunnel.clientMaxMessageBytes = this.#options.clientMaxMessageBytes
    tunnel.serverMaxMessageBytes = this.#options.serverMaxMessageBytes
    this.#opened += 1
    scope.response = response
    return undefined
  }

  #refuse(scope: MessageScope, response: Response): WebSocketResult {
    this.#refused += 1
    scope.response = response
    return 'clientError'
  }

  #fail(scope: MessageScope, status: number, note: string): WebSocketResult {
    this.#failed += 1
    scope.exchange.tag(note)
    scope.response = fallbackResponse(scope.exchange, status)
    return 'internalError'
  }
}
