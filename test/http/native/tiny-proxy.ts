import { isGatewayError } from '../../../host/errors.ts'
import type { Exchange } from '../../../host/exchange/exchange.ts'
import type {
  ClientOptions,
  HttpClient,
  HttpEngine,
  HttpServer,
  ServerLimits,
} from '../../../host/http/engine.ts'
import { forwardRequestFields } from '../../../host/http/forward.ts'
import { NEVER_OVERLOADED, type Overload } from '../../../host/http/overload/overload.ts'
import { answerOf } from '../../../host/http/promised-answer.ts'

/** The defaults of an HTTPServer. */
export const LIMITS: ServerLimits = {
  keepAlive: true,
  keepAliveTimeoutMs: 60_000,
  maxConnections: 10_240,
  headerTimeoutMs: 5_000,
  maxHeaderBytes: 32 * 1024,
  maxHeaderCount: 100,
  maxBodyBytes: 10 * 1024 * 1024,
}

export interface TinyProxy {
  readonly server: HttpServer
  readonly client: HttpClient
  readonly port: number
  /** Codes of the errors that sending upstream ended with. */
  readonly errors: string[]
  close(): Promise<void>
}

export interface TinyProxyOptions {
  readonly limits?: Partial<ServerLimits>
  readonly timeoutMs?: number
  readonly connectTimeoutMs?: number
  readonly maxConnections?: number
  readonly client?: Partial<ClientOptions>
  readonly overload?: Overload
}

/** The least that is a gateway: every request goes to one upstream, every failure becomes its status. */
export async function startTinyProxy(
  engine: HttpEngine,
  origin: string,
  options: TinyProxyOptions = {},
): Promise<TinyProxy> {
  const errors: string[] = []
  const client = engine.createClient({
    origin,
    connectTimeoutMs: options.connectTimeoutMs ?? 2_000,
    maxConnections: options.maxConnections ?? 1_024,
    ...options.client,
  })
  const timeoutMs = options.timeoutMs ?? 15_000
  const handler = (exchange: Exchange): Promise<void> => {
    const { request } = exchange
    const { method, target, host, body } = request
    const headers = forwardRequestFields(request)
    return answerOf(client, { method, target, host, headers, body }, timeoutMs, exchange).then(
      (response) => {
        exchange.response = response
      },
      (error: unknown) => {
        errors.push(isGatewayError(error) ? error.code : String(error))
        exchange.reply(isGatewayError(error) ? error.status : 500, 'failed')
      },
    )
  }
  const limits = { ...LIMITS, ...options.limits }
  const server = await engine.listen(
    {
      name: 'tiny',
      address: '127.0.0.1',
      port: 0,
      limits,
      overload: options.overload ?? NEVER_OVERLOADED,
    },
    handler,
  )
  const close = async (): Promise<void> => {
    await server.close(0)
    await client.close()
  }
  return { server, client, port: server.port, errors, close }
}
