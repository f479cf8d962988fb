import type { AnsweringServer, AutoCertificates } from '../acme/auto-certificates.ts'
import { Body } from '../exchange/body.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { fallbackResponse } from '../exchange/fallback-response.ts'
import { Headers } from '../exchange/headers.ts'
import { type Pending, promised } from '../exchange/late.ts'
import { encodePath } from '../exchange/request.ts'
import { Response } from '../exchange/response.ts'
import type { ExchangeHandler, HttpServer, ListenOptions } from '../http/engine.ts'
import type { Tracer } from '../observe/tracing/tracer.ts'
import { type AccessFormat, compileAccessFormat } from '../traffic/access-format.ts'
import { IpFilter } from '../traffic/ip-filter.ts'
import { limitRequest } from '../traffic/limit-request.ts'
import { RadixRouter } from '../traffic/radix-router.ts'
import { RouteCache } from '../traffic/route-cache.ts'
import { OrderedRouter, type RouteMatch, type RouteResult, type Router } from '../traffic/router.ts'
import { compileSetHeaders, type SetHeaders } from '../traffic/set-headers.ts'
import { traceExchange } from '../traffic/trace-exchange.ts'
import { TrustedProxies } from '../traffic/trusted-proxies.ts'
import type { Usage } from '../usage-pool.ts'
import { closePools, createPools } from './backend-pools.ts'
import type { Generation, ObjectEnv } from './generation.ts'
import { compileRules, limitsOf } from './http-server-rules.ts'
import type { HttpServerSpec } from './http-server-spec.ts'
import { type LoadedTls, loadTls } from './http-server-tls.ts'
import { acquireTracer } from './http-server-tracing.ts'
import type { PipelineGeneration } from './pipeline.ts'

/** A bound socket that outlives generations, with the handler of the one that is active. */
class Listener {
  server: HttpServer | null = null
  /** Settles when it has closed; null while somebody uses it. */
  closed: Promise<void> | null = null
  /** Replaced at every swap: the one pointer. Waits until the first generation is active. */
  handle: ExchangeHandler
  #activate: () => void = () => undefined

  constructor() {
    const active = new Promise<void>((resolve) => {
      this.#activate = resolve
    })
    this.handle = (exchange) => active.then(() => promised(this.handle(exchange)))
  }

  use(handle: ExchangeHandler): void {
    this.handle = handle
    this.#activate()
  }
}

/** Pipelines that were made for routes with a pool of their own, by their names. */
export type Pools = ReadonlyMap<string, PipelineGeneration>

/** What `xForwardedFor` adds to a request. */
const X_FORWARDED_FOR = { 'X-Forwarded-For': '$proxy_add_x_forwarded_for' }

/** A running HTTPServer: a router over a listener. */
export class HttpServerGeneration implements Generation, AnsweringServer {
  readonly name: string
  readonly pools: Pools
  /** Its certificates, where they are in files. */
  readonly files: readonly string[]
  readonly isPlain: boolean
  readonly isAutomatic: boolean
  readonly #tls: LoadedTls['tls']
  readonly #certificates: AutoCertificates
  readonly #spec: HttpServerSpec
  readonly #env: ObjectEnv
  readonly #router: Router
  readonly #cache: RouteCache | null
  readonly #ipFilter: IpFilter | null
  readonly #addForwarded: SetHeaders | null
  readonly #trusted: TrustedProxies | null
  readonly #accessFormat: AccessFormat | null
  readonly #listener: Usage<Listener>
  readonly #tracing: Usage<Tracer> | null
  /** Null when requests are not traced. */
  readonly #tracer: Tracer | null
  #requests = 0

  constructor(
    spec: HttpServerSpec,
    env: ObjectEnv,
    listener: Usage<Listener>,
    pools: Pools,
    loaded: LoadedTls,
    tracing: Usage<Tracer> | null,
  ) {
    this.name = spec.name
    this.pools = pools
    this.files = loaded.files
    this.isPlain = !spec.https
    this.isAutomatic = spec.https && spec.autoCert
    this.#tls = loaded.tls
    this.#certificates = env.certificates
    this.#spec = spec
    this.#env = env
    const rules = compileRules(spec)
    this.#router =
      spec.routerKind === 'RadixTree' ? new RadixRouter(rules) : new OrderedRouter(rules)
    this.#cache = spec.cacheSize === 0 ? null : new RouteCache(spec.cacheSize)
    this.#ipFilter = spec.ipFilter === undefined ? null : new IpFilter(spec.ipFilter)
    this.#addForwarded = spec.xForwardedFor ? compileSetHeaders(X_FORWARDED_FOR) : null
    this.#trusted =
      spec.trustedProxies.length === 0
        ? null
        : new TrustedProxies(spec.trustedProxies, spec.forwardedHeader)
    this.#accessFormat =
      spec.accessLogFormat === '' ? null : compileAccessFormat(spec.accessLogFormat)
    this.#listener = listener
    this.#tracing = tracing
    this.#tracer = tracing?.value ?? null
  }

  /** The port that was bound, also when 0 was asked for. */
  get port(): number {
    return this.#listener.value.server?.port ?? 0
  }

