/** There is no such value. */
export const ABSENT: i32 = -1
/** Against the HTTP grammar, or empty where a name is needed. */
export const INVALID: i32 = -2
/** Not granted, or owned by the host. */
export const DENIED: i32 = -3
/** Past a limit. */
export const TOO_LARGE: i32 = -4
/** The message does not exist in this phase, or can no longer be changed. */
export const WRONG_PHASE: i32 = -5
/** It could not be reached; nothing was done. */
export const UNAVAILABLE: i32 = -6
/** No answer in time; whether the other side has done something is not known. */
export const TIMED_OUT: i32 = -7
/** A function of the embedding program failed. */
export const FAILED: i32 = -8

/**
 * Ends the call with the reason for which the host refused `what`. A refusal is a mistake in the filter
 * or a value that must not travel on, so the request fails (`wasmError`) and nothing is applied.
 */
export function refused(code: i32, what: string): void {
  if (code == INVALID) throw new Error(`${what}: against the HTTP grammar`)
  if (code == DENIED) throw new Error(`${what}: not granted, or it belongs to the host`)
  if (code == TOO_LARGE) throw new Error(`${what}: past a limit`)
  if (code == UNAVAILABLE) throw new Error(`${what}: no answer in time`)
  if (code == TIMED_OUT) throw new Error(`${what}: no answer in time`)
  if (code == FAILED) throw new Error(`${what}: it failed`)
  if (code == WRONG_PHASE) throw new Error(`${what}: not possible in this phase`)
  throw new Error(`${what}: the host answered ${code}`)
}
