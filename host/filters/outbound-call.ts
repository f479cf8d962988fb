import { GatewayError, reasonOf } from '../errors.ts'
import { Body } from '../exchange/body.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Headers } from '../exchange/headers.ts'
import type { HttpClient } from '../http/engine.ts'
import { answerOf } from '../http/promised-answer.ts'
import type { UpstreamTls } from '../http/tls/upstream-tls.ts'
import { endCall, failCall, traceOutbound } from '../observe/tracing/call-span.ts'
import { callTraceOf, tracedFields } from '../observe/tracing/call-trace.ts'
import type { Usage } from '../usage-pool.ts'
import type { FilterEnv } from './env.ts'

/** Connections to one service that filters call. */
const MAX_CONNECTIONS = 64
const CONNECT_TIMEOUT_MS = 5_000

/** What a call is made with. */
export type OutboundEnv = Pick<FilterEnv, 'engine' | 'clients'>

export interface OutboundRequest {
  readonly method: string
  /** A flat list, names and values in turn. */
  readonly headers: readonly string[]
  readonly body: Buffer
}

export interface CallAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Buffer
}

/** Calls of a filter to one URL, which the configuration names. The connections are shared and kept. */
export class OutboundCall {
  readonly #url: URL
  readonly #client: Usage<HttpClient>

  /** `tls` is null for the usual checks of a certificate. */
  constructor(url: string, env: OutboundEnv, tls: UpstreamTls | null = null) {
    this.#url = new URL(url)
    const { origin } = this.#url
    this.#client = env.clients.acquire(
      `call ${env.engine.name} ${origin} ${tls?.digest ?? ''}`,
      () =>
        env.engine.createClient({
          origin,
          connectTimeoutMs: CONNECT_TIMEOUT_MS,
          maxConnections: MAX_CONNECTIONS,
          tls,
        }),
      (unused) => void unused.close(),
    )
  }

  /**
   * Sends a request and takes the whole answer, at most `maxBytes` of it, all within `timeoutMs` (0 for
   * no limit). Redirections are not followed. It belongs to the trace of `exchange`, which is null for a call
   * that no request waits for. Fails as `HttpClient.send` and `Body.collect` do.
   */
  async send(
    request: OutboundRequest,
    maxBytes: number,
    timeoutMs: number,
    exchange: Exchange | null,
  ): Promise<CallAnswer> {
    if (exchange === null || exchange.trace === null) {
      return this.#send(request, maxBytes, timeoutMs, exchange)
    }
    const callTrace = callTraceOf(exchange.trace, exchange.span, exchange.request.headers)
    const span = traceOutbound(callTrace, request.method, this.#url)
    const headers = tracedFields(request.headers, callTrace, span)
    try {
      const answer = await this.#send({ ...request, headers }, maxBytes, timeoutMs, exchange)
      if (span !== null) endCall(span, answer.status)
      return answer
    } catch (error) {
      if (span !== null) failCall(span, reasonOf(error))
      throw error
    }
  }

  async #send(
    request: OutboundRequest,
    maxBytes: number,
    timeoutMs: number,
    exchange: Exchange | null,
  ): Promise<CallAnswer> {
    const url = this.#url
    const response = await answerOf(
      this.#client.value,
      {
        method: request.method,
        target: url.pathname + url.search,
        host: url.host,
        headers: request.headers,
        body: Body.bytes(request.body),
      },
      timeoutMs,
      exchange,
    )
    const body = await within(response.body, maxBytes, timeoutMs, url.host)
    return { status: response.status, headers: response.headers, body }
  }

  close(): void {
    this.#client.release()
  }
}

/** The answer's body; its head came in time, the rest gets as long again. */
function within(
  body: Body,
  maxBytes: number,
  timeoutMs: number,
  endpoint: string,
): Buffer | Promise<Buffer> {
  const bytes = body.collect(maxBytes)
  if (timeoutMs === 0 || !(bytes instanceof Promise)) return bytes
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const late = new GatewayError('UPSTREAM_TIMEOUT', { endpoint, ms: timeoutMs })
      body.cancel(late)
      reject(late)
    }, timeoutMs)
    bytes.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
