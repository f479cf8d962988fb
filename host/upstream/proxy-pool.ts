import { randomBytes } from 'node:crypto'
import { reasonOf } from '../errors.ts'
import type { MessageScope } from '../exchange/exchange.ts'
import { fallbackResponse } from '../exchange/fallback-response.ts'
import { Late, type Pending } from '../exchange/late.ts'
import type { Response } from '../exchange/response.ts'
import type { Asker } from '../http/engine.ts'
import { answerOf } from '../http/promised-answer.ts'
import { endCall, failCall } from '../observe/tracing/call-span.ts'
import { CircuitBreaker } from '../resilience/circuit-breaker.ts'
import { ConcurrencyLimit } from '../resilience/concurrency-limit.ts'
import { Retry } from '../resilience/retry.ts'
import { TurnPhase, type TurnTask, turn } from '../turn.ts'
import type { Usage } from '../usage-pool.ts'
import { Attempts } from './attempts.ts'
import type { UpstreamEnv } from './balance-spec.ts'
import { limitBody } from './body-limit.ts'
import { MemoryCache } from './cache/memory-cache.ts'
import { compressResponse } from './compression.ts'
import { DiscoveredServers } from './discovered-servers.ts'
import type { Endpoint } from './endpoint.ts'
import {
  BODY_TOO_LARGE,
  type Failure,
  failureOf,
  type ProxyResult,
  SHORT_CIRCUITED,
  UNAVAILABLE,
} from './failure.ts'
import { mergeHeaders } from './merge-headers.ts'
import type { ProxyPoolSpec } from './proxy-pool-spec.ts'
import type { ServerPool } from './server-pool.ts'
import { StickySession } from './sticky-session.ts'
import { traceCall } from './trace-call.ts'
import { requestTo } from './upstream-request.ts'

/** One pool of a Proxy: sends a request to one of its servers and makes the answer the response. */
export class ProxyPool {
  readonly #spec: ProxyPoolSpec
  readonly #discovered: DiscoveredServers
  readonly #servers: ServerPool
  readonly #failureCodes: ReadonlySet<number> | null
  /** Null when no policy is configured: then a request is sent without anything around it. */
  readonly #attempts: Attempts | null
  readonly #cache: MemoryCache | null
  readonly #limit: ConcurrencyLimit | null
  readonly #sticky: StickySession | null
  readonly #breaker: CircuitBreaker | null
  readonly #retry: Retry | null
  readonly #usages: Usage<unknown>[] = []
  #requests = 0
  #failures = 0