  activate(): void {
    const listener = this.#listener.value
    listener.use(this.#env.observer?.watchServer(this.handle) ?? this.handle)
    listener.server?.update(limitsOf(this.#spec))
    listener.server?.updateTls(this.#tls)
    this.#certificates.addServer(this)
  }

  async retire(): Promise<void> {
    this.#certificates.removeServer(this)
    this.#listener.release()
    await this.#listener.value.closed
    this.#tracing?.release()
    await this.#tracer?.closed
    await closePools(this.pools)
  }

  /** Only its pools wait for exchanges; the listener has a time of its own. */
  end(): number {
    let exchanges = 0
    for (const pool of this.pools.values()) exchanges += pool.end()
    return exchanges
  }

  status(): unknown {
    const { server } = this.#listener.value
    return {
      health: '',
      state: 'running',
      port: this.port,
      connections: server?.connections ?? 0,
      requests: this.#requests,
    }
  }

  readonly handle = (exchange: Exchange): void | Pending<void> => {
    this.#requests += 1
    if (this.#tracer !== null) traceExchange(this.#tracer, exchange)
    this.#env.accessLog.watch(exchange, this.#accessFormat)
    const { request } = exchange
    // Before IP filters and rules: nobody knows where an authority asks from, and what it asks for is no secret.
    if (this.#certificates.hasTokens && this.#answerCheck(exchange)) return
    const isBelieved = this.#trusted?.believe(request) ?? false
    if (this.#ipFilter !== null && !this.#ipFilter.isAllowed(request.remoteAddress)) {
      exchange.response = fallbackResponse(exchange, 403)
      return
    }
    const match = this.#cache === null ? this.#router.route(request) : this.#routeCached(exchange)
    if (typeof match === 'number') {
      exchange.response = fallbackResponse(exchange, match)
      return
    }
    return this.#handleMatch(exchange, match, isBelieved)
  }

  /** True when `exchange` is the check of a domain that is under way (RFC 8555, section 8.3). */
  #answerCheck(exchange: Exchange): boolean {
    const { method, path } = exchange.request
    const answer = method === 'GET' ? this.#certificates.answerTo(path) : null
    if (answer === null) return false
    const headers = new Headers(['content-type', 'application/octet-stream'])
    exchange.response = new Response(200, headers, Body.text(answer))
    return true
  }

  #routeCached(exchange: Exchange): RouteResult {
    const { request } = exchange
    const known = this.#cache?.get(request)
    if (known !== undefined) return known
    const match = this.#router.route(request)
    if (this.#router.isStable) this.#cache?.put(request, match)
    return match
  }

  /** `isBelieved`: the forwarded fields are true already. */
  #handleMatch(exchange: Exchange, match: RouteMatch, isBelieved: boolean): void | Pending<void> {
    const { request } = exchange
    const { route } = match
    const pipeline = route.isGenerated
      ? this.pools.get(route.backend)
      : this.#env.pipeline(route.backend)
    if (pipeline === undefined) {
      exchange.tag(`backend ${route.backend} is not there`)
      exchange.response = fallbackResponse(exchange, 503)
      return
    }
    if (route.maxBodyBytes !== null && !limitRequest(request, route.maxBodyBytes)) {
      exchange.response = fallbackResponse(exchange, 413)
      return
    }
    exchange.routePrefix = route.pathPrefix
    route.setHeaders?.(exchange, match.params)
    if (!isBelieved) this.#addForwarded?.(exchange, null)
    const path = match.rewrite(request.decodedPath)
    if (path !== null) request.path = encodePath(path)
    return this.#spec.globalFilter === ''
      ? pipeline.handle(exchange)
      : this.#handleGlobally(exchange, pipeline)
  }

  /** A filter that is not there may have been what lets only some requests pass: nobody passes. */
  #handleGlobally(exchange: Exchange, pipeline: PipelineGeneration): void | Pending<void> {
    const filter = this.#env.globalFilter(this.#spec.globalFilter)
    if (filter !== undefined) return filter.handle(exchange, pipeline)
    exchange.tag(`global filter ${this.#spec.globalFilter} is not there`)
    exchange.response = fallbackResponse(exchange, 503)
  }
}

/**
 * Makes the pipelines of routes with a pool, and binds the port, or takes over the listener of the
 * generation that has it. Fails with LISTEN or TLS_CERTIFICATE, or as a pipeline does.
 */
export async function createHttpServer(
  spec: HttpServerSpec,
  env: ObjectEnv,
  previous: HttpServerGeneration | null,
): Promise<HttpServerGeneration> {
  const loaded = await loadTls(spec, env.baseDir, env.certificates)
  for (const warning of loaded.warnings) env.log.warn({ server: spec.name }, warning)
  const pools = await createPools(spec, env, previous?.pools ?? null)
  try {
    return await listen(spec, env, pools, loaded)
  } catch (error) {
    await closePools(pools)
    throw error
  }
}

async function listen(
  spec: HttpServerSpec,
  env: ObjectEnv,
  pools: Pools,
  loaded: LoadedTls,
): Promise<HttpServerGeneration> {
  const key = `${spec.name} ${spec.address}:${spec.port}`
  const usage = env.listeners.acquire(
    key,
    () => new Listener(),
    (unused) => {
      unused.closed = unused.server?.close(env.drainMs) ?? null
    },
  )
  const listener = usage.value
  const tracing = acquireTracer(spec, env)
  const generation = new HttpServerGeneration(spec, env, usage, pools, loaded, tracing)
  if (listener.server === null) {
    const options: ListenOptions = {
      name: spec.name,
      address: spec.address,
      port: spec.port,
      limits: limitsOf(spec),
      tls: loaded.tls,
    }
    try {
      listener.server = await env.engine.listen(options, (exchange) => listener.handle(exchange))
    } catch (error) {
      usage.release()
      tracing?.release()
      throw error
    }
  }
  return generation
}
