import { monotonicMs } from '../clock.ts'
import { Exchange } from '../exchange/exchange.ts'
import { promised } from '../exchange/late.ts'
import type { Filter } from '../filters/filter.ts'
import { WasmFilter } from '../filters/wasm-filter.ts'
import { silentLogger } from '../observe/log.ts'
import { compileFlow } from '../traffic/flow.ts'
import { PipelineRunner } from '../traffic/pipeline.ts'
import { NO_DATA } from '../wasm/data/data-operation.ts'
import { dataNamespace } from '../wasm/data/namespace-name.ts'
import { InlineExecutor } from '../wasm/inline-executor.ts'
import { HOST_SEAMS } from '../wasm/instance.ts'
import { type MeterSet, PluginMeters } from '../wasm/metrics/plugin-meters.ts'
import type { GuestServices } from '../wasm/outbound/guest-services.ts'
import { WaitingInlineExecutor } from '../wasm/waiting-inline-executor.ts'
import { captureErrors } from './capture-log.ts'
import { requestChanges, responseChanges } from './changes.ts'
import type { OutboundCall } from './fake-calls.ts'
import type { FakeClock } from './fake-clock.ts'
import { checkForLeaks, type LeakCheckOptions, type LeakReport } from './leak-check.ts'
import { RequestView, ResponseView } from './message-view.ts'
import type { OpenedModule } from './open-module.ts'
import { type FilterLimits, nameOf, openPlugin, setupOf } from './open-plugin.ts'
import type { Capabilities } from './test-capabilities.ts'
import { TestData } from './test-data.ts'
import {
  makeTestRequest,
  makeTestResponse,
  type TestRequest,
  type TestResponse,
} from './test-messages.ts'

/** A request, and what stands around the filter that serves it. */
export interface FilterRequest extends TestRequest {
  /** What the upstream answers; a function gets the request as it arrives there. Default: 200, empty. */
  readonly upstream?: TestResponse | ((request: RequestView) => TestResponse | null) | null
  /** Results of the filter that lead on to the upstream, as `jumpIf` would. Any other ends the flow. */
  readonly jumps?: readonly string[]
  /** What a filter before this one left under shared `ctx` keys. */
  readonly context?: Readonly<Record<string, string>>
}

/** What one request through a filter came to. */
export interface FilterResult {
  /** `next` when it went on, else the result: one of the filter's own, `replied` or `wasmError`. */
  readonly result: string
  /** Why it is `wasmError`, or why a later phase failed; null when nothing did. */
  readonly error: string | null
  /** The request as the upstream saw it, or as it was when the flow ended before. */
  readonly request: RequestView
  /** What the filter changed in the request: see `requestChanges`. */
  readonly requestChanges: readonly string[]
  /** True when the upstream was asked. */
  readonly reachedUpstream: boolean
  /** The answer the filter gave itself; null when it gave none. */
  readonly reply: ResponseView | null
  /** What the client gets. */
  readonly response: ResponseView
  /** What the filter changed in the upstream's response. */
  readonly responseChanges: readonly string[]
  /** What the filter logged, in all phases: `info: text`. */
  readonly logs: readonly string[]
  /** The filter's data of this request under `ctx`, as text. */
  readonly context: Readonly<Record<string, string>>
  /** What the access log would hold. */
  readonly tags: readonly string[]
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const
const PIPELINE = 'test-pipeline'

/**
 * A filter without a gateway: the module behind the same pipeline, host calls and checks, with a fake
 * upstream, in this thread. It holds nothing that must be closed.
 */
export class TestFilter {
  readonly name: string
  /** Of the module's description; null when it has none. */
  readonly version: string | null
  /** The results the filter can give beside those of the host. */
  readonly results: readonly string[]
  /** What `now()` answers in the filter. */
  readonly clock: FakeClock
  /** What the filter keeps from request to request. */
  readonly data: TestData
  /** The outbound calls the filter has made, in order. */
  readonly calls: readonly OutboundCall[]
  readonly #meters: MeterSet
  readonly #executor: InlineExecutor | WaitingInlineExecutor
  readonly #filter: WasmFilter
  readonly #shared: readonly string[]
  #logs: string[] = []
  #errors: string[] = []

