import { regexp } from '../config/regexp.ts'
import { duration, notYet, z } from '../config/schema.ts'
import { BALANCE_POLICIES } from '../upstream/policies/builtin.ts'
import { headerMap, headerName } from './header-spec.ts'
import { requestMatcher } from './request-matcher.ts'

const server = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: 'must be a URL such as http://127.0.0.1:9095' })
    .describe('Where the server listens.'),
  tags: z.array(z.string()).default([]).describe('Marks that `serverTags` chooses by.'),
  weight: z
    .int()
    .min(0)
    .max(100)
    .optional()
    .describe('Share of the traffic for weightedRandom, leastRequest and consistentHash.'),
  keepHost: z
    .boolean()
    .default(false)
    .describe('Pass on the Host the client asked for, also when the server is named by host name.'),
})

/** Servers as a pool and a file of servers have them. Either all have a weight or none has. */
function servers() {
  return z
    .array(server)
    .superRefine((list, context) => {
      if (list.every((one) => one.weight === undefined)) return
      for (const [index, one] of list.entries()) {
        if (one.weight !== undefined) continue
        const message = 'other servers have a `weight`: this one needs one too'
        context.addIssue({ code: 'custom', path: [index], message })
      }
    })
    .transform((list) => list.map((one) => ({ ...one, weight: one.weight ?? 1 })))
}

/** What a file of servers holds. */
export const serversFile = z.strictObject({ servers: servers() })

const stickySession = z
  .strictObject({
    mode: z
      .enum(['CookieConsistentHash', 'DurationBased', 'ApplicationBased'])
      .describe('What binds a session: a cookie of the application, or one of the gateway.'),
    appCookieName: z.string().default('').describe('The cookie of the application.'),
    lbCookieName: z.string().min(1).default('EG_SESSION').describe('The cookie of the gateway.'),
    lbCookieExpire: duration().prefault('2h').describe('How long that cookie lasts.'),
    lbCookieSecret: z
      .string()
      .default('')
      .describe(
        'Signs it. The same for gateways that share sessions; else made at random at start.',
      ),
  })
  .superRefine((spec, context) => {
    if (spec.mode === 'DurationBased' || spec.appCookieName !== '') return
    const message = `the mode ${spec.mode} needs \`appCookieName\``
    context.addIssue({ code: 'custom', path: ['appCookieName'], message })
  })

const loadBalance = z
  .strictObject({
    policy: z
      .enum(BALANCE_POLICIES.map((kind) => kind.policy))
      .default('roundRobin')
      .describe('How an endpoint is chosen.'),
    headerHashKey: z
      .string()
      .default('')
      .describe('The header that headerHash and consistentHash look at.'),
    stickySession: stickySession.optional().describe('Keeps a session on one endpoint.'),
    ...notYet('forwardKey'),
  })
  .superRefine((spec, context) => {
    if (spec.policy !== 'headerHash' || spec.headerHashKey !== '') return
    const message = 'the policy headerHash needs `headerHashKey`'
    context.addIssue({ code: 'custom', path: ['headerHashKey'], message })
  })

const status = () => z.int().min(100).max(599)

const healthCheck = z
  .strictObject({
    interval: duration().prefault('60s').describe('Time between two checks of an endpoint.'),
    timeout: duration().prefault('3s').describe('Time a check may take.'),
    fails: z.int().min(1).default(1).describe('Failures in a row that make it unhealthy.'),
    passes: z.int().min(1).optional().describe('Passes in a row that make it healthy. Default 1.'),
    pass: z.int().min(1).optional().describe('The same as `passes`.'),
    port: z.int().min(0).max(65_535).default(0).describe('Another port than that of the server.'),
    uri: z
      .string()
      .regex(/^(?:\/[!-~]*)?$/, 'must be a path that begins with "/"')
      .default('')
      .describe('What is asked for.'),
    method: z
      .string()
      .regex(/^[A-Z]+$/, 'is not a method')
      .default('GET')
      .describe('The method.'),
    headers: headerMap().describe('Headers that are sent.'),
    body: z.string().default('').describe('The body that is sent.'),
    username: z.string().default('').describe('For basic authentication.'),
    password: z.string().default('').describe('For basic authentication.'),
    match: z
      .strictObject({
        statusCodes: z
          .array(z.tuple([status(), status()]))
          .min(1)
          .default([[200, 399]])
          .describe('Ranges of statuses that are well.'),
        headers: z
          .array(
            z.strictObject({
              name: headerName().describe('The header.'),
              value: z.string().describe('Its value, or a pattern.'),
              type: z.enum(['exact', 'regexp']).default('exact').describe('What `value` is.'),
            }),
          )
          .default([])
          .describe('Headers that must all match.'),
        body: z
          .strictObject({
            value: z.string().describe('A text, or a pattern.'),
            type: z.enum(['contains', 'regexp']).default('contains').describe('What `value` is.'),
          })
          .optional()
          .describe('What must be in the body.'),
      })
      .superRefine((match, context) => {
        const check = (pattern: string, path: (string | number)[]): void => {
          const [issue] = regexp().safeParse(pattern).error?.issues ?? []
          if (issue !== undefined)
            context.addIssue({ code: 'custom', path, message: issue.message })
        }
        if (match.body?.type === 'regexp') check(match.body.value, ['body', 'value'])
        for (const [index, { type, value }] of match.headers.entries()) {
          if (type === 'regexp') check(value, ['headers', index, 'value'])
        }
      })
      .prefault({})
      .describe('What an answer must look like.'),
  })
  .refine(({ interval }) => interval >= 10, {
    path: ['interval'],
    message: '`interval` takes at least 10ms',
  })