  /** State that should survive a change is shared with other pools of the same owner and the same spec. */
  constructor(spec: ProxyPoolSpec, env: UpstreamEnv, servers: DiscoveredServers) {
    this.#spec = spec
    this.#discovered = servers
    this.#servers = servers.pool
    this.#failureCodes = spec.failureCodes.length === 0 ? null : new Set(spec.failureCodes)
    const { breaker, memoryCache, maxRequests, retry, sticky } = spec
    this.#breaker = this.#share(env, 'breaker', breaker, (of) => new CircuitBreaker(of, env.clock))
    // What runs in the former generation counts in the budget too.
    this.#retry = this.#share(env, 'retry', retry, (of) => new Retry(of, env.random))
    this.#cache = this.#share(
      env,
      'cache',
      memoryCache === null ? null : { memoryCache, servers: spec.servers },
      (of) => new MemoryCache(of.memoryCache, env.clock),
    )
    this.#limit = this.#share(
      env,
      'limit',
      maxRequests === 0 ? null : maxRequests,
      (of) => new ConcurrencyLimit(of),
    )
    this.#sticky = sticky === null ? null : new StickySession(sticky, this.#secret(sticky, env))
    this.#attempts = this.#isPlain() ? null : this.#createAttempts(env)
  }

  static async create(spec: ProxyPoolSpec, env: UpstreamEnv): Promise<ProxyPool> {
    return new ProxyPool(spec, env, await DiscoveredServers.open(spec, spec.balance, env))
  }

  /** Synchronous only when nothing has to be sent. */
  handle(scope: MessageScope): ProxyResult | Pending<ProxyResult> {
    this.#requests += 1
    if (this.#attempts !== null) return this.#handleWith(this.#attempts, scope)
    const endpoint = this.#servers.choose(scope)
    if (endpoint === undefined) return this.#fail(scope, UNAVAILABLE, 'no endpoint is available')
    if (scope.exchange.trace !== null) return this.#handleTraced(scope, endpoint)
    const call = new PlainCall(this, scope)
    const sent = requestTo(endpoint, scope, null)
    endpoint.client.value.send(call, sent, this.#spec.timeoutMs, scope.exchange)
    return call
  }

  status(): unknown {
    return {
      requests: this.#requests,
      failures: this.#failures,
      attempts: this.#attempts?.count ?? this.#requests,
      servers: this.#servers.status(),
      isPanicking: this.#servers.isPanicking,
      ...(this.#breaker === null
        ? {}
        : { circuitBreaker: { state: this.#breaker.state, refused: this.#breaker.refused } }),
      ...(this.#retry === null ? {} : { retry: { overBudget: this.#retry.overBudget } }),
      ...(this.#cache === null ? {} : { memoryCache: this.#cache.status() }),
      ...(this.#limit === null
        ? {}
        : { maxRequests: { active: this.#limit.active, refused: this.#limit.refused } }),
    }
  }

  close(): void {
    this.#discovered.close()
    for (const usage of this.#usages) usage.release()
  }

  async #handleTraced(scope: MessageScope, endpoint: Endpoint): Promise<ProxyResult> {
    const { timeoutMs, spanName } = this.#spec
    const span = traceCall(scope, endpoint, spanName)
    try {
      const sent = requestTo(endpoint, scope, span)
      const response = await answerOf(endpoint.client.value, sent, timeoutMs, scope.exchange)
      if (span !== null) endCall(span, response.status)
      return this.finish(scope, response)
    } catch (error) {
      if (span !== null) failCall(span, reasonOf(error))
      return this.failed(scope, error)
    }
  }

  async #handleWith(attempts: Attempts, scope: MessageScope): Promise<ProxyResult> {
    const { request, exchange } = scope
    const cached = this.#cache?.find(request) ?? null
    if (cached !== null) {
      exchange.tag('from the cache')
      this.#compress(scope, cached)
      return this.finish(scope, cached)
    }
    if (this.#limit !== null) {
      if (!this.#limit.acquire()) {
        return this.#fail(
          scope,
          SHORT_CIRCUITED,
          `${this.#spec.maxRequests} requests are under way`,
        )
      }
      exchange.hold(this.#limit)
    }
    const { endpoint, response, failure, note } = await attempts.send(scope)
    if (endpoint === null || response === null) {
      return this.#fail(scope, failure ?? UNAVAILABLE, note)
    }
    if (this.#servers.countsActive) exchange.hold(endpoint.state)
    const { maxBodyBytes } = this.#spec
    const hasLimit = maxBodyBytes > 0 && request.method !== 'HEAD'
    if (hasLimit && !limitBody(response, maxBodyBytes, endpoint.url)) {
      return this.#fail(scope, BODY_TOO_LARGE, `an answer of more than ${maxBodyBytes} bytes`)
    }
    // In this order: what is kept is for everybody, a session's cookie and an encoding are for this client.
    this.#cache?.record(request, response)
    this.#sticky?.mark(scope, endpoint, response)
    this.#compress(scope, response)
    return this.finish(scope, response)
  }

  /** The answer that the client gets. */
  finish(scope: MessageScope, response: Response): ProxyResult {
    if (scope.response !== null) replace(scope.response, response)
    scope.response = response
    if (!this.#isFailureCode(response.status)) return undefined
    this.#failures += 1
    return 'failureCode'
  }

  #fail(scope: MessageScope, failure: Failure, note: string): ProxyResult {
    this.#failures += 1
    if (note !== '') scope.exchange.tag(note)
    const { timeoutStatus } = this.#spec
    const status = failure.result === 'timeout' ? timeoutStatus : failure.status
    const response = fallbackResponse(scope.exchange, status)
    // A browser shows a failure to its page only with the CORS fields that were set before.
    if (scope.response !== null) replace(scope.response, response)
    scope.response = response
    return failure.result
  }

  /** The request got no answer. */
  failed(scope: MessageScope, error: unknown): ProxyResult {
    return this.#fail(scope, failureOf(error), reasonOf(error))
  }

  #compress(scope: MessageScope, response: Response): void {
    const { compression } = this.#spec
    if (compression !== null) compressResponse(scope.request, response, compression)
  }

  #isFailureCode(status: number): boolean {
    return this.#failureCodes === null ? status >= 500 : this.#failureCodes.has(status)
  }

  #isPlain(): boolean {
    const { retry, compression, maxRedirection, maxBodyBytes, balance } = this.#spec
    return (
      this.#breaker === null &&
      this.#cache === null &&
      this.#limit === null &&
      this.#sticky === null &&
      retry === null &&
      compression === null &&
      maxRedirection === 0 &&
      maxBodyBytes <= 0 &&
      balance.outlierDetection === null &&
      !this.#servers.countsActive
    )
  }

  #createAttempts(env: UpstreamEnv): Attempts {
    const { timeoutMs, maxRedirection, spanName } = this.#spec
    return new Attempts(this.#servers, {
      spanName,
      timeoutMs,
      maxRedirection,
      isFailureCode: (status) => this.#isFailureCode(status),
      breaker: this.#breaker,
      retry: this.#retry,
      sticky: this.#sticky,
      clock: env.clock,
    })
  }

  /** A secret made at random is kept over changes, or every session would lose its endpoint. */
  #secret(sticky: NonNullable<ProxyPoolSpec['sticky']>, env: UpstreamEnv): Buffer | string {
    if (sticky.secret !== '') return sticky.secret
    return this.#share(env, 'secret', sticky, () => randomBytes(32)) ?? ''
  }

  /** A value that lives as long as one generation of this pool has an equal spec for it. */
  #share<S, V>(env: UpstreamEnv, what: string, spec: S | null, create: (spec: S) => V): V | null {
    if (spec === null) return null
    const { pool } = this.#spec
    const usage = env.shared.acquire(
      `${what} ${env.owner} ${pool} ${JSON.stringify(spec)}`,
      () => create(spec),
      () => undefined,
    )
    this.#usages.push(usage)
    return usage.value
  }
}

/** A request without policies on its way: all that waits for its answer is in here. */
class PlainCall extends Late<ProxyResult> implements Asker, TurnTask {
  readonly #pool: ProxyPool
  readonly #scope: MessageScope
  #response: Response | null = null
  #error: unknown = null

  constructor(pool: ProxyPool, scope: MessageScope) {
    super()
    this.#pool = pool
    this.#scope = scope
  }

  onAnswer(response: Response): void {
    this.#response = response
    // What comes of a body piles up until somebody takes it: that does not wait for what else the turn brings.
    if (response.body.isWhole) turn.schedule(TurnPhase.handle, this)
    else queueMicrotask(() => this.onTurn())
  }

  onFailure(error: unknown): void {
    this.#error = error
    turn.schedule(TurnPhase.handle, this)
  }

  /** TurnTask: nothing of the connection is under way now. */
  onTurn(): void {
    const pool = this.#pool
    let result: ProxyResult
    try {
      result =
        this.#response === null
          ? pool.failed(this.#scope, this.#error)
          : pool.finish(this.#scope, this.#response)
    } catch (error) {
      this.fail(error)
      return
    }
    this.settle(result)
  }
}

function replace(former: Response, response: Response): void {
  mergeHeaders(response.headers, former.headers)
  former.body.cancel('the proxy has another answer')
}
