import { SOURCE_MAP_MAX_BYTES } from '../wasm/source-map.ts'

/** Bytes of a body with documents. */
export const MAX_DOCUMENT_BODY_BYTES = 16 * 1024 * 1024

/** Bytes of a source map that is pushed: what the gateway would read from a file. */
export const MAX_SOURCE_MAP_BODY_BYTES = SOURCE_MAP_MAX_BYTES

/** Bytes of a module that is pushed. */
export const MAX_MODULE_BODY_BYTES = 32 * 1024 * 1024

/** Bytes of a body that says what to do with a plugin, and why. */
export const MAX_REASON_BODY_BYTES = 16 * 1024

/** Levels of lists and objects inside one another in a JSON body; YAML has its own limit. */
export const MAX_BODY_DEPTH = 100

/** Wrong tokens an address may send in `FAILURE_WINDOW_MS` before it is told to wait. */
export const MAX_AUTH_FAILURES = 10
export const FAILURE_WINDOW_MS = 60_000

/** Addresses whose failures are remembered; past it the oldest are forgotten. */
export const MAX_FAILURE_ADDRESSES = 1_024

/** Open connections of the API. */
export const MAX_ADMIN_CONNECTIONS = 256

/** Time for a request head, for a whole request, and for the next one on an open connection. */
export const HEADER_TIMEOUT_MS = 5_000
export const REQUEST_TIMEOUT_MS = 60_000
export const KEEP_ALIVE_TIMEOUT_MS = 5_000

/** Bytes of a request head. */
export const MAX_HEADER_BYTES = 16 * 1024

/** How long a refused upload is read and thrown away, so that its sender sees the answer. */
export const LINGER_MS = 1_000

/** How long running requests get when the API closes. */
export const ADMIN_CLOSE_GRACE_MS = 2_000

/** Bytes of a body that the inspector is sent. */
export const MAX_INSPECT_BODY_BYTES = 1024
