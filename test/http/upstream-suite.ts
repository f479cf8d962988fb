import type { Socket } from 'node:net'
import { HTTP_ENGINES } from '../../host/http/engines.ts'
import { suite } from '../support/suite.ts'
import { type Register, testsOf } from './engine-tests.ts'
import { startTinyProxy, type TinyProxy, type TinyProxyOptions } from './native/tiny-proxy.ts'
import {
  type SeenRequest,
  startRawUpstream,
  startUpstream,
  type Upstream,
  WireClient,
} from './wire.ts'

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** An upstream and a proxy before it for one test, and clients that are closed after it. */
export interface ProxyRig {
  /** The one that was started last. */
  upstream(): Upstream
  proxy(): TinyProxy
  /** Starts both; `onRequest` is called with each request and answers in bytes. */
  start(
    onRequest: (socket: Socket, request: SeenRequest, index: number) => void,
    options?: TinyProxyOptions,
  ): Promise<WireClient>
  /** Starts both; `onConnection` does with a connection what it likes. */
  startRaw(onConnection: (socket: Socket) => void, options?: TinyProxyOptions): Promise<WireClient>
  connect(): Promise<WireClient>
}

/** The same tests for every engine, each with a suite of its own. */
export function forEachProxy(name: string, define: (test: Register, rig: ProxyRig) => void): void {
  for (const engine of HTTP_ENGINES) {
    const tests = suite(`http/upstream/${name}/${engine.name}`)
    let upstream: Upstream
    let proxy: TinyProxy
    const clients: WireClient[] = []
    const connect = async (): Promise<WireClient> => {
      const client = await WireClient.open(proxy.port)
      clients.push(client)
      return client
    }
    const startBefore = async (
      started: Upstream,
      options: TinyProxyOptions,
    ): Promise<WireClient> => {
      upstream = started
      proxy = await startTinyProxy(engine, upstream.origin, options)
      return await connect()
    }
    tests.after.each(async () => {
      for (const client of clients.splice(0)) client.close()
      await proxy.close()
      await upstream.close()
    })
    define(testsOf(engine.name, tests), {
      upstream: () => upstream,
      proxy: () => proxy,
      start: async (onRequest, options = {}) =>
        startBefore(await startUpstream(onRequest), options),
      startRaw: async (onConnection, options = {}) =>
        startBefore(await startRawUpstream(onConnection), options),
      connect,
    })
  }
}
