import { isGatewayError, reasonOf } from '../errors.ts'
import type { Body } from '../exchange/body.ts'
import {
  DEFAULT_NAMESPACE,
  type Exchange,
  type ExchangeEnd,
  type MessageScope,
  type OwedPhase,
} from '../exchange/exchange.ts'
import type { Logger } from '../observe/log.ts'
import { applyChanges } from '../wasm/apply-changes.ts'
import type { GuestItem, GuestOutcome } from '../wasm/executor.ts'
import { Phase } from '../wasm/guest-call.ts'
import type { GuestFrame } from '../wasm/guest-frames.ts'
import type { OpenPlugin } from '../wasm/plugin-host.ts'

type Result = string | undefined

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
    this.#wantsRequestBody = description.body.request === 'bytes'
    this.#wantsResponseBody = description.body.response === 'bytes'
    this.#bodyLimit = description.body.limit
    // One object for all exchanges: what it needs is the exchange it is given.
    this.#owed = { filter, run: (exchange) => this.#runOwed(exchange) }
  }

  /**
   * Without a response: the request phase now, and the response phase is owed. With one: the response
   * phase at this place. A phase the module does not have costs nothing.
   */
  handle(scope: MessageScope): Result | Promise<Result> {
    if (this.#fallback !== null && this.#plugin.isSuspended()) return this.#fallback.handle(scope)
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

  status(): unknown {
    const { description, digest, origin, executor } = this.#plugin
    return {
      plugin: this.#plugin.name,
      version: description.version,
      digest,
      origin,
      data: this.#plugin.dataNamespace,
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

  #run(scope: MessageScope, phase: Phase): Result | Promise<Result> {
    this.#calls += 1
    const wantsBody = phase === Phase.request ? this.#wantsRequestBody : this.#wantsResponseBody
    const body = phase === Phase.request ? scope.request.body : scope.response?.body
    if (!wantsBody || body === undefined) return this.#submit(scope, phase, null)
    return this.#withBody(scope, phase, body)
  }

  /** For a guest without phases: at its place, with a response or without, and both bodies if it reads them. */
  #runOnce(scope: MessageScope): Result | Promise<Result> {
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
      ([request, response]) => this.#submit(scope, Phase.request, request, response),
      (error: unknown) => this.#fail(scope, reasonOf(error), 'wasmError'),
    )
  }

  #withBody(scope: MessageScope, phase: Phase, body: Body): Result | Promise<Result> {
    const bytes = body.collect(this.#bodyLimit)
    if (!(bytes instanceof Promise)) return this.#submit(scope, phase, bytes)
    return bytes.then(
      (whole) => this.#submit(scope, phase, whole),
      (error: unknown) => this.#fail(scope, reasonOf(error), 'wasmError'),
    )
  }

  /** `answer` is the response's body for a guest that gets both; else `body` is that of the phase's message. */
  #submit(
    scope: MessageScope,
    phase: Phase,
    body: Uint8Array | null,
    answer: Uint8Array | null = null,
  ): Result | Promise<Result> {
    const item = makeItem(scope, phase, body, this.#plugin)
    if (answer !== null) item.responseBody = answer
    const outcome = this.#plugin.executor.submit(item)
    return outcome instanceof Promise
      ? outcome.then((done) => this.#finish(scope, phase, done))
      : this.#finish(scope, phase, outcome)
  }

  #finish(scope: MessageScope, phase: Phase, outcome: GuestOutcome): Result {
    if (outcome.failure !== null) {
      const isFull = isGatewayError(outcome.failure, 'GUEST_QUEUE_FULL')
      const result = isFull ? 'outOfVM' : 'wasmError'
      return this.#fail(scope, outcome.failure.message, result, outcome.frames)
    }
    if (outcome.changes !== null) {
      const { exchange } = scope
      const refused = applyChanges(scope, outcome.changes, (key, value) =>
        putContext(exchange, this.#plugin, key, value),
      )
      if (refused !== null) return this.#fail(scope, refused, 'wasmError')
    }
    if (phase === Phase.request) this.#owe(scope)
    if (outcome.kind === 'replied') return 'replied'
    if (outcome.kind === 'next') return undefined
    const name = this.#plugin.description.results[outcome.result - 1]
    if (name === undefined && outcome.result > 9) {
      return this.#fail(scope, `the unknown result ${outcome.result}`, 'wasmError')
    }
    return name ?? `wasmResult${outcome.result}`
  }

  #fail(
    scope: MessageScope,
    reason: string,
    result: 'wasmError' | 'outOfVM',
    frames: readonly GuestFrame[] | null = null,
  ): Result {
    this.#failures += 1
    const { name, description, places } = this.#plugin
    const hasFrames = frames !== null && frames.length > 0
    const trace = hasFrames ? places.explain(frames) : null
    const at = hasFrames ? places.blame(frames) : null
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
    const result = this.#run(exchange, Phase.response)
    if (result instanceof Promise) return result.then((late) => this.#settleOwed(exchange, late))
    this.#settleOwed(exchange, result)
  }

  #settleOwed(exchange: Exchange, result: Result): void {
    if (result === undefined) return
    if (!this.#isOpen && (result === 'wasmError' || result === 'outOfVM')) {
      exchange.response?.body.cancel(new Error('a plugin failed on the response'))
      // No response: the pipeline answers with the status and the request id, and no internals.
      exchange.response = null
      return
    }
    exchange.tag(`${this.#plugin.name}(${result})`)
  }

  #scheduleDone(exchange: Exchange): void {
    exchange.onDone((_: ExchangeEnd) => {
      const outcome = this.#plugin.executor.submit(
        makeItem(exchange, Phase.done, null, this.#plugin),
      )
      if (!(outcome instanceof Promise)) {
        if (outcome.failure !== null) this.#fail(exchange, outcome.failure.message, 'wasmError')
        return
      }
      // The version must live until the guest has seen the end, though the client has its answer.
      const settled = outcome.then((done) => {
        if (done.failure !== null) this.#fail(exchange, done.failure.message, 'wasmError')
      })
      exchange.holdUntil(settled)
    })
  }
}

