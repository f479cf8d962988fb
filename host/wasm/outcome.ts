import { GatewayError, reasonOf } from '../errors.ts'
import type { ChangeLog } from './change-log.ts'
import { type GuestOutcome, NOT_MEASURED, type NotedWrites } from './executor.ts'
import type { GuestFrame } from './guest-frames.ts'

/** The outcome of a call that returned `value`. `changes` is handed over. */
export function outcomeOf(
  value: number,
  hasReplied: boolean,
  changes: ChangeLog | null,
  runMs: number,
  queueMs = 0,
  fuel = NOT_MEASURED,
  noted: NotedWrites | null = null,
): GuestOutcome {
  if (value < 0 && !hasReplied) {
    return failedOutcome(new GatewayError('GUEST_RESULT', { value }), runMs, null, queueMs)
  }
  return {
    kind: hasReplied ? 'replied' : value === 0 ? 'next' : 'result',
    result: hasReplied ? 0 : value,
    changes,
    noted,
    failure: null,
    frames: null,
    runMs,
    queueMs,
    fuel,
  }
}

/** Results that any guest can give, whether or not it has names for them: `wasmResult1` to `wasmResult9`. */
const PLAIN_RESULTS = 9

/** `outcome`, or a failure in its place when its result leads nowhere. So many results of the guest have `names`. */
export function knownOutcome(outcome: GuestOutcome, names: number): GuestOutcome {
  const { result, runMs, queueMs } = outcome
  if (result <= PLAIN_RESULTS || result <= names) return outcome
  return failedOutcome(new GatewayError('GUEST_RESULT', { value: result }), runMs, null, queueMs)
}

export function failedOutcome(
  failure: GatewayError,
  runMs = 0,
  frames: readonly GuestFrame[] | null = null,
  queueMs = 0,
): GuestOutcome {
  return {
    kind: 'failed',
    result: 0,
    changes: null,
    noted: null,
    failure,
    frames,
    runMs,
    queueMs,
    fuel: NOT_MEASURED,
  }
}

/** What a guest threw, as an error of ours. */
export function trapOf(error: unknown): GatewayError {
  return new GatewayError('GUEST_TRAPPED', { reason: reasonOf(error) }, error)
}
