import { systemClock } from '../clock.ts'
import { z } from '../config/schema.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import type { UpstreamEnv } from '../upstream/balance-spec.ts'
import {
  WEBSOCKET_RESULTS,
  WebSocketPool,
  type WebSocketResult,
} from '../upstream/websocket-pool.ts'
import type { FilterEnv } from './env.ts'
import { defineFilter, type Filter } from './filter.ts'
import { compileOriginCheck } from './origin-check.ts'
import { compileRequestMatcher, type RequestMatcher } from './request-matcher.ts'
import {
  httpServers,
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
  pools: z
    .array(websocketPoolSpec)
    .min(1)
    .superRefine((pools, context) => {
      const mains = pools.flatMap((pool, index) => (pool.filter === undefined ? [index] : []))
      if (mains.length === 1) return
      const message =
        mains.length === 0
          ? 'one pool must have no `filter`: it takes what the others do not'
          : 'another pool has no `filter` already: only one takes what the others do not'
      context.addIssue({ code: 'custom', path: mains.slice(1, 2), message })
    })
    .describe('Pools with a `filter` are asked in order; the one without takes the rest.'),
})

interface Candidate {
  readonly matches: RequestMatcher
  readonly pool: WebSocketPool
}

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
    'A WebSocket outlives a change of its pipeline. Easegress closes those of a filter that is replaced.',
  ],
  spec,
  create(options, env): Filter<NonNullable<WebSocketResult>> {
    const upstream = upstreamEnv(env)
    const candidates: Candidate[] = []
    let main: WebSocketPool | null = null
    for (const pool of options.pools) {
      const spanName = pool.spanName === '' ? env.filter : pool.spanName
      const made = createPool(pool, spanName, options.defaultOrigin, upstream)
      if (pool.filter === undefined) main = made
      else candidates.push({ matches: compileRequestMatcher(pool.filter, Math.random), pool: made })
    }
    // The schema asks for exactly one.
    return new RunningWebSocketProxy(main as WebSocketPool, candidates)
  },
})

class RunningWebSocketProxy implements Filter<NonNullable<WebSocketResult>> {
  readonly #main: WebSocketPool
  readonly #candidates: readonly Candidate[]

  constructor(main: WebSocketPool, candidates: readonly Candidate[]) {
    this.#main = main
    this.#candidates = candidates
  }

  handle(scope: MessageScope): WebSocketResult | Promise<WebSocketResult> {
    const found = this.#candidates.find(({ matches }) => matches(scope.request))
    return (found?.pool ?? this.#main).handle(scope)
  }

  status(): unknown {
    return {
      mainPool: this.#main.status(),
      candidatePools: this.#candidates.map(({ pool }) => pool.status()),
    }
  }

  close(): void {
    this.#main.close()
    for (const { pool } of this.#candidates) pool.close()
  }
}

function createPool(
  pool: WebSocketPoolSpec,
  spanName: string,
  defaultOrigin: string,
  env: UpstreamEnv,
): WebSocketPool {
  return new WebSocketPool(
    {
      servers: httpServers(pool),
      balance: websocketBalance(pool),
      spanName,
      timeoutMs: pool.timeout,
      clientMaxMessageBytes: pool.clientMaxMsgSize,
      serverMaxMessageBytes: pool.serverMaxMsgSize,
      isOriginAllowed: pool.insecureSkipVerify ? null : compileOriginCheck(pool.originPatterns),
      defaultOrigin,
    },
    env,
  )
}

function upstreamEnv(env: FilterEnv): UpstreamEnv {
  return {
    owner: `${env.pipeline}/${env.filter}`,
    engine: env.engine,
    shared: env.clients,
    clock: systemClock,
    random: Math.random,
    log: env.log,
  }
}
