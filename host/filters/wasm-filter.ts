import { GatewayError, isGatewayError, reasonOf } from '../errors.ts'
import type { Body } from '../exchange/body.ts'
import {
  DEFAULT_NAMESPACE,
  type Exchange,
  type MessageScope,
  type OwedPhase,
  type Releasable,
} from '../exchange/exchange.ts'
import { type Pending, promised } from '../exchange/late.ts'
import type { Logger } from '../observe/log.ts'
import { applyChanges, type ChangeSink } from '../wasm/apply-changes.ts'
import type { DebugTrace } from '../wasm/debug-run.ts'
import { END_KEY, encodeEnd } from '../wasm/exchange-end.ts'
import type { GuestOutcome } from '../wasm/executor.ts'
import { Right } from '../wasm/grant/grant.ts'
import type { GuestFrame } from '../wasm/guest-frames.ts'
import { Phase } from '../wasm/guest-input.ts'
import type { OpenPlugin } from '../wasm/open-plugin.ts'
import { failedOutcome, knownOutcome } from '../wasm/outcome.ts'
import { ExchangeItem } from './exchange-item.ts'
import { dataOf, putContext } from './plugin-context.ts'

type Result = string | undefined

/** Failures that mean there was nothing to run it on. */
const OUT_OF_VM: ReadonlySet<string> = new Set(['GUEST_QUEUE_FULL', 'GUEST_CPU', 'GUEST_CLOSED'])

/** Failures of the guest's own code: in development the call runs again, for its whole stack. */
const RUNS_AGAIN: ReadonlySet<string> = new Set([
  'GUEST_TRAPPED',
  'GUEST_FUEL',
  'GUEST_TIMEOUT',
  'GUEST_START',
])

/** How long the former version stands by after a swap. */
export const FALLBACK_MS = 60_000

/**
 * Brings one plugin version and the exchanges together: which phase runs when, what the guest may see,
 * and what becomes of its answer. See "The guest contract" in ARCHITECTURE.md.
 */
export class WasmFilter {
  readonly #plugin: OpenPlugin
  readonly #log: Logger
  readonly #hasRequest: boolean
  readonly #hasResponse: boolean
  readonly #hasDone: boolean
  readonly #runsOnce: boolean
  readonly #wantsRequestBody: boolean
  readonly #wantsResponseBody: boolean
  readonly #bodyLimit: number
  readonly #owed: OwedPhase
  readonly #sink: ChangeSink
  // One closure for all items, both of them.
  readonly #onPhase = (item: ExchangeItem, outcome: GuestOutcome): Result | Promise<Result> =>
    promised(this.#finish(item, outcome))
  readonly #onDone = ({ scope }: ExchangeItem, outcome: GuestOutcome): undefined =>
    this.#finishDone(scope.exchange, outcome)
  /** Lets go of the plugin for one exchange that `#standIn` has retained it for. */
  readonly #hold: Releasable = { release: () => void this.#plugin.close() }
  /** `failPolicy: open`: a response goes on as it is when the plugin failed on it. */
  readonly #isOpen: boolean
  #fallback: WasmFilter | null = null
  #fallbackTimer: NodeJS.Timeout | null = null
  #calls = 0
  #failures = 0

  /** `filter` is its name in its pipeline; default that of the plugin. */
  constructor(plugin: OpenPlugin, log: Logger, filter: string = plugin.name, isOpen = false) {
    this.#isOpen = isOpen
    const { description } = plugin
    this.#plugin = plugin
    this.#log = log
    this.#hasRequest = description.phases.includes('request')
    this.#hasResponse = description.phases.includes('response')
    this.#hasDone = description.phases.includes('done')
    this.#runsOnce = description.runsOnce
    const canRead = (plugin.grant.rights & Right.bodyRead) !== 0
    this.#wantsRequestBody = canRead && description.body.request === 'bytes'
    this.#wantsResponseBody = canRead && description.body.response === 'bytes'
    this.#bodyLimit = description.body.limit
    // One object for all exchanges, both of them: what they need is the exchange they are given.
    this.#sink = {
      putContext: (exchange, key, value) => putContext(exchange, plugin, key, value),
      record: plugin.meters.record,
    }
    this.#owed = { filter, run: (exchange) => this.#runOwed(exchange) }
  }

