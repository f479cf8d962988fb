import { monotonicMs } from '../clock.ts'
import type { RequestTrace } from '../observe/tracing/request-trace.ts'
import { INTERNAL, type Span } from '../observe/tracing/span.ts'
import { NamespaceScope } from './namespace-scope.ts'
import type { Request } from './request.ts'
import { Response } from './response.ts'

/** The namespace a flow starts in, and the one whose response goes to the client. */
export const DEFAULT_NAMESPACE = 'DEFAULT'

/** What a filter works on: one request, its response once there is one, and the exchange they belong to. */
export interface MessageScope {
  readonly namespace: string
  request: Request
  response: Response | null
  readonly exchange: Exchange
  /** The step that works on it now; null when the request is not traced. */
  span: Span | null
}

/**
 * A phase that a filter owes: it runs when the flow has ended, last owed first, while the response can
 * still be changed. It never jumps and never throws.
 */
export interface OwedPhase {
  /** The filter that owes it, by its name in its pipeline: for whoever looks on. */
  readonly filter?: string
  run(exchange: Exchange): void | Promise<void>
}

/** What an exchange holds on to: a generation while its phases run, a place in a limit until its last byte. */
export interface Releasable {
  release(): void
}

/** Looks on while an exchange is handled, when somebody wants to see it; nothing depends on it. */
export interface ExchangeObserver {
  /** Runs a phase that is owed, and returns what it returned. */
  runOwed(exchange: Exchange, phase: OwedPhase): void | Promise<void>
  /** A plugin failed: why, the place in its sources to blame, and its stack, innermost first. */
  pluginFailed(filter: string, reason: string, at: string | null, places: readonly string[]): void
}

/** How an exchange ended, for the access log and `onDone`. */
export interface ExchangeEnd {
  readonly status: number
  readonly durationMs: number
  /** Body bytes sent to the client. */
  readonly sentBytes: number
  /** False when the client left or the answer broke off. */
  readonly isComplete: boolean
}

/**
 * One request with its response-to-be. Made once per request with every field set, so that its shape
 * never changes. It is the message scope of the namespace DEFAULT itself.
 */
export class Exchange implements MessageScope {
  request: Request
  response: Response | null = null
  readonly exchange: Exchange = this
  span: Span | null = null
  /** Milliseconds on the monotonic clock. */
  readonly startedAtMs: number
  /** The HTTPServer this came in through. */
  readonly server: string
  /** The name of the pipeline the router chose; "" before. */
  pipeline = ''
  /** The `pathPrefix` of the route the router chose; "" when it has none. */
  routePrefix = ''
  /** What filters did, for the access log; null when nothing was noted. */
  tags: string[] | null = null
  /** The status of the answer when the flow ends without a response. */
  failureStatus = 503
  /** True once the client is gone: nothing more can be sent. */
  isAborted = false
  /** Per-request data of plugins: see the guest contract. Null until the first put. */
  data: Map<string, Buffer> | null = null
  /** Values of templates, `.data.<name>`; null until the first is put. */
  values: Map<string, unknown> | null = null
  /** True when steps note how long they take: the access log is on. */
  isTimed = false
  /** The trace it belongs to; null when its server does not trace. */
  trace: RequestTrace | null = null
  /** Null unless exchanges are recorded. */
  observer: ExchangeObserver | null = null
  #scopes: Map<string, NamespaceScope> | null = null
  #id: string | null = null
  #owed: OwedPhase[] | null = null
  #held: Releasable[] | null = null
  #generations: Releasable[] | null = null
  #hasLatePhase = false
  #onAbort: (() => void)[] | null = null
  #onDone: ((end: ExchangeEnd) => void)[] | null = null
  #pending: Promise<void> | null = null

  constructor(request: Request, server: string, startedAtMs: number) {
    this.request = request
    this.server = server
    this.startedAtMs = startedAtMs
  }

  /** The request id: made when somebody asks, so that a request that nobody talks about costs nothing. */
  get id(): string {
    this.#id ??= nextRequestId()
    return this.#id
  }

  get namespace(): string {
    return DEFAULT_NAMESPACE
  }

  /** The request and response of a namespace; one beside DEFAULT is made when it is first used. */
  scope(namespace: string): MessageScope {
    if (namespace === DEFAULT_NAMESPACE) return this
    this.#scopes ??= new Map()
    const known = this.#scopes.get(namespace)
    if (known !== undefined) return known
    const made = new NamespaceScope(namespace, this)
    this.#scopes.set(namespace, made)
    return made
  }

  /** The namespaces beside DEFAULT that have been used; null when there are none. */
  get scopes(): ReadonlyMap<string, NamespaceScope> | null {
    return this.#scopes
  }

  /** Puts a value where templates find it. */
  putValue(name: string, value: unknown): void {
    this.values ??= new Map()
    this.values.set(name, value)
  }

