import { capacity, scratch } from './buffer.ts'
import { refused, WRONG_PHASE } from './host-error.ts'
import { field_get } from './penstock_v1.ts'

const END: i32 = 9

/**
 * How an exchange ended, for `onDone`; see `response.outcome`.
 *
 *     onDone(response: Response): void {
 *       const outcome = response.outcome
 *       if (!outcome.isComplete) log.info(`left after ${outcome.sentBytes} bytes`)
 *     }
 */
@final
export class Outcome {
  /** The status that was sent, 499 when the client left before. */
  readonly status: i32
  /** Milliseconds from the head of the request to the last byte. */
  readonly durationMs: f64
  /** Bytes of body that were sent. */
  readonly sentBytes: i64
  /** False when the client left or the answer broke off. */
  readonly isComplete: bool

  /** Made by the SDK: read `response.outcome`. */
  constructor(status: i32, durationMs: f64, sentBytes: i64, isComplete: bool) {
    this.status = status
    this.durationMs = durationMs
    this.sentBytes = sentBytes
    this.isComplete = isComplete
  }
}

/** Only in `onDone`: before, nothing has ended. */
export function readOutcome(): Outcome {
  const length = field_get(END, scratch, capacity)
  if (length < 0 || length > capacity) refused(WRONG_PHASE, 'the outcome')
  const parts = String.UTF8.decodeUnsafe(scratch, length).split(' ')
  return new Outcome(
    I32.parseInt(parts[0]),
    F64.parseFloat(parts[1]),
    I64.parseInt(parts[2]),
    parts[3] == '1',
  )
}
