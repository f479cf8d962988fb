/** Who asks: the trace a request belongs to, and the span it was sent from. */
export interface TraceContext {
  /** 32 hex digits in lower case. */
  readonly traceId: string
  /** 16 hex digits in lower case. */
  readonly spanId: string
}

/** The header fields of a message, as much as is needed here. */
export interface TraceFields {
  /** All of them as they came, when nobody has looked yet: a search in it costs less than a list. */
  readonly lines: string | null
  get(name: string): string | undefined
  getAll(name: string): string[]
}

/** How a trace travels in header fields. */
export interface Propagation {
  /** The field that is written. */
  readonly field: string
  /** A field that is void without a trace; null when there is none. */
  readonly companion: string | null
  /** Finds every line (CRLF included) of a field that `write` replaces. */
  readonly replaced: RegExp
  /** Is this the name of a field that `write` replaces? */
  isReplaced(name: string): boolean
  /** Null when the fields name no trace, or one that is not valid. */
  read(fields: TraceFields): TraceContext | null
  write(traceId: string, spanId: string, isSampled: boolean): string
}

/** A trace and a span must not be all zeros (W3C Trace Context, sections 3.2.2.3 and 3.2.2.4). */
export function isZero(hex: string): boolean {
  return /^0+$/.test(hex)
}
