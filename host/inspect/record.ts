/** The shape of what the inspector shows: plain JSON data, shared with the page in host/dashboard. */

/** Bytes of one body as far as they were kept. */
export interface BodyRecord {
  /** All bytes that were seen, kept or not. */
  readonly size: number
  /** The kept bytes as text; null when they are no UTF-8 text. */
  readonly text: string | null
  /** The kept bytes in base64 when they are no text. */
  readonly base64: string | null
  /** The kept bytes are not all that were seen. */
  readonly isCut: boolean
  /** The last byte was seen. False: nobody read it to its end. */
  readonly isComplete: boolean
}

/** A request at one moment. */
export interface RequestState {
  readonly method: string
  readonly path: string
  readonly query: string
  /** `[name, value, name, value, …]` in the order and case of the message. */
  readonly headers: readonly string[]
  readonly body: BodyRecord
}

/** A response at one moment. */
export interface ResponseState {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: BodyRecord
}

/** One line of source around the place of a failure. */
export interface SourceLine {
  readonly number: number
  readonly text: string
}

/** Why a step failed. */
export interface FailureRecord {
  readonly message: string
  /** The place to blame, as in `places`; null when it is unknown. */
  readonly at: string | null
  /** `index.ts:21:9 in Filter#onRequest`, innermost first; empty when nothing is known. */
  readonly places: readonly string[]
  /** The lines around the place to blame; null when the source is not at hand. */
  readonly source: {
    readonly file: string
    readonly line: number
    /** From 1; 0 when unknown. */
    readonly column: number
    readonly lines: readonly SourceLine[]
  } | null
}

export interface LogRecord {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
}

/** One call of one filter. */
export interface StepRecord {
  readonly index: number
  readonly pipeline: string
  /** The filter's name in its pipeline. */
  readonly filter: string
  /** The alias in the flow, or the name. */
  readonly label: string
  readonly kind: string
  /** `response` when there was a response already. */
  readonly phase: 'request' | 'response'
  /** A response phase that ran when the flow had ended, rather than at its place in the flow. */
  readonly isOwed: boolean
  /** Milliseconds from the start of the exchange. */
  readonly startMs: number
  /** Null while it runs. */
  readonly durationMs: number | null
  /** The named result; null to go on. */
  readonly result: string | null
  /** Before and after, as indices of `ExchangeRecord.requests`. */
  readonly request: readonly [number, number]
  /** Before and after, as indices of `ExchangeRecord.responses`; -1 for no response. */
  readonly response: readonly [number, number]
  /** The version of the plugin, for a step that is one. */
  readonly plugin: string | null
  readonly logs: readonly LogRecord[]
  readonly failure: FailureRecord | null
  /** Can be made into a test. */
  readonly isTestable: boolean
}

/** What a list shows of a step. */
export interface StepSummary {
  readonly label: string
  readonly kind: string
  readonly phase: 'request' | 'response'
  readonly isOwed: boolean
  readonly durationMs: number | null
  readonly result: string | null
  /** Something that was there before. */
  readonly hasChanged: boolean
  /** It made the response. */
  readonly hasAnswered: boolean
  readonly hasFailed: boolean
}

/** What a list shows of an exchange. */
export interface ExchangeSummary {
  readonly id: string
  /** Counts exchanges from 1: later is larger. */
  readonly number: number
  /** ISO 8601. */
  readonly startedAt: string
  readonly server: string
  readonly pipeline: string
  readonly method: string
  readonly host: string
  /** Path and query as they were received. */
  readonly target: string
  readonly state: 'running' | 'done' | 'broken'
  /** 0 while there is none. */
  readonly status: number
  /** Null while it runs. */
  readonly durationMs: number | null
  readonly steps: readonly StepSummary[]
  /** The exchange this one repeats. */
  readonly replayOf: string | null
}

/** Everything that is known about one exchange. */
export interface ExchangeRecord extends Omit<ExchangeSummary, 'steps'> {
  readonly scheme: 'http' | 'https'
  readonly httpVersion: string
  readonly remoteAddress: string
  /** The request's states; the first is what was received. */
  readonly requests: readonly RequestState[]
  readonly responses: readonly ResponseState[]
  readonly steps: readonly StepRecord[]
  /** Index of the response the client got; -1 while there is none. */
  readonly finalResponse: number
  /** Body bytes that were sent to the client. */
  readonly sentBytes: number
  readonly tags: readonly string[]
  /** Steps, bodies or log lines past the limits were left out. */
  readonly isCut: boolean
}

/** Something that happened to the plugins rather than to a request: a build, a swap. */
export interface Notice {
  readonly kind: 'live' | 'failed'
  readonly at: string
  /** Plain text of one or more lines. */
  readonly text: string
}

/** What those who look on are sent. */
export type LiveEvent =
  | {
      readonly type: 'start'
      readonly exchanges: readonly ExchangeSummary[]
      readonly notices: readonly Notice[]
    }
  | { readonly type: 'exchanges'; readonly exchanges: readonly ExchangeSummary[] }
  | { readonly type: 'notice'; readonly notice: Notice }
  | { readonly type: 'cleared' }
