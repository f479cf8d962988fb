import { duration, z } from '../config/schema.ts'
import type { BalanceSpec } from '../upstream/balance-spec.ts'
import { CONNECTION_LIMITS } from '../upstream/connection-limits.ts'
import { compileWebSocketHealthCheck, websocketHealthCheck } from './health-check-spec.ts'
import { balanceKeyOf, loadBalance } from './load-balance-spec.ts'
import { atLeast } from './proxy-field.ts'
import { requestMatcher } from './request-matcher.ts'
import { discovery, registryFields, websocketServers } from './servers-spec.ts'
import { checkHasServers } from './upstream-pools.ts'
import { compileUpstreamTls, poolTls } from './upstream-tls-spec.ts'

/** 0 takes the default, a negative number is no limit. */
function messageSize(whose: string) {
  return z
    .int()
    .default(0)
    .transform((bytes) => (bytes === 0 ? DEFAULT_MAX_MESSAGE_BYTES : Math.max(bytes, -1)))
    .describe(
      `Bytes of a message of ${whose}, as it travels; past it the WebSocket is closed with 1009. 0 means 32 KiB, a negative number no limit.`,
    )
}

/** Bytes of a message when the configuration does not say. */
export const DEFAULT_MAX_MESSAGE_BYTES = 32_768

/** One pool of a WebSocketProxy. */
export const websocketPoolSpec = z
  .strictObject({
    servers: websocketServers().default([]).describe('The endpoints.'),
    serverTags: z
      .array(z.string())
      .default([])
      .describe(
        'Of discovered servers, and of the instances of a service, only those with one of these tags.',
      ),
    discovery: discovery
      .optional()
      .describe('Finds endpoints; `servers` are used until some are found.'),
    ...registryFields,
    setUpstreamHost: z
      .boolean()
      .default(false)
      .describe('Send the host of the server as Host, also when it is an address.'),
    loadBalance: loadBalance.prefault({}).describe('How WebSockets are spread over the servers.'),
    filter: requestMatcher()
      .optional()
      .describe('Which requests the pool takes; exactly one pool has none and takes the others.'),
    timeout: duration()
      .prefault('15s')
      .describe(
        'Time for the server to agree; 0s waits for ever. Then: 504. The `requestTimeout` of the HTTPServer may end it before.',
      ),
    connectTimeout: atLeast(100)
      .prefault('2s')
      .describe('Time to connect to a server; past it 503.'),
    tls: poolTls().optional().describe('For servers with `wss`, as in a Proxy.'),
    healthCheck: websocketHealthCheck
      .optional()
      .describe('Endpoints that do not answer well get no new WebSockets.'),
    clientMaxMsgSize: messageSize('the client'),
    serverMaxMsgSize: messageSize('the server'),
    insecureSkipVerify: z
      .boolean()
      .default(false)
      .describe('Take WebSockets of pages from everywhere: `Origin` is not looked at.'),
    originPatterns: z
      .array(z.string().min(1))
      .default([])
      .describe(
        'Hosts, beside the one that is asked, whose pages may open WebSockets; `*` stands for any text without a slash.',
      ),
    spanName: z
      .string()
      .default('')
      .describe('What its calls are called in traces; the name of the filter when empty.'),
  })
  .superRefine((pool, context) => {
    if (pool.loadBalance.stickySession !== undefined) {
      const message = 'a WebSocket stays with its server: sticky sessions are not supported here'
      context.addIssue({ code: 'custom', path: ['loadBalance', 'stickySession'], message })
    }
    checkHasServers(pool, context)
  })

export type WebSocketPoolSpec = z.output<typeof websocketPoolSpec>

/** How the servers of such a pool are chosen among and looked after. */
export function websocketBalance(pool: WebSocketPoolSpec): BalanceSpec {
  return {
    policy: pool.loadBalance.policy,
    headerHashKey: balanceKeyOf(pool.loadBalance),
    setUpstreamHost: pool.setUpstreamHost,
    healthCheck:
      pool.healthCheck === undefined ? null : compileWebSocketHealthCheck(pool.healthCheck),
    outlierDetection: null,
    slowStart: null,
    tls: compileUpstreamTls(pool.tls, undefined),
    healthyPanicThreshold: 0,
    connections: { ...CONNECTION_LIMITS, connectTimeoutMs: pool.connectTimeout },
  }
}
