import { GatewayError, reasonOf } from '../errors.ts'
import type { ChangeLog } from './change-log.ts'
import type { GuestOutcome } from './executor.ts'
import type { GuestFrame } from './guest-frames.ts'

/** The outcome of a call that returned `value`. `changes` is handed over. */
export function outcomeOf(
  value: number,
  hasReplied: boolean,
  changes: ChangeLog | null,
  runMs: number,
): GuestOutcome {
  if (hasReplied) return { kind: 'replied', result: 0, changes, failure: null, frames: null, runMs }
  if (value === 0) return { kind: 'next', result: 0, changes, failure: null, frames: null, runMs }
  if (value > 0)
    return { kind: 'result', result: value, changes, failure: null, frames: null, runMs }
  return failedOutcome(new GatewayError('GUEST_RESULT', { value }), runMs)
}

export function failedOutcome(
  failure: GatewayError,
  runMs = 0,
  frames: readonly GuestFrame[] | null = null,
): GuestOutcome {
  return { kind: 'failed', result: 0, changes: null, failure, frames, runMs }
}

/** What a guest threw, as an error of ours. */
export function trapOf(error: unknown): GatewayError {
  return new GatewayError('GUEST_TRAPPED', { reason: reasonOf(error) }, error)
}
