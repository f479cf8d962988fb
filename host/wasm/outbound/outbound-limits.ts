/** What bounds the calls a guest waits for: outbound HTTP and functions of the embedder. */
export const OUTBOUND_LIMITS = {
  /** Calls of one phase of one request; they run one after another. */
  callsPerPhase: 16,
  /** Calls of one filter that wait for their answer at the same time. */
  inFlight: 256,
  /** Bytes of method, URL and header fields of a request. */
  headBytes: 16 * 1024,
  /** Header fields of a request. */
  headers: 64,
  /** Bytes of the header fields of an answer. */
  answerHeadBytes: 16 * 1024,
  /** Bytes of the body of a request. */
  bodyBytes: 1024 * 1024,
  /** Bytes of the body of an answer. */
  answerBytes: 1024 * 1024,
  /** Time of a call when the guest names none, from the first look-up to the last byte. */
  timeoutMs: 5_000,
  /** The longest time a guest can name. */
  maxTimeoutMs: 30_000,
  /** Time to connect. */
  connectTimeoutMs: 5_000,
  /** Connections to one host. */
  connections: 128,
  /** How long a connection nobody uses is kept. */
  keepAliveMs: 10_000,
} as const

/** Fuel of one call beside its bytes: the event loop has some 100 us of work with it. */
export const CALL_FUEL = 20_000
