import type { Clock } from '../../clock.ts'
import { readCloudflare } from './cloudflare.ts'
import { newSpanId, newTraceId } from './ids.ts'
import type { Propagation, TraceContext, TraceFields } from './propagation.ts'
import { RequestTrace } from './request-trace.ts'
import { isSampled } from './sampler.ts'
import { INTERNAL, SERVER, Span, type SpanLimits } from './span.ts'

/** Where spans go that have ended. */
export interface SpanOutlet {
  push(span: Span): void
  /** Sends what is left, without waiting long for a collector that does not answer. Never fails. */
  close(): Promise<void>
}

export interface TracerOptions {
  /** The share of traces that is kept, 0 to 1. */
  readonly sampleRate: number
  readonly propagation: Propagation
  readonly limits: SpanLimits
  readonly outlets: readonly SpanOutlet[]
  readonly clock: Clock
}

/** Begins the traces of requests and hands their spans to the outlets. */
export class Tracer {
  readonly propagation: Propagation
  readonly limits: SpanLimits
  /** Settles when the last span has gone out; null while the tracer is used. */
  closed: Promise<void> | null = null
  readonly #sampleRate: number
  readonly #outlets: readonly SpanOutlet[]
  readonly #clock: Clock
  #running = 0
  #onIdle: (() => void) | null = null

  constructor(options: TracerOptions) {
    this.propagation = options.propagation
    this.limits = options.limits
    this.#sampleRate = options.sampleRate
    this.#outlets = options.outlets
    this.#clock = options.clock
  }

  /** Begins the trace of a request; `finish` must follow when it is sampled. */
  begin(fields: TraceFields, name: string, startedAtMs: number): RequestTrace {
    const caller = this.propagation.read(fields)
    const traceId = caller === null ? newTraceId() : caller.traceId
    const epochMs = this.#clock.wallMs() - this.#clock.monotonicMs()
    const trace = new RequestTrace(this, traceId, caller !== null, newSpanId(), epochMs)
    if (!isSampled(traceId, this.#sampleRate)) return trace
    this.#running += 1
    trace.edge = edgeSpan(trace, fields, caller, startedAtMs)
    const parentId = trace.edge?.id ?? caller?.spanId ?? ''
    trace.server = new Span(trace, trace.spanId, parentId, SERVER, name, startedAtMs)
    return trace
  }

  /** The request of a sampled trace has ended. */
  finish(trace: RequestTrace, endedAtMs: number): void {
    trace.server?.end(endedAtMs)
    trace.edge?.end(endedAtMs)
    this.#running -= 1
    if (this.#running === 0) this.#onIdle?.()
  }

  /** A span has ended. */
  take(span: Span): void {
    for (const outlet of this.#outlets) outlet.push(span)
  }

  /** Waits for the requests that are under way, then sends what is left. `closed` says when it is done. */
  close(): void {
    const idle =
      this.#running === 0
        ? Promise.resolve()
        : new Promise<void>((resolve) => {
            this.#onIdle = resolve
          })
    this.closed = idle
      .then(() => Promise.all(this.#outlets.map((outlet) => outlet.close())))
      .then(() => undefined)
  }
}

/** The way from Cloudflare to here, as Easegress has it. */
function edgeSpan(
  trace: RequestTrace,
  fields: TraceFields,
  caller: TraceContext | null,
  startedAtMs: number,
): Span | null {
  const sent = readCloudflare(fields, trace.epochMs + startedAtMs)
  if (sent === null) return null
  const sentAtMs = sent.sentAtMs - trace.epochMs
  const span = new Span(trace, newSpanId(), caller?.spanId ?? '', INTERNAL, 'cloudflare', sentAtMs)
  span.set('cf.ray', sent.ray)
  return span
}