const percent = () => z.number().min(0).max(100)

const outlierDetection = z.strictObject({
  consecutive5xx: z
    .int()
    .min(1)
    .default(5)
    .describe('Failures in a row that eject: 5xx answers, refused connections, timeouts.'),
  baseEjectionTime: duration()
    .prefault('30s')
    .describe('How long the first ejection lasts; the n-th lasts n times as long.'),
  maxEjectionTime: duration().prefault('300s').describe('The longest ejection.'),
  maxEjectionPercent: percent()
    .default(10)
    .describe('Endpoints that may be ejected at once; one may be in any case.'),
})

const slowStart = z.strictObject({
  slowStartWindow: duration().describe('Time in which the traffic of a new endpoint grows.'),
  minWeightPercent: percent().default(10).describe('The share of its traffic it begins with.'),
})

const discovery = z
  .strictObject({
    dns: z
      .strictObject({
        host: z
          .hostname('is not a host name')
          .describe('The name; each of its addresses is an endpoint.'),
        port: z.int().min(1).max(65_535).describe('The port of all of them.'),
        interval: duration().prefault('5s').describe('Time between two looks.'),
        nameServers: z
          .array(z.string().regex(/^[\d.]+(?::\d+)?$|^[\da-fA-F:]+$|^\[[\da-fA-F:]+\]:\d+$/))
          .default([])
          .describe('Name servers to ask; those of the operating system when empty.'),
        keepHost: z
          .boolean()
          .default(false)
          .describe('Pass on the Host the client asked for; else the name is sent.'),
      })
      .optional()
      .describe('Endpoints by DNS, over http.'),
    file: z
      .strictObject({ path: z.string().min(1).describe('YAML or JSON with `servers`.') })
      .optional()
      .describe('Endpoints from a file, read again when it changes.'),
  })
  .refine(({ dns, file }) => (dns === undefined) !== (file === undefined), {
    message: 'exactly one of `dns` and `file` is needed',
  })

const memoryCache = z.strictObject({
  expiration: duration().describe('How long an answer is kept at most.'),
  maxEntryBytes: z.int().min(1).describe('The longest body that is kept.'),
  codes: z.array(status()).min(1).describe('Statuses that are kept.'),
  methods: z
    .array(
      z.enum(['GET', 'HEAD'], { error: 'takes GET and HEAD: answers to others are not reusable' }),
    )
    .min(1)
    .describe('Methods that are answered from the cache.'),
  maxTotalBytes: z
    .int()
    .min(1)
    .default(64 * 1024 * 1024)
    .describe('Bytes of all entries; past it those used longest ago go.'),
})

/** One pool of a Proxy. */
export const poolSpec = z
  .strictObject({
    spanName: z.string().default('').describe('Accepted; the name of the span in traces.'),
    servers: servers().default([]).describe('The endpoints.'),
    serverTags: z
      .array(z.string())
      .default([])
      .describe('Of discovered servers, only those with one of these tags.'),
    discovery: discovery
      .optional()
      .describe('Finds endpoints; `servers` are used until some are found.'),
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
        'For each attempt, until the head of the answer is here; 0s waits for ever. Then: 504.',
      ),
    retryPolicy: z.string().default('').describe('The name of a Retry under `resilience`.'),
    circuitBreakerPolicy: z
      .string()
      .default('')
      .describe('The name of a CircuitBreaker under `resilience`.'),
    failureCodes: z
      .array(status())
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
    ...notYet('serviceName', 'serviceRegistry'),
  })
  .superRefine((pool, context) => {
    if (pool.servers.length === 0 && pool.discovery === undefined) {
      const message = 'a pool needs `servers` or `discovery`'
      context.addIssue({ code: 'custom', path: ['servers'], message })
    }
  })

export type PoolSpec = z.output<typeof poolSpec>

/** The pool of a Proxy that gets copies. */
export const mirrorSpec = poolSpec.superRefine((pool, context) => {
  const complain = (field: keyof PoolSpec, message: string): void => {
    context.addIssue({ code: 'custom', path: [field], message })
  }
  if (pool.filter === undefined) complain('filter', 'a mirror pool needs a `filter`')
  if (pool.discovery !== undefined) {
    complain('discovery', 'discovery is not supported yet in a mirror pool')
  }
  const unfit = ['memoryCache', 'retryPolicy', 'circuitBreakerPolicy'] as const
  for (const field of unfit) {
    if (pool[field] === undefined || pool[field] === '') continue
    complain(field, `a mirror pool has no \`${field}\`: its answers are dropped`)
  }
})
