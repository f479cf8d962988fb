import { duration, z } from '../config/schema.ts'
import { healthCheck } from './health-check-spec.ts'
import { HTTP_METHODS } from './http-method.ts'
import { loadBalance, outlierDetection, percent, slowStart } from './load-balance-spec.ts'
import { atLeast, statusCode } from './proxy-field.ts'
import { requestMatcher } from './request-matcher.ts'
import { discovery, registryFields, servers } from './servers-spec.ts'
import { checkHasServers } from './upstream-pools.ts'
import { poolTls } from './upstream-tls-spec.ts'

const memoryCache = z.strictObject({
  expiration: duration().describe('How long an answer is kept at most.'),
  maxEntryBytes: z.int().min(1).describe('The longest body that is kept.'),
  codes: z.array(statusCode()).min(1).describe('Statuses that are kept.'),
  methods: z
    .array(z.enum(HTTP_METHODS))
    .min(1)
    // Easegress keeps what a POST was answered, and answers the next one with it.
    .transform((methods) => methods.filter((method) => method === 'GET' || method === 'HEAD'))
    .describe(
      'Methods that are answered from the cache; others than GET and HEAD may stand here and never are.',
    ),
  maxTotalBytes: z
    .int()
    .min(1)
    .default(64 * 1024 * 1024)
    .describe('Bytes of all entries; past it those used longest ago go.'),
})

/** One pool of a Proxy. */
export const poolSpec = z
  .strictObject({
    spanName: z
      .string()
      .default('')
      .describe('What its attempts are called in traces; the name of the filter when empty.'),
    servers: servers().prefault([]).describe('The endpoints.'),
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
    loadBalance: loadBalance.prefault({}).describe('How requests are spread over the servers.'),
    filter: requestMatcher()
      .optional()
      .describe('Which requests the pool takes; exactly one pool has none and takes the others.'),
    timeout: duration()
      .prefault('15s')
      .describe(
        'For each attempt, until the head of the answer is here; 0s waits for ever. Then: 504. The `requestTimeout` of the HTTPServer ends all attempts together.',
      ),
    connectTimeout: atLeast(100)
      .prefault('2s')
      .describe('Time to connect to a server; past it 503.'),
    idleTimeout: atLeast(100)
      .prefault('60s')
      .describe('An answer whose body stands still this long is broken off.'),
    keepAliveTimeout: atLeast(100)
      .prefault('4s')
      .describe('How long an unused connection is kept, unless the server names a time.'),
    maxConnections: z
      .int()
      .min(1)
      .max(65_535)
      .default(1_024)
      .describe('Connections to each server; more requests wait for one.'),
    tls: poolTls()
      .optional()
      .describe('For servers with `https`; what is set here goes before `mtls` of the filter.'),
    retryPolicy: z.string().default('').describe('The name of a Retry under `resilience`.'),
    circuitBreakerPolicy: z
      .string()
      .default('')
      .describe('The name of a CircuitBreaker under `resilience`.'),
    failureCodes: z
      .array(statusCode())
      .default([])
      .describe('Statuses with the result failureCode; every 5xx when empty.'),
    healthCheck: healthCheck.optional().describe('Asks every endpoint again and again.'),
    outlierDetection: outlierDetection
      .optional()
      .describe('Ejects endpoints whose answers show that they are unwell.'),
    slowStart: slowStart.optional().describe('For endpoints that are new or well again.'),
    healthyPanicThreshold: percent()
      .optional()
      .describe(
        'With fewer percent available all endpoints are used. Default 50 with outlierDetection, else 0: never.',
      ),
    maxRequests: z
      .int()
      .min(0)
      .default(0)
      .describe('Requests under way at once; more get 503 at once. 0 for no limit.'),
    memoryCache: memoryCache.optional().describe('Keeps answers for a short time.'),
    serverMaxBodySize: z
      .int()
      .optional()
      .describe('Bytes an answer may have; 0 or less for no limit. Default: that of the filter.'),
  })
  .superRefine((pool, context) => {
    checkHasServers(pool, context)
    if (pool.serviceName === '' || pool.healthCheck === undefined) return
    // As in Easegress, which takes both in the pool of a WebSocketProxy.
    const message =
      '`healthCheck` and `serviceName` exclude each other: the registry says who is well'
    context.addIssue({ code: 'custom', path: ['healthCheck'], message })
  })

export type PoolSpec = z.output<typeof poolSpec>

/** The pool of a Proxy that gets copies. */
export const mirrorSpec = poolSpec.superRefine((pool, context) => {
  const complain = (field: keyof PoolSpec, message: string): void => {
    context.addIssue({ code: 'custom', path: [field], message })
  }
  if (pool.filter === undefined) complain('filter', 'a mirror pool needs a `filter`')
  const unfit = ['memoryCache', 'retryPolicy', 'circuitBreakerPolicy'] as const
  for (const field of unfit) {
    if (pool[field] === undefined || pool[field] === '') continue
    complain(field, `a mirror pool has no \`${field}\`: its answers are dropped`)
  }
})
