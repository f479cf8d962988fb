import { monotonicMs } from '../clock.ts'
import { reasonOf } from '../errors.ts'
import type {
  Exchange,
  ExchangeEnd,
  ExchangeObserver,
  MessageScope,
  OwedPhase,
} from '../exchange/exchange.ts'
import { Budget } from './body-capture.ts'
import {
  BODY_ARRIVAL_MS,
  MAX_BODY_BYTES,
  MAX_EXCHANGE_BYTES,
  MAX_LOG_LINE_LENGTH,
  MAX_LOG_LINES,
  MAX_STEPS,
} from './limits.ts'
import { MessageStates, NO_STATE } from './message-states.ts'
import type {
  ExchangeRecord,
  ExchangeSummary,
  FailureRecord,
  LogRecord,
  StepSummary,
} from './record.ts'

/** One node of a flow, as far as a recording names it. */
export interface StepSource {
  readonly pipeline: string
  readonly filter: string
  readonly label: string
  readonly kind: string
  readonly plugin: string | null
  /** The module and what else the filter was made from. */
  readonly files: readonly string[]
  /** The folder of the plugin's sources; null when it is no plugin, or its sources are not at hand. */
  readonly folder: string | null
}

/** One call of a filter while it is recorded. */
export class Step {
  readonly source: StepSource
  readonly phase: 'request' | 'response'
  readonly isOwed: boolean
  readonly startMs: number
  readonly requestBefore: number
  readonly responseBefore: number
  requestAfter: number
  responseAfter: number
  durationMs: number | null = null
  result: string | null = null
  failure: FailureRecord | null = null
  readonly logs: LogRecord[] = []

  constructor(
    source: StepSource,
    phase: 'request' | 'response',
    isOwed: boolean,
    startMs: number,
    request: number,
    response: number,
  ) {
    this.source = source
    this.phase = phase
    this.isOwed = isOwed
    this.startMs = startMs
    this.requestBefore = request
    this.requestAfter = request
    this.responseBefore = response
    this.responseAfter = response
  }

  /** The request, or a response that was there before, is not what it was. */
  get hasChanged(): boolean {
    const isOther = this.responseBefore !== this.responseAfter
    return this.requestBefore !== this.requestAfter || (isOther && this.responseBefore !== NO_STATE)
  }

  /** A plugin on the way in, whose folder can take a test. */
  get isTestable(): boolean {
    return this.phase === 'request' && this.source.folder !== null
  }
}

/** What a recording tells whoever keeps it. */
export interface RecordingOwner {
  changed(recording: Recording): void
  /** The lines of source around a place, when they are at hand. */
  sourceOf(places: readonly string[], files: readonly string[]): FailureRecord['source']
}

/** One exchange while it is recorded, and afterwards: it holds nothing of the exchange itself. */
export class Recording implements ExchangeObserver {
  readonly id: string
  readonly number: number
  readonly startedAt = new Date()
  readonly server: string
  readonly host: string
  readonly scheme: 'http' | 'https'
  readonly replayOf: string | null
  readonly steps: Step[] = []
  readonly states: MessageStates
  readonly #owner: RecordingOwner
  readonly #budget = new Budget(MAX_EXCHANGE_BYTES)
  readonly #startedAtMs = monotonicMs()
  readonly #httpVersion: string
  readonly #remoteAddress: string
  readonly #tags: string[] = []
  #pipeline = ''
  #finalResponse = NO_STATE
  #end: ExchangeEnd | null = null
  #logLines = 0
  #isCut = false