function makeItem(
  scope: MessageScope,
  phase: Phase,
  body: Uint8Array | null,
  plugin: OpenPlugin,
): GuestItem {
  const { request, response, exchange } = scope
  return {
    phase,
    method: request.method,
    path: request.path,
    query: request.query,
    scheme: request.scheme,
    host: request.host,
    clientAddress: request.remoteAddress,
    route: exchange.pipeline,
    requestId: exchange.id,
    protocol: request.httpVersion,
    requestHeaders: request.headers.list,
    requestBody: phase === Phase.request ? body : null,
    status: response === null ? 0 : response.status,
    responseHeaders: response === null ? null : response.headers.list,
    responseBody: phase === Phase.response ? body : null,
    context: exchange.data === null ? null : contextOf(exchange.data, plugin),
  }
}

/** A key a plugin did not declare as shared is its own: the plugin's name stands before it. */
function privateKey(plugin: OpenPlugin, key: string): string {
  return `${plugin.name}\n${key}`
}

function putContext(exchange: Exchange, plugin: OpenPlugin, key: string, value: Uint8Array): void {
  exchange.data ??= new Map()
  const isShared = plugin.description.shared.includes(key)
  exchange.data.set(isShared ? key : privateKey(plugin, key), Buffer.from(value))
}

function contextOf(
  data: ReadonlyMap<string, Uint8Array>,
  plugin: OpenPlugin,
): ReadonlyMap<string, Uint8Array> | null {
  const own = `${plugin.name}\n`
  let visible: Map<string, Uint8Array> | null = null
  for (const [key, value] of data) {
    const isOwn = key.startsWith(own)
    if (!isOwn && !plugin.description.shared.includes(key)) continue
    visible ??= new Map()
    visible.set(isOwn ? key.slice(own.length) : key, value)
  }
  return visible
}
