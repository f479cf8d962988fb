import { z } from '../config/schema.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { type Pending, promised } from '../exchange/late.ts'
import type { UpstreamEnv } from '../upstream/balance-spec.ts'
import { DiscoveredServers } from '../upstream/discovered-servers.ts'
import { PROXY_RESULTS, type ProxyResult } from '../upstream/failure.ts'
import { Mirror } from '../upstream/mirror.ts'
import { ProxyPool } from '../upstream/proxy-pool.ts'
import type { FilterEnv } from './env.ts'
import { defineFilter, type Filter } from './filter.ts'
import { balanceOf, compilePool } from './proxy-pool.ts'
import { mirrorSpec, type PoolSpec, poolSpec } from './proxy-pool-spec.ts'
import { compileRequestMatcher, type RequestMatcher } from './request-matcher.ts'
import { serverSource, serversFile } from './servers-spec.ts'
import { PoolChoice, poolList, upstreamEnv } from './upstream-pools.ts'
import { type MtlsSpec, mtls } from './upstream-tls-spec.ts'

const spec = z.strictObject({
  pools: poolList(poolSpec),
  mirrorPool: mirrorSpec
    .optional()
    .describe('Gets copies of the requests that its `filter` matches; its answers are dropped.')
    .meta({ 'x-see': 'Proxy.pools' }),
  compression: z
    .strictObject({
      minLength: z.int().min(0).default(0).describe('Shorter bodies are not compressed.'),
    })
    .optional()
    .describe('Compresses answers with gzip for clients that take it.'),
  maxRedirection: z
    .int()
    .min(0)
    .max(100)
    .default(0)
    .describe('Redirects that are followed, to servers of the same pool only.'),
  serverMaxBodySize: z
    .int()
    .default(0)
    .describe('Bytes an answer may have; past it 500. Bodies stream: 0 or less is no limit.'),
  maxIdleConns: z.int().min(0).optional().describe('Accepted and ignored.'),
  maxIdleConnsPerHost: z.int().min(0).optional().describe('Accepted and ignored.'),
  mtls: mtls()
    .optional()
    .describe('How servers with `https` are checked, and the certificate they are shown.'),
})

/** Sends requests to an upstream and brings back its answer. */
export const proxy = defineFilter({
  kind: 'Proxy',
  description: 'Sends the request to one of the servers of a pool and takes its answer.',
  results: PROXY_RESULTS,
  example: `name: proxy
kind: Proxy
pools:
  - servers:
      - { url: "http://127.0.0.1:9095", weight: 3 }
      - { url: "http://127.0.0.1:9096", weight: 1 }
    loadBalance: { policy: weightedRandom }
    timeout: 3s
    failureCodes: [502, 503]
    memoryCache: { expiration: 10s, maxEntryBytes: 4096, codes: [200], methods: [GET, HEAD] }
  - filter: { headers: { X-Canary: { exact: "yes" } } }
    servers: [{ url: "http://127.0.0.1:9097" }]
compression: { minLength: 1024 }`,
  notes: [
    'Certificates of upstreams are verified. Easegress does not verify them unless `mtls` is set.',
    'The cache has the query in its key, honors `Vary`, keeps nothing that is for one client only, and has a total size.',
    'A timeout answers 504 (408 with `--compat easegress`), an invalid answer 502.',
    '`timeout` is 15 s when nothing is said; Easegress then waits for ever.',
    'A request is tried again only when that is safe (see Retry), and redirects are followed to servers of the same pool only.',
    'Compression obeys the quality values of `Accept-Encoding`.',
    'The secret behind the cookie of a sticky session never leaves the gateway; Easegress sends the key along in the cookie.',
    'Answers stream: `serverMaxBodySize` limits nothing unless it is set, where Easegress has 4 MiB.',
    '`X-Forwarded-*` of a client is not passed on as it came, and the variables `HTTP_PROXY` and `HTTPS_PROXY` are not followed.',
    'The policy forward leads to servers of the pool only; in Easegress the header leads anywhere.',
    'When a registry does not answer, the servers that were found last are used on; an instance that is malformed is left out alone, where Easegress passes over the whole answer.',
    'Easegress has no `discovery`, `tls`, `outlierDetection`, `slowStart`, `healthyPanicThreshold`, `maxRequests`, and not the policies leastRequest and consistentHash.',
  ],
  spec,
  create: (options, env) => createProxy(options, env),
})

async function createProxy(
  options: z.output<typeof spec>,
  env: FilterEnv,
): Promise<Filter<NonNullable<ProxyResult>>> {
  const upstream = upstreamEnv(proxy.kind, env)
  const pools = await PoolChoice.create(options.pools, upstream.random, (pool) =>
    ProxyPool.create(compilePool(pool, options, env), upstream),
  )
  try {
    const { mirrorPool, mtls } = options
    const mirror =
      mirrorPool === undefined ? null : await createMirror(mirrorPool, mtls, env.baseDir, upstream)
    return new RunningProxy(pools, mirror)
  } catch (error) {
    pools.close()
    throw error
  }
}

interface MirrorCandidate {
  readonly matches: RequestMatcher
  readonly mirror: Mirror
}

async function createMirror(
  pool: PoolSpec,
  mtlsSpec: MtlsSpec | undefined,
  baseDir: string,
  env: UpstreamEnv,
): Promise<MirrorCandidate | null> {
  if (pool.filter === undefined) return null
  const matches = compileRequestMatcher(pool.filter, env.random)
  const source = serverSource(pool, baseDir, serversFile)
  const servers = await DiscoveredServers.open(source, balanceOf(pool, mtlsSpec), env)
  return { matches, mirror: new Mirror(servers, pool.timeout) }
}

class RunningProxy implements Filter<NonNullable<ProxyResult>> {
  readonly #pools: PoolChoice<ProxyPool>
  readonly #mirror: MirrorCandidate | null

  constructor(pools: PoolChoice<ProxyPool>, mirror: MirrorCandidate | null) {
    this.#pools = pools
    this.#mirror = mirror
  }

  handle(scope: MessageScope): ProxyResult | Pending<ProxyResult> {
    if (this.#mirror?.matches(scope.request) === true) {
      const pending = this.#mirror.mirror.offer(scope)
      if (pending !== undefined)
        return pending.then(() => promised(this.#pools.of(scope.request).handle(scope)))
    }
    return this.#pools.of(scope.request).handle(scope)
  }

  status(): unknown {
    return {
      ...this.#pools.status(),
      ...(this.#mirror === null ? {} : { mirrorPool: this.#mirror.mirror.status() }),
    }
  }

  close(): void {
    this.#pools.close()
    this.#mirror?.mirror.close()
  }
}
