/** How long one test, or one hook, may take, unless its suite says otherwise. */
export const TEST_TIMEOUT_MS = 60_000

/** How long a test process may live after its last test: past it, what is still open is a failure. */
export const OPEN_HANDLE_GRACE_MS = 5_000

/** How long one test file may take. */
export const FILE_TIMEOUT_MS = 10 * 60_000

/** Test files that run at a time; a machine for continuous integration has two cores. */
export const PARALLEL_FILES = 2