  private constructor(
    opened: OpenedModule,
    file: string | null,
    parameters: ReadonlyMap<string, string>,
    limits: FilterLimits,
    clock: FakeClock,
    capabilities: Capabilities,
  ) {
    const { description } = opened
    this.name = nameOf(description)
    this.version = description.version
    this.results = description.results
    this.#shared = description.shared
    this.clock = clock
    const data = dataNamespace(description, { pipeline: PIPELINE, filter: this.name })
    this.data = new TestData(data, clock)
    const { grant, secrets, random, calls, canWait, hasData } = capabilities
    this.calls = calls.made
    this.#meters = new PluginMeters().of({
      pipeline: PIPELINE,
      filter: this.name,
      plugin: this.name,
    })
    const setup = setupOf(opened, parameters, data, limits, { grant, secrets, canWait })
    const log = (level: number, message: string): void =>
      void this.#logs.push(`${LEVELS[level] ?? 'error'}: ${message}`)
    const port = hasData ? this.data.port : NO_DATA
    const seams = { ...HOST_SEAMS, random, wallMs: () => this.clock.nowMs }
    const services: GuestServices = {
      calls,
      denied: (_, denials) =>
        void this.#logs.push(...denials.map(([what]) => `warn: ${this.name} was denied ${what}`)),
    }
    const waiting = { maxConcurrency: 16, queueLength: 1_024, queueTimeoutMs: 10_000 }
    this.#executor = canWait
      ? new WaitingInlineExecutor(setup, waiting, log, port, seams, services)
      : new InlineExecutor(setup, log, port, seams, services)
    this.#filter = new WasmFilter(
      openPlugin(opened, file, this.#executor, grant, this.#meters),
      captureErrors((message) => this.#errors.push(message)),
    )
  }

  /** For `loadFilter`. Fails with GUEST_START. */
  static async start(
    opened: OpenedModule,
    file: string | null,
    parameters: ReadonlyMap<string, string>,
    limits: FilterLimits,
    clock: FakeClock,
    capabilities: Capabilities,
  ): Promise<TestFilter> {
    const filter = new TestFilter(opened, file, parameters, limits, clock, capabilities)
    await filter.#executor.start()
    return filter
  }

  /** What a metric of the filter stands at; of a histogram how many values it has. Null for none. */
  metric(name: string): number | null {
    return this.#meters.value(name)
  }

  /** Pages of the guest's memory now, in bytes; 0 when the next request makes a new instance. */
  get memoryBytes(): number {
    return this.#executor.instance?.memoryBytes ?? 0
  }

  /** Bytes of the guest's objects after a collection; null for a module without the SDK. */
  liveBytes(): number | null {
    return this.#executor.instance?.liveBytes() ?? null
  }

  /** Drops the instance with all it remembers, as a gateway may between any two phases. */
  forget(): void {
    this.#executor.forget()
  }

