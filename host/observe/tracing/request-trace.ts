import type { Span } from './span.ts'
import type { Tracer } from './tracer.ts'

/** What one exchange knows about its trace. */
export class RequestTrace {
  readonly tracer: Tracer
  /** 32 hex digits. */
  readonly id: string
  /** The span of the request itself, whether it is kept or not. */
  readonly spanId: string
  /** Milliseconds from the monotonic clock to the time since 1970, for all spans of the request. */
  readonly epochMs: number
  /** The span of the request itself; null when the trace is not sampled: then there are none at all. */
  server: Span | null = null
  /** The request on its way from Cloudflare; null when it did not come through it. */
  edge: Span | null = null

  /** The client has begun it. */
  readonly isContinued: boolean

  constructor(tracer: Tracer, id: string, isContinued: boolean, spanId: string, epochMs: number) {
    this.tracer = tracer
    this.isContinued = isContinued
    this.id = id
    this.spanId = spanId
    this.epochMs = epochMs
  }

  /** The value of the field that tells an upstream who asks: `span`, or the request as a whole. */
  fieldFor(span: Span | null): string {
    const from = span === null ? this.spanId : span.id
    return this.tracer.propagation.write(this.id, from, this.server !== null)
  }
}
