import type { ServerOptions } from 'node:http2'
import type { FullLimits } from '../full-limits.ts'

/** Requests a client may have under way on one connection. */
export const MAX_STREAMS = 100

/** Streams a client may reset at once, and for each second after that (CVE-2023-44487). */
export const RESET_BURST = 200
export const RESET_RATE = 20

/** Mebibytes Node holds for one connection: header lists, what was not read and what was not taken. */
export const MAX_SESSION_MEMORY = 4

/** Fields a head may have before Node resets its stream; `RequestFields` counts exactly, and answers. */
const FIELD_FACTOR = 2

/** How Node's HTTP/2 treats a client. */
export function sessionOptions(limits: FullLimits): ServerOptions {
  return {
    settings: {
      maxConcurrentStreams: MAX_STREAMS,
      maxHeaderListSize: limits.maxHeaderBytes,
      enableConnectProtocol: false,
    },
    maxHeaderListPairs: limits.maxHeaderCount * FIELD_FACTOR,
    maxOutstandingPings: 5,
    maxSessionInvalidFrames: 100,
    maxSessionMemory: MAX_SESSION_MEMORY,
    maxSessionRejectedStreams: 50,
    maxSettings: 16,
    streamResetBurst: RESET_BURST,
    streamResetRate: RESET_RATE,
    // Node would drop such a field and say nothing; handed over, it is refused by `RequestFields`.
    strictFieldWhitespaceValidation: false,
    // An upstream may repeat what should stand once; that is between it and the client.
    strictSingleValueFields: false,
  }
}