  /**
   * One request: through the filter, then to the upstream when the filter went on, back through its response
   * phase, then its done phase. TESTING_INPUT for a request that no client could send.
   */
  async request(init: FilterRequest = {}): Promise<FilterResult> {
    const request = makeTestRequest(init)
    const exchange = new Exchange(request, 'test-server', monotonicMs())
    exchange.pipeline = PIPELINE
    for (const [key, value] of Object.entries(init.context ?? {})) {
      exchange.data ??= new Map()
      exchange.data.set(
        this.#shared.includes(key) ? key : `${this.name}\n${key}`,
        Buffer.from(value),
      )
    }
    this.#logs = []
    this.#errors = []
    const before = new RequestView(request)
    const run = new Run(this.#filter, init)
    await run.flow(exchange)
    const { response } = exchange
    if (response === null) throw new TypeError('a pipeline always ends with a response')
    const after = run.seen ?? new RequestView(exchange.request)
    const answer = new ResponseView(response)
    const sentBytes = answer.bytes().length
    // The done phase of a filter that can wait ends later.
    const ended = new Promise<void>((resolve) => exchange.hold({ release: resolve }))
    exchange.finish({ status: response.status, durationMs: 0, sentBytes, isComplete: true })
    await ended
    return {
      result: run.result ?? 'next',
      error: this.#errors[0]?.replace(/^plugin failed: /, '') ?? null,
      request: after,
      requestChanges: requestChanges(before, after),
      reachedUpstream: run.seen !== null,
      reply: run.result === 'replied' ? answer : null,
      response: answer,
      responseChanges: run.answered === null ? [] : responseChanges(run.answered, answer),
      logs: this.#logs,
      context: contextOf(exchange, this.name),
      tags: exchange.tags ?? [],
    }
  }

  /**
   * Does memory grow with the number of requests? Warms up, then serves `requests` (default 1,000) and
   * compares what is in use after a collection. TESTING_REQUEST_FAILED when the filter fails on one.
   *
   *     const leak = await filter.leakCheck((i) => ({ headers: { 'x-user': `user ${i}` } }))
   *     assert.equal(leak.isLeaking, false)
   */
  leakCheck(
    init: FilterRequest | ((index: number) => FilterRequest) = {},
    options: LeakCheckOptions = {},
  ): Promise<LeakReport> {
    return checkForLeaks(this, typeof init === 'function' ? init : () => init, options)
  }
}

/** One exchange on its way: a pipeline of the filter and a fake upstream, with notes taken between them. */
class Run {
  result: string | undefined = undefined
  seen: RequestView | null = null
  answered: ResponseView | null = null
  readonly #runner: PipelineRunner
  #thrown: { readonly error: unknown } | null = null

  constructor(plugin: WasmFilter, init: FilterRequest) {
    const filters = new Map<string, Filter>([
      ['plugin', { handle: (scope) => this.#note(promised(plugin.handle(scope))) }],
      ['upstream', { handle: (scope) => this.#answer(scope.exchange, init.upstream) }],
    ])
    const jumpIf = Object.fromEntries((init.jumps ?? []).map((name) => [name, 'upstream']))
    const flow = compileFlow([{ filter: 'plugin', jumpIf }, { filter: 'upstream' }], filters)
    this.#runner = new PipelineRunner(PIPELINE, flow, silentLogger())
  }

  async flow(exchange: Exchange): Promise<void> {
    await promised(this.#runner.run(exchange))
    if (this.#thrown !== null) throw this.#thrown.error
  }

  #note(result: string | undefined | Promise<string | undefined>) {
    if (result instanceof Promise) return result.then((late) => (this.result = late))
    this.result = result
    return result
  }

  #answer(exchange: Exchange, upstream: FilterRequest['upstream']): undefined {
    this.seen = new RequestView(exchange.request)
    try {
      const init = typeof upstream === 'function' ? upstream(this.seen) : upstream
      if (init === null) return
      exchange.response = makeTestResponse(init ?? {})
      this.answered = new ResponseView(exchange.response)
    } catch (error) {
      // A pipeline answers 503 when a filter throws; this is the test's own code.
      this.#thrown = { error }
    }
  }
}

function contextOf(exchange: Exchange, name: string): Record<string, string> {
  const own = `${name}\n`
  const found: Record<string, string> = {}
  for (const [key, value] of exchange.data ?? []) {
    if (key.startsWith(own)) found[key.slice(own.length)] = value.toString('utf8')
    else if (!key.includes('\n')) found[key] = value.toString('utf8')
  }
  return found
}
