import type {
  ClientOptions,
  ExchangeHandler,
  HttpClient,
  HttpEngine,
  HttpServer,
  ListenOptions,
} from '../engine.ts'
import { createUpstreamClient } from '../h2/upstream-client.ts'
import { NativeClient } from './client.ts'
import { CLIENT_TUNING, type ClientTuning } from './client-pool.ts'
import { NativeServer, SERVER_TUNING, type ServerTuning } from './server.ts'

/** An engine with other times than the usual ones: for tests and measurements. */
export function createNativeEngine(
  server: Partial<ServerTuning> = {},
  client: Partial<ClientTuning> = {},
): HttpEngine {
  const serverTuning = { ...SERVER_TUNING, ...server }
  const clientTuning = { ...CLIENT_TUNING, ...client }
  return {
    name: 'native',
    listen(options: ListenOptions, handler: ExchangeHandler): Promise<HttpServer> {
      const made = new NativeServer(options, handler, serverTuning)
      return made.listen(options.address, options.port)
    },
    createClient(options: ClientOptions): HttpClient {
      return createUpstreamClient(options, (one) => new NativeClient(one, clientTuning))
    },
  }
}

/** Our own strict HTTP/1.1 on `node:net` and `node:tls`, both sides. */
export const nativeEngine: HttpEngine = createNativeEngine()
