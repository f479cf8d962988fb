/** What a host call answers when it refuses; see sdk/ABI.md. */
export const Errno = {
  absent: -1,
  invalid: -2,
  denied: -3,
  tooLarge: -4,
  wrongPhase: -5,
  unavailable: -6,
  timedOut: -7,
  failed: -8,
} as const

/** What one guest call may write. Checked before the host makes a string or a buffer of it. */
export const GUEST_LIMITS = {
  /** Header names an instance may intern. */
  headerNames: 256,
  /** Bytes of one header name. */
  headerNameBytes: 256,
  /** Fields a message may have after a guest added some. */
  headers: 128,
  /** Bytes of one header value. */
  headerValueBytes: 32 * 1024,
  /** Bytes of all header names and values one call writes. */
  headerBytes: 64 * 1024,
  /** Bytes of a path or a query. */
  targetBytes: 8 * 1024,
  /** Bytes of a body a guest writes. */
  bodyBytes: 4 * 1024 * 1024,
  /** Characters of all parameters of a filter, names included. */
  parameters: 1024 * 1024,
  /** Keys of per-request data. */
  contextKeys: 64,
  contextKeyBytes: 256,
  /** Bytes of per-request data one call writes. */
  contextBytes: 64 * 1024,
  /** Bytes of a log message; longer ones are cut. */
  logBytes: 8 * 1024,
  /** Log messages of one call; further ones are dropped. */
  logLines: 100,
  /** Log messages of one filter in a second; further ones are dropped, which is said once. */
  logLinesPerSecond: 500,
  /** Tags of one call. */
  tags: 32,
  /** Bytes of one tag. */
  tagBytes: 256,
  /** Operations on key-value data in one call. */
  dataOperations: 256,
  /** Different capabilities of one call whose denials are counted. */
  denials: 16,
  /** Random bytes of one host call. */
  randomBytes: 64 * 1024,
  /** Bytes of a token to verify. */
  tokenBytes: 16 * 1024,
  /** By how much clocks may differ, at most. */
  tokenLeewaySeconds: 86_400,
  /** Observations of histograms and gauges in one call; counters are summed up first. */
  metricRecords: 256,
} as const

/** Defaults of the fields of a WasmHost filter that bound its guests in time and number. */
export const WASM_DEFAULTS = {
  /** Running time of one guest call. */
  timeoutMs: 100,
  /** Time an item may wait for a thread. */
  queueTimeoutMs: 1_000,
  /** Items that may wait for one plugin version. */
  queueLength: 1_024,
  /** Running time of start and configure code together. */
  startTimeoutMs: 1_000,
  /** Running time of all calls of one filter in a second: one core's worth. */
  cpuPerSecondMs: 1_000,
  maxConcurrency: 10,
  /**
   * Fuel of one call, about one for each instruction. In a thread the clock is what ends a loop and this
   * is the second net; in the event loop it is the only one, so it is a tenth there: some 10 to 20 ms.
   */
  fuel: 200_000_000,
  inlineFuel: 20_000_000,
} as const