  constructor(exchange: Exchange, number: number, replayOf: string | null, owner: RecordingOwner) {
    const { request } = exchange
    this.id = exchange.id
    this.number = number
    this.server = exchange.server
    this.host = request.host
    this.scheme = request.scheme
    this.replayOf = replayOf
    this.states = new MessageStates(this.#budget)
    this.#owner = owner
    this.#httpVersion = request.httpVersion
    this.#remoteAddress = request.remoteAddress
    this.states.ofRequest(request)
  }

  /** What this recording holds, in bytes. */
  get bytes(): number {
    return MAX_EXCHANGE_BYTES - this.#budget.left
  }

  get isRunning(): boolean {
    return this.#end === null
  }

  /**
   * Null, or what to wait for before the request is handled: a small body that is on its way. Without it
   * the body of a request that is answered early would be unknown, and the request could not be repeated.
   */
  arrival(exchange: Exchange): Promise<void> | null {
    const { announcedLength } = exchange.request.body
    const capture = this.states.requestAt(0)?.body
    if (capture === undefined || capture.isComplete) return null
    if (announcedLength <= 0 || announcedLength > MAX_BODY_BYTES) return null
    return capture.complete(BODY_ARRIVAL_MS)
  }

  /** A filter is about to be called. Null past MAX_STEPS. */
  begin(source: StepSource, scope: MessageScope, isOwed = false): Step | null {
    this.#pipeline = source.pipeline
    if (this.steps.length >= MAX_STEPS) {
      this.#isCut = true
      return null
    }
    const step = new Step(
      source,
      scope.response === null ? 'request' : 'response',
      isOwed,
      monotonicMs() - this.#startedAtMs,
      this.states.ofRequest(scope.request),
      this.states.ofResponse(scope.response),
    )
    this.steps.push(step)
    return step
  }

  /** It has answered. */
  end(step: Step | null, scope: MessageScope, result: string | undefined): void {
    if (step === null) return
    step.durationMs = monotonicMs() - this.#startedAtMs - step.startMs
    step.result = result === undefined || result === '' ? null : result
    step.requestAfter = this.states.ofRequest(scope.request)
    step.responseAfter = this.states.ofResponse(scope.response)
  }

  /** It has thrown: a bug of the filter. */
  threw(step: Step | null, scope: MessageScope, error: unknown): void {
    if (step !== null)
      step.failure = { message: reasonOf(error), at: null, places: [], source: null }
    this.end(step, scope, undefined)
  }

  runOwed(exchange: Exchange, phase: OwedPhase): void | Promise<void> {
    const known = this.#lastStepOf(phase.filter ?? '')
    const source = known?.source ?? unnamed(exchange.pipeline)
    const step = this.begin(source, exchange, true)
    const pending = phase.run(exchange)
    if (pending === undefined) {
      this.end(step, exchange, undefined)
      return
    }
    return pending.then(() => this.end(step, exchange, undefined))
  }

  pluginFailed(filter: string, reason: string, at: string | null, places: readonly string[]): void {
    const step = this.#lastStepOf(filter)
    if (step === undefined) return
    const source = this.#owner.sourceOf(at === null ? places : [at, ...places], step.source.files)
    step.failure = { message: reason, at, places, source }
    this.#owner.changed(this)
  }

  /** A plugin wrote a line of its log; it may arrive after the answer. */
  log(pipeline: string, filter: string, level: LogRecord['level'], text: string): void {
    const step = this.#lastStepOf(filter, pipeline)
    if (step === undefined) return
    this.#logLines += 1
    if (this.#logLines > MAX_LOG_LINES) {
      this.#isCut = true
      return
    }
    const message =
      text.length > MAX_LOG_LINE_LENGTH ? `${text.slice(0, MAX_LOG_LINE_LENGTH)}…` : text
    this.#budget.take(message.length)
    step.logs.push({ level, message })
    this.#owner.changed(this)
  }

  /** The flow has ended: this is what the client will be sent. */
  answered(exchange: Exchange): void {
    if (exchange.pipeline !== '') this.#pipeline = exchange.pipeline
    this.#finalResponse = this.states.ofResponse(exchange.response)
    if (exchange.tags !== null) this.#tags.push(...exchange.tags)
  }

  /** The last byte was sent, or never will be. */
  finished(end: ExchangeEnd): void {
    this.#end = end
    this.#owner.changed(this)
  }

  summary(): ExchangeSummary {
    return { ...this.#head(), steps: this.steps.map(summarize) }
  }

  toRecord(): ExchangeRecord {
    return {
      ...this.#head(),
      scheme: this.scheme,
      httpVersion: this.#httpVersion,
      remoteAddress: this.#remoteAddress,
      requests: this.states.requests(),
      responses: this.states.responses(),
      steps: this.steps.map((step, index) => ({
        index,
        pipeline: step.source.pipeline,
        filter: step.source.filter,
        label: step.source.label,
        kind: step.source.kind,
        phase: step.phase,
        isOwed: step.isOwed,
        startMs: round(step.startMs),
        durationMs: step.durationMs === null ? null : round(step.durationMs),
        result: step.result,
        request: [step.requestBefore, step.requestAfter],
        response: [step.responseBefore, step.responseAfter],
        plugin: step.source.plugin,
        logs: step.logs,
        failure: step.failure,
        isTestable: step.isTestable,
      })),
      finalResponse: this.#finalResponse,
      sentBytes: this.#end?.sentBytes ?? 0,
      tags: this.#tags,
      isCut: this.#isCut || this.#budget.left === 0,
    }
  }

  #head(): Omit<ExchangeSummary, 'steps'> {
    const end = this.#end
    const first = this.states.requestAt(0)
    const query = first?.query ?? ''
    return {
      id: this.id,
      number: this.number,
      startedAt: this.startedAt.toISOString(),
      server: this.server,
      pipeline: this.#pipeline,
      method: first?.method ?? '',
      host: this.host,
      target: `${first?.path ?? ''}${query === '' ? '' : `?${query}`}`,
      state: end === null ? 'running' : end.isComplete ? 'done' : 'broken',
      status: end?.status ?? 0,
      durationMs: end === null ? null : round(end.durationMs),
      replayOf: this.replayOf,
    }
  }

  #lastStepOf(filter: string, pipeline?: string): Step | undefined {
    return this.steps.findLast(
      ({ source }) =>
        source.filter === filter && (pipeline === undefined || source.pipeline === pipeline),
    )
  }
}

function summarize(step: Step): StepSummary {
  return {
    label: step.source.label,
    kind: step.source.kind,
    phase: step.phase,
    isOwed: step.isOwed,
    durationMs: step.durationMs === null ? null : round(step.durationMs),
    result: step.result,
    hasChanged: step.hasChanged,
    hasAnswered: step.responseBefore === NO_STATE && step.responseAfter !== NO_STATE,
    hasFailed: step.failure !== null,
  }
}

function unnamed(pipeline: string): StepSource {
  return {
    pipeline,
    filter: '',
    label: '(owed phase)',
    kind: '',
    plugin: null,
    files: [],
    folder: null,
  }
}

/** To microseconds. */
function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000
}
