/** Exchanges that are kept; past it the oldest go. */
export const MAX_EXCHANGES = 200

/** Bytes of bodies, header fields and log lines that all kept exchanges may hold together. */
export const MAX_RECORDED_BYTES = 64 * 1024 * 1024

/** The same for one exchange: past it bodies are recorded without their bytes. */
export const MAX_EXCHANGE_BYTES = 1024 * 1024

/** Bytes of each body that are kept, from its start. */
export const MAX_BODY_BYTES = 64 * 1024

/** How long a small request body that is on its way may hold up its request, in milliseconds. */
export const BODY_ARRIVAL_MS = 25

/** Steps of one exchange: every call of a filter is one. */
export const MAX_STEPS = 256

/** Log lines of one exchange, and characters of each. */
export const MAX_LOG_LINES = 200
export const MAX_LOG_LINE_LENGTH = 4_096

/** How long changes are gathered before those who look on are told, in milliseconds. */
export const LIVE_INTERVAL_MS = 50

/** Those who look on at a time. */
export const MAX_WATCHERS = 16

/** Unsent bytes of one who looks on; past it the connection is cut, and the page asks again. */
export const MAX_WATCHER_BYTES = 4 * 1024 * 1024

/** How often a connection without news gets a comment, so that both ends notice when it is dead. */
export const HEARTBEAT_MS = 15_000

/** Notices that are kept for a page that comes later. */
export const MAX_NOTICES = 20

/** How long a replayed request may take. */
export const REPLAY_TIMEOUT_MS = 30_000

/** Lines of source shown before and after the one that failed. */
export const FRAME_CONTEXT_LINES = 4
