import { z } from '../config/schema.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import {
  WEBSOCKET_RESULTS,
  WebSocketPool,
  type WebSocketPoolOptions,
  type WebSocketResult,
} from '../upstream/websocket-pool.ts'
import type { FilterEnv } from './env.ts'
import { defineFilter, type Filter } from './filter.ts'
import { compileOriginCheck } from './origin-check.ts'
import { serverSource, websocketServersFile } from './servers-spec.ts'
import { PoolChoice, poolList, upstreamEnv } from './upstream-pools.ts'
import {
  type WebSocketPoolSpec,
  websocketBalance,
  websocketPoolSpec,
} from './websocket-pool-spec.ts'

const spec = z.strictObject({
  defaultOrigin: z
    .string()
    .regex(/^(?:https?:\/\/[!-~]+)?$/, 'must be a URL such as http://example.com')
    .default('')
    .describe('The `Origin` the server gets from clients that send none.'),
  pools: poolList(websocketPoolSpec),
})

/** Opens WebSockets to upstreams. */
export const websocketProxy = defineFilter({
  kind: 'WebSocketProxy',
  description: 'Opens a WebSocket to one of the servers of a pool and passes its frames on.',
  results: WEBSOCKET_RESULTS,
  example: `name: chat
kind: WebSocketProxy
defaultOrigin: http://chat.example.com
pools:
  - servers:
      - { url: "ws://127.0.0.1:9095" }
      - { url: "ws://127.0.0.1:9096" }
    loadBalance: { policy: roundRobin }
    originPatterns: ["*.example.com"]
    clientMaxMsgSize: 32768
    serverMaxMsgSize: -1`,
  notes: [
    'Frames pass as they are: protocols and extensions such as permessage-deflate are agreed on between client and server. Easegress speaks for both sides and knows none.',
    'The client hears that it is a WebSocket once the server has agreed; when it does not, its answer goes to the client.',
    'A message is measured as it travels, compressed or not.',
    'A path needs no `clientMaxBodySize: -1`, but may have it.',
    'Easegress has no `discovery` and no `tls` of a pool.',
    'A WebSocket outlives a change of its pipeline. Easegress closes those of a filter that is replaced.',
  ],
  spec,
  async create(options, env): Promise<Filter<NonNullable<WebSocketResult>>> {
    const upstream = upstreamEnv(this.kind, env)
    return new RunningWebSocketProxy(
      await PoolChoice.create(options.pools, upstream.random, (pool) =>
        WebSocketPool.create(poolOptions(pool, options.defaultOrigin, env), upstream),
      ),
    )
  },
})

class RunningWebSocketProxy implements Filter<NonNullable<WebSocketResult>> {
  readonly #pools: PoolChoice<WebSocketPool>

  constructor(pools: PoolChoice<WebSocketPool>) {
    this.#pools = pools
  }

  handle(scope: MessageScope): WebSocketResult | Promise<WebSocketResult> {
    return this.#pools.of(scope.request).handle(scope)
  }

  status(): unknown {
    return this.#pools.status()
  }

  close(): void {
    this.#pools.close()
  }
}

function poolOptions(
  pool: WebSocketPoolSpec,
  defaultOrigin: string,
  env: FilterEnv,
): WebSocketPoolOptions {
  return {
    source: serverSource(pool, env.baseDir, websocketServersFile),
    balance: websocketBalance(pool),
    spanName: pool.spanName === '' ? env.filter : pool.spanName,
    timeoutMs: pool.timeout,
    clientMaxMessageBytes: pool.clientMaxMsgSize,
    serverMaxMessageBytes: pool.serverMaxMsgSize,
    isOriginAllowed: pool.insecureSkipVerify ? null : compileOriginCheck(pool.originPatterns),
    defaultOrigin,
  }
}
