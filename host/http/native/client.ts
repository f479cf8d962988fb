import { monotonicMs } from '../../clock.ts'
import { GatewayError } from '../../errors.ts'
import type { Exchange } from '../../exchange/exchange.ts'
import type { Asker, ClientOptions, HttpClient, UpstreamRequest } from '../engine.ts'
import { defaultUpstreamTls } from '../tls/upstream-tls.ts'
import { ClientPool, type ClientTuning } from './client-pool.ts'
import { UpstreamCall } from './upstream-call.ts'

/** Sends requests to one origin over HTTP/1.1, plain or over TLS. */
export class NativeClient implements HttpClient {
  readonly #pool: ClientPool

  constructor(options: ClientOptions, tuning: ClientTuning) {
    const url = new URL(options.origin)
    const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
    const isSecure = url.protocol === 'https:'
    const port = url.port === '' ? (isSecure ? 443 : 80) : Number(url.port)
    this.#pool = new ClientPool(
      host,
      port,
      options.maxConnections,
      options.connectTimeoutMs,
      {
        ...tuning,
        bodyIdleMs: options.bodyIdleTimeoutMs ?? tuning.bodyIdleMs,
        keepAliveMs: options.keepAliveTimeoutMs ?? tuning.keepAliveMs,
      },
      isSecure ? (options.tls ?? defaultUpstreamTls()) : null,
    )
  }

  send(asker: Asker, request: UpstreamRequest, timeoutMs: number, exchange: Exchange | null): void {
    const call = new UpstreamCall(asker, request, exchange, monotonicMs(), timeoutMs)
    if (call.isAborted) call.reject(new GatewayError('UPSTREAM_ABORTED', {}))
    else this.#pool.dispatch(call)
  }

  close(): Promise<void> {
    this.#pool.close()
    return Promise.resolve()
  }
}
