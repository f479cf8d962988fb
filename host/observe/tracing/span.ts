import { newSpanId } from './ids.ts'
import type { RequestTrace } from './request-trace.ts'

/** What a span stands for. */
export type SpanKind = typeof INTERNAL | typeof SERVER | typeof CLIENT
/** Something done inside. */
export const INTERNAL = 1
/** A request that came in. The numbers are those of OTLP. */
export const SERVER = 2
/** A request that was sent. */
export const CLIENT = 3

/** What a span keeps at most; -1 is no limit. */
export interface SpanLimits {
  readonly attributeCount: number
  /** Characters of a text. */
  readonly attributeValueLength: number
}

/** One thing that was done for a request, with its time. Made for requests that are sampled only. */
export class Span {
  readonly trace: RequestTrace
  readonly id: string
  /** "" when nothing came before it. */
  readonly parentId: string
  readonly kind: SpanKind
  readonly name: string
  /** On the monotonic clock, as the end. */
  readonly startedAtMs: number
  endedAtMs = 0
  /** A flat list `[name, value, …]`. */
  readonly attributes: (string | number)[] = []
  droppedAttributes = 0
  /** Why it failed, "" for no particular reason; null when it did not. */
  error: string | null = null

  constructor(
    trace: RequestTrace,
    id: string,
    parentId: string,
    kind: SpanKind,
    name: string,
    startedAtMs: number,
  ) {
    this.trace = trace
    this.id = id
    this.parentId = parentId
    this.kind = kind
    this.name = name
    this.startedAtMs = startedAtMs
  }

  /** A span inside this one. */
  child(kind: SpanKind, name: string, startedAtMs: number): Span {
    return new Span(this.trace, newSpanId(), this.id, kind, name, startedAtMs)
  }

  /** Notes something, once for each name. What is over the limits is cut or left out. */
  set(name: string, value: string | number): void {
    const { attributeCount, attributeValueLength } = this.trace.tracer.limits
    if (attributeCount >= 0 && this.attributes.length >= attributeCount * 2) {
      this.droppedAttributes += 1
      return
    }
    const isLong =
      typeof value === 'string' && attributeValueLength >= 0 && value.length > attributeValueLength
    this.attributes.push(name, isLong ? value.slice(0, attributeValueLength) : value)
  }

  /** It is over, and goes out with the next batch. */
  end(endedAtMs: number): void {
    this.endedAtMs = endedAtMs
    this.trace.tracer.take(this)
  }
}