  /**
   * Without a response: the request phase now, and the response phase is owed. With one: the response
   * phase at this place. A phase the module does not have costs nothing.
   */
  handle(scope: MessageScope): Result | Pending<Result> {
    if (this.#fallback !== null && this.#plugin.isSuspended()) return this.#fallback.#standIn(scope)
    if (this.#runsOnce) return this.#runOnce(scope)
    if (this.#hasDone) this.#scheduleDone(scope.exchange)
    if (scope.response !== null) {
      return this.#hasResponse ? this.#run(scope, Phase.response) : undefined
    }
    if (!this.#hasRequest) {
      this.#owe(scope)
      return undefined
    }
    return this.#run(scope, Phase.request)
  }

  /**
   * Lets the version that ran before stand in while this one is left alone, for as long as it is likely to
   * be the new version's fault: so that a bad version costs a handful of requests, not those of a roll-back.
   */
  fallBackTo(former: WasmFilter): void {
    former.dropFallback()
    if (former.#plugin.digest === this.#plugin.digest) return
    former.#plugin.retain()
    this.#fallback = former
    this.#fallbackTimer = setTimeout(() => this.dropFallback(), FALLBACK_MS).unref()
  }

  /** For a request of another generation than its own: that one does not keep this version alive. */
  #standIn(scope: MessageScope): Result | Pending<Result> {
    this.#plugin.retain()
    scope.exchange.holdGeneration(this.#hold)
    return this.handle(scope)
  }

  dropFallback(): void {
    const former = this.#fallback
    this.#fallback = null
    if (this.#fallbackTimer !== null) clearTimeout(this.#fallbackTimer)
    if (former !== null) void former.#plugin.close()
  }

  close(): Promise<void> {
    this.dropFallback()
    return this.#plugin.close()
  }

  status(): Readonly<Record<string, unknown>> {
    const { description, digest, origin, executor } = this.#plugin
    return {
      plugin: this.#plugin.name,
      version: description.version,
      digest,
      origin,
      data: this.#plugin.dataNamespace,
      grant: this.#plugin.grantView,
      health: '',
      numOfRequest: this.#calls,
      numOfWasmError: this.#failures,
      executor: executor.status(),
    }
  }

  /** Owed is the response the client gets; in another namespace a node runs at its place only. */
  #owe({ exchange, namespace }: MessageScope): void {
    if (this.#hasResponse && namespace === DEFAULT_NAMESPACE) exchange.owe(this.#owed)
  }

  #run(scope: MessageScope, phase: Phase): Result | Pending<Result> {
    this.#calls += 1
    const wantsBody = phase === Phase.request ? this.#wantsRequestBody : this.#wantsResponseBody
    const body = phase === Phase.request ? scope.request.body : scope.response?.body
    if (!wantsBody || body === undefined) return this.#submit(scope, phase, null)
    return this.#withBody(scope, phase, body)
  }

  /** For a guest without phases: at its place, with a response or without, and both bodies if it reads them. */
  #runOnce(scope: MessageScope): Result | Pending<Result> {
    this.#calls += 1
    const { body } = scope.request
    const sent = this.#wantsRequestBody && !body.isConsumed ? body.collect(this.#bodyLimit) : null
    const answer = scope.response?.body ?? null
    const got =
      this.#wantsResponseBody && answer !== null && !answer.isConsumed
        ? answer.collect(this.#bodyLimit)
        : null
    if (!(sent instanceof Promise || got instanceof Promise)) {
      return this.#submit(scope, Phase.request, sent, got)
    }
    return Promise.all([sent, got]).then(
      ([request, response]) => promised(this.#submit(scope, Phase.request, request, response)),
      (error: unknown) => this.#unread(scope, error),
    )
  }

  #withBody(scope: MessageScope, phase: Phase, body: Body): Result | Pending<Result> {
    const bytes = body.collect(this.#bodyLimit)
    if (!(bytes instanceof Promise)) return this.#submit(scope, phase, bytes)
    return bytes.then(
      (whole) => promised(this.#submit(scope, phase, whole)),
      (error: unknown) => this.#unread(scope, error),
    )
  }

  /** A body could not be given to the guest: it is too large, or it broke off. */
  #unread(scope: MessageScope, error: unknown): Result {
    // The client's own fault, and what it can do something about.
    if (scope.response === null && isGatewayError(error, 'REQUEST_BODY_TOO_LARGE')) {
      scope.exchange.failureStatus = error.status
    }
    return this.#fail(scope, reasonOf(error), 'wasmError')
  }

  /** `answer` is the response's body for a guest that gets both; else `body` is that of the phase's message. */
  #submit(
    scope: MessageScope,
    phase: Phase,
    body: Uint8Array | null,
    answer: Uint8Array | null = null,
  ): Result | Pending<Result> {
    const isRequest = phase === Phase.request
    const sent = isRequest ? body : null
    const got = isRequest ? answer : body
    const item = new ExchangeItem(this.#onPhase, scope, phase, sent, got, this.#plugin)
    const outcome = this.#plugin.executor.submit(item, item)
    return outcome === null ? item.later() : this.#finish(item, outcome)
  }

  #finish(item: ExchangeItem, given: GuestOutcome): Result | Pending<Result> {
    const { scope, phase } = item
    const { results } = this.#plugin.description
    const outcome = knownOutcome(given, results.length)
    const { failure, frames } = outcome
    if (failure !== null) {
      this.#plugin.observe(outcome)
      // It waited while the version was suspended, and did not run: the former one can have it.
      if (
        failure.code === 'GUEST_SUSPENDED' &&
        phase === Phase.request &&
        this.#fallback !== null
      ) {
        return this.#fallback.#standIn(scope)
      }
      const result = OUT_OF_VM.has(failure.code) ? 'outOfVM' : 'wasmError'
      // Its own bug and nothing that passes: whoever would try again after a 503 need not.
      if (failure.code === 'GUEST_RESULT' && !this.#isOpen) {
        scope.exchange.failureStatus = failure.status
      }
      const { debugRun } = this.#plugin
      if (debugRun === null || !RUNS_AGAIN.has(failure.code)) {
        return this.#fail(scope, failure.message, result, frames)
      }
      // Only on a developer's machine, where an answer may wait for its explanation.
      return debugRun.explain(item, frames !== null && frames.length > 0).then(
        (debug) => this.#fail(scope, failure.message, result, frames, debug),
        (error: unknown) => {
          this.#log.warn({ err: error }, `the debug build cannot be run: ${reasonOf(error)}`)
          return this.#fail(scope, failure.message, result, frames)
        },
      )
    }
    if (outcome.changes !== null) {
      const refused = applyChanges(scope, outcome.changes, this.#sink, this.#plugin.grant)
      if (refused !== null) return this.#fail(scope, this.#refuse(outcome, refused), 'wasmError')
    }
    if (outcome.noted !== null) outcome.noted.applyTo(scope)
    this.#plugin.observe(outcome)
    if (phase === Phase.request) this.#owe(scope)
    if (outcome.kind === 'replied') return 'replied'
    if (outcome.kind === 'next') return undefined
    return results[outcome.result - 1] ?? `wasmResult${outcome.result}`
  }

  /** What a call wrote may not be sent: it has failed like one that trapped. Returns the message. */
  #refuse({ runMs, queueMs }: GuestOutcome, reason: string): string {
    const failure = new GatewayError('GUEST_WRITE_REFUSED', { reason })
    this.#plugin.observe(failedOutcome(failure, runMs, null, queueMs))
    return failure.message
  }

  #fail(
    scope: MessageScope,
    reason: string,
    result: 'wasmError' | 'outOfVM',
    frames: readonly GuestFrame[] | null = null,
    debug: DebugTrace | null = null,
  ): Result {
    this.#failures += 1
    const { name, description, places } = this.#plugin
    const hasFrames = frames !== null && frames.length > 0
    const trace = debug?.trace ?? (hasFrames ? places.explain(frames) : null)
    const at = debug?.at ?? (hasFrames ? places.blame(frames) : null)
    this.#log.error(
      {
        plugin: name,
        version: description.version ?? undefined,
        requestId: scope.exchange.id,
        result,
        at: at ?? undefined,
        trace: trace ?? undefined,
      },
      `plugin failed: ${reason}${at === null ? '' : `, at ${at}`}`,
    )
    scope.exchange.observer?.pluginFailed(this.#owed.filter ?? name, reason, at, trace ?? [])
    return result
  }

  /** An owed phase never jumps: a failure replaces the answer, any other result becomes a tag. */
  #runOwed(exchange: Exchange): void | Promise<void> {
    if (exchange.response === null) return
    const result = promised(this.#run(exchange, Phase.response))
    if (result instanceof Promise) return result.then((late) => this.#settleOwed(exchange, late))
    this.#settleOwed(exchange, result)
  }

  #settleOwed(exchange: Exchange, result: Result): void {
    if (result === undefined) return
    exchange.span?.set('penstock.result', result)
    if (!this.#isOpen && (result === 'wasmError' || result === 'outOfVM')) {
      exchange.response?.body.cancel('a plugin failed on the response')
      // No response: the pipeline answers with the status and the request id, and no internals.
      exchange.response = null
      return
    }
    exchange.tag(`${this.#plugin.name}(${result})`)
  }

  #scheduleDone(exchange: Exchange): void {
    exchange.expectLatePhase()
    exchange.onDone((end) => {
      const context = new Map(dataOf(exchange, this.#plugin))
      context.set(END_KEY, encodeEnd(end))
      const item = new ExchangeItem(
        this.#onDone,
        exchange,
        Phase.done,
        null,
        null,
        this.#plugin,
        context,
      )
      const outcome = this.#plugin.executor.submit(item, item)
      if (outcome !== null) {
        this.#finishDone(exchange, outcome)
        return
      }
      // The version must live until the guest has seen the end, though the client has its answer.
      const seen = item.later().promise()
      exchange.holdUntil(seen.then(() => undefined))
    })
  }

  /** Nothing can be changed any more; what the guest has counted still counts. */
  #finishDone(exchange: Exchange, outcome: GuestOutcome): undefined {
    const { failure, changes } = outcome
    if (failure !== null) this.#fail(exchange, failure.message, 'wasmError')
    const refused =
      changes === null ? null : applyChanges(exchange, changes, this.#sink, this.#plugin.grant)
    if (refused === null) this.#plugin.observe(outcome)
    else this.#fail(exchange, this.#refuse(outcome, refused), 'wasmError')
  }
}
