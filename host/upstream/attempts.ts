import type { Clock } from '../clock.ts'
import { reasonOf } from '../errors.ts'
import type { Exchange, MessageScope } from '../exchange/exchange.ts'
import type { Response } from '../exchange/response.ts'
import { answerOf } from '../http/promised-answer.ts'
import { endCall, failCall } from '../observe/tracing/call-span.ts'
import { type CircuitBreaker, REFUSED } from '../resilience/circuit-breaker.ts'
import { GIVE_UP, mayRetry, type Retry } from '../resilience/retry.ts'
import type { Endpoint } from './endpoint.ts'
import {
  CLIENT_GONE,
  CONNECT_FAILED,
  type Failure,
  failureOf,
  SHORT_CIRCUITED,
  UNAVAILABLE,
} from './failure.ts'
import { followRedirects } from './redirect.ts'
import type { ServerPool } from './server-pool.ts'
import type { StickySession } from './sticky-session.ts'
import { traceCall } from './trace-call.ts'
import { keepBody, requestTo } from './upstream-request.ts'

/** What sending a request came to: an answer of an endpoint, or a failure. */
export interface Outcome {
  /** Null when nothing was sent. */
  readonly endpoint: Endpoint | null
  readonly response: Response | null
  /** Null when there is a response. */
  readonly failure: Failure | null
  /** For the access log; "" for none. */
  readonly note: string
}

/** The policies that a request of a pool goes through. */
export interface AttemptPolicies {
  /** What an attempt is called in traces. */
  readonly spanName: string
  /** Each attempt may take so long until the head of its answer; 0 for no limit. */
  readonly timeoutMs: number
  /** Redirects that are followed. */
  readonly maxRedirection: number
  readonly isFailureCode: (status: number) => boolean
  readonly breaker: CircuitBreaker | null
  readonly retry: Retry | null
  readonly sticky: StickySession | null
  readonly clock: Clock
}

const REFUSED_OUTCOME: Outcome = {
  endpoint: null,
  response: null,
  failure: SHORT_CIRCUITED,
  note: 'the circuit breaker is open',
}
const NO_ENDPOINT: Outcome = {
  endpoint: null,
  response: null,
  failure: UNAVAILABLE,
  note: 'no endpoint is available',
}

/**
 * Sends a request as the policies of its pool say, one inside the other as in Easegress:
 *
 *     circuit breaker ─▶ retry ─▶ choice of an endpoint ─▶ attempt with its own timeout
 *           ▲              └──────◀── failed, may be sent again, within the budget
 *           └── one call, with all its attempts, is one success or one failure
 */
export class Attempts {
  readonly #servers: ServerPool
  readonly #policies: AttemptPolicies
  #count = 0

  constructor(servers: ServerPool, policies: AttemptPolicies) {
    this.#servers = servers
    this.#policies = policies
  }

  /** Attempts made so far. */
  get count(): number {
    return this.#count
  }

  /** Never fails. */
  async send(scope: MessageScope): Promise<Outcome> {
    const { breaker, clock } = this.#policies
    if (breaker === null) return this.#sendWithRetry(scope)
    const permit = breaker.acquire()
    if (permit === REFUSED) return REFUSED_OUTCOME
    const startedAtMs = clock.monotonicMs()
    const outcome = await this.#sendWithRetry(scope)
    // What a client did says nothing about the upstream.
    if (outcome.failure?.result === 'clientError') breaker.cancel(permit)
    else breaker.record(permit, this.#isFailure(outcome), clock.monotonicMs() - startedAtMs)
    return outcome
  }

  async #sendWithRetry(scope: MessageScope): Promise<Outcome> {
    const { retry, maxRedirection } = this.#policies
    if (retry === null && maxRedirection === 0) return this.#attempt(scope, this.#choose(scope))
    try {
      await keepBody(scope.request)
    } catch (error) {
      return failed(null, error)
    }
    if (retry === null) return this.#attempt(scope, this.#choose(scope))
    retry.begin()
    try {
      return await this.#repeat(scope, retry)
    } finally {
      retry.end()
    }
  }

  async #repeat(scope: MessageScope, retry: Retry): Promise<Outcome> {
    const { exchange, request } = scope
    let outcome = await this.#attempt(scope, this.#choose(scope))
    for (let attempts = 1; this.#isFailure(outcome); attempts++) {
      const { endpoint, failure, response } = outcome
      if (endpoint === null || failure?.result === 'clientError' || exchange.isAborted) break
      const wasSent = response !== null || failure !== CONNECT_FAILED
      if (!mayRetry(request.method, wasSent, !request.body.isConsumed)) break
      const waitMs = retry.next(attempts)
      if (waitMs === GIVE_UP) break
      if (response !== null) this.#discard(endpoint, response)
      if (waitMs > 0) await pause(waitMs, exchange)
      outcome = exchange.isAborted
        ? { endpoint, response: null, failure: CLIENT_GONE, note: '' }
        : await this.#attempt(scope, this.#servers.chooseOther(scope, endpoint))
      retry.endRetry()
    }
    return outcome
  }

  #choose(scope: MessageScope): Endpoint | undefined {
    const { sticky } = this.#policies
    if (sticky === null) return this.#servers.choose(scope)
    return sticky.find(scope, this.#servers.available) ?? this.#servers.choose(scope)
  }

  async #attempt(scope: MessageScope, endpoint: Endpoint | undefined): Promise<Outcome> {
    if (endpoint === undefined) return NO_ENDPOINT
    const servers = this.#servers
    const { timeoutMs, maxRedirection, spanName } = this.#policies
    const { state } = endpoint
    const span = scope.exchange.trace === null ? null : traceCall(scope, endpoint, spanName)
    this.#count += 1
    if (servers.countsActive) state.active += 1
    try {
      const sent = requestTo(endpoint, scope, span)
      let response = await answerOf(endpoint.client.value, sent, timeoutMs, scope.exchange)
      if (maxRedirection > 0) {
        const rules = { maxRedirection, timeoutMs, endpoints: servers.endpoints }
        response = await followRedirects(response, sent, endpoint, rules, scope.exchange)
      }
      servers.record(endpoint, response.status >= 500)
      if (span !== null) endCall(span, response.status)
      return { endpoint, response, failure: null, note: '' }
    } catch (error) {
      if (servers.countsActive) state.active -= 1
      const outcome = failed(endpoint, error)
      if (span !== null) failCall(span, outcome.note)
      if (outcome.failure?.result !== 'clientError') servers.record(endpoint, true)
      return outcome
    }
  }

  #isFailure(outcome: Outcome): boolean {
    const { response } = outcome
    return response === null || this.#policies.isFailureCode(response.status)
  }

  #discard(endpoint: Endpoint, response: Response): void {
    response.body.cancel('the request is sent again')
    if (this.#servers.countsActive) endpoint.state.active -= 1
  }
}

function failed(endpoint: Endpoint | null, error: unknown): Outcome {
  return { endpoint, response: null, failure: failureOf(error), note: reasonOf(error) }
}

/** Ends early when the client leaves. */
function pause(ms: number, exchange: Exchange): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    exchange.onAbort(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
