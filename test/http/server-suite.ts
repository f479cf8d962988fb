import type { Exchange } from '../../host/exchange/exchange.ts'
import type {
  ExchangeHandler,
  HttpEngine,
  HttpServer,
  ServerLimits,
} from '../../host/http/engine.ts'
import { HTTP_ENGINES } from '../../host/http/engines.ts'
import { suite } from '../support/suite.ts'
import { type Register, testsOf } from './engine-tests.ts'
import { LIMITS } from './native/tiny-proxy.ts'
import { WireClient } from './wire.ts'

export const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** A server of an engine for one test, and clients that are closed after it. */
export interface ServerRig {
  readonly engine: HttpEngine
  /** The one that listens. */
  server(): HttpServer
  listen(handler: ExchangeHandler, limits?: Partial<ServerLimits>): Promise<void>
  connect(): Promise<WireClient>
}

/** The same tests for every engine, each with a suite of its own. */
export function forEachEngine(
  name: string,
  define: (test: Register, rig: ServerRig) => void,
): void {
  for (const engine of HTTP_ENGINES) {
    const tests = suite(`http/server/${name}/${engine.name}`)
    let server: HttpServer
    const clients: WireClient[] = []
    tests.after.each(async () => {
      for (const client of clients.splice(0)) client.close()
      await server.close(0)
    })
    define(testsOf(engine.name, tests), {
      engine,
      server: () => server,
      listen: async (handler, limits = {}) => {
        server = await engine.listen(
          { name: 'main', address: '127.0.0.1', port: 0, limits: { ...LIMITS, ...limits } },
          handler,
        )
      },
      connect: async () => {
        const client = await WireClient.open(server.port)
        clients.push(client)
        return client
      },
    })
  }
}

export function hello(exchange: Exchange): void {
  exchange.reply(200, 'hello')
}