  /** Answers from here instead of from an upstream. */
  reply(status: number, text: string): Response {
    const response = Response.text(status, text)
    this.response = response
    return response
  }

  tag(text: string): void {
    if (this.tags === null) this.tags = [text]
    else this.tags.push(text)
  }

  owe(phase: OwedPhase): void {
    if (this.#owed === null) this.#owed = [phase]
    else this.#owed.push(phase)
  }

  get owesPhases(): boolean {
    return this.#owed !== null && this.#owed.length > 0
  }

  /** Runs what is owed, last first; synchronous until a phase returns a promise. */
  runOwed(): void | Promise<void> {
    const owed = this.#owed
    if (owed === null) return
    const parent = this.trace === null ? null : this.trace.server
    for (let phase = owed.pop(); phase !== undefined; phase = owed.pop()) {
      if (parent !== null) {
        this.span = parent.child(INTERNAL, `${phase.filter ?? 'plugin'} response`, monotonicMs())
      }
      const pending = this.observer === null ? phase.run(this) : this.observer.runOwed(this, phase)
      if (pending !== undefined) {
        return pending.then(() => {
          if (parent !== null) this.#endSpan()
          return this.runOwed()
        })
      }
      if (parent !== null) this.#endSpan()
    }
  }

  #endSpan(): void {
    this.span?.end(monotonicMs())
    this.span = null
  }

  /** Keeps `held` alive until this exchange has ended. */
  hold(held: Releasable): void {
    if (this.#held === null) this.#held = [held]
    else this.#held.push(held)
  }

  /** Keeps the generation that runs phases of it alive until `endPhases`. */
  holdGeneration(generation: Releasable): void {
    if (this.#generations === null) this.#generations = [generation]
    else this.#generations.push(generation)
  }

  /** A phase comes after the last byte: then the generations are needed as long as the exchange lasts. */
  expectLatePhase(): void {
    this.#hasLatePhase = true
  }

  /**
   * Every phase has run, the owed ones included: what is still to be sent needs no generation, so that a
   * download of an hour keeps no old one alive.
   */
  endPhases(): void {
    const generations = this.#generations
    if (generations === null || this.#hasLatePhase) return
    this.#generations = null
    releaseAll(generations)
  }

  /** Runs `listener` if the client leaves before the exchange ended. */
  onAbort(listener: () => void): void {
    if (this.isAborted) listener()
    else if (this.#onAbort === null) this.#onAbort = [listener]
    else this.#onAbort.push(listener)
  }

  onDone(listener: (end: ExchangeEnd) => void): void {
    if (this.#onDone === null) this.#onDone = [listener]
    else this.#onDone.push(listener)
  }

  /** The engine: the client is gone. */
  abort(): void {
    if (this.isAborted) return
    this.isAborted = true
    const listeners = this.#onAbort
    this.#onAbort = null
    if (listeners !== null) for (const listener of listeners) listener()
  }

  /** Called by an `onDone` listener: what this exchange holds is kept until `work` has settled too. */
  holdUntil(work: Promise<void>): void {
    const released = work.then(
      () => undefined,
      () => undefined,
    )
    this.#pending = this.#pending === null ? released : this.#pending.then(() => released)
  }

  /** The engine: the last byte was written, or never will be. Idempotent. */
  finish(end: ExchangeEnd): void {
    const done = this.#onDone
    const held = this.#held
    const generations = this.#generations
    this.#onDone = null
    this.#held = null
    this.#generations = null
    this.#onAbort = null
    if (done !== null) for (const listener of done) listener(end)
    if (this.#scopes !== null) for (const scope of this.#scopes.values()) scope.discard()
    if (held === null && generations === null) return
    if (this.#pending === null) {
      releaseAll(held)
      releaseAll(generations)
      return
    }
    void this.#pending.then(() => {
      releaseAll(held)
      releaseAll(generations)
    })
  }
}

function releaseAll(held: readonly Releasable[] | null): void {
  if (held !== null) for (const one of held) one.release()
}

/** So many ids have one prefix. */
const MAX_IDS = 0x1000000

/** The last two digits of an id. */
const HEX = Array.from({ length: 0x100 }, (_, i) => i.toString(16).padStart(2, '0'))

let idPrefix = ''
let idCount = MAX_IDS
/** The prefix and all digits but the last two. */
let idStart = ''

/** Unique within a process and unlikely to meet another's: a random prefix and a counter. */
function nextRequestId(): string {
  if (idCount === MAX_IDS) {
    idPrefix = Math.random().toString(36).slice(2, 10).padEnd(8, '0')
    idCount = 0
  }
  const last = idCount & 0xff
  if (last === 0) idStart = `${idPrefix}-${(idCount >> 8).toString(16).padStart(4, '0')}`
  idCount += 1
  return idStart + HEX[last]
}
