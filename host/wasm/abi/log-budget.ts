import type { GuestCall } from '../guest-call.ts'
import { GUEST_LIMITS } from '../limits.ts'

/** Counts the log lines of each call. */
export class LogBudget {
  readonly #call: GuestCall
  #countedFor = -1
  #lines = 0

  constructor(call: GuestCall) {
    this.#call = call
  }

  /** True while the running call may log one more line. */
  take(): boolean {
    const { serial } = this.#call
    if (this.#countedFor !== serial) {
      this.#countedFor = serial
      this.#lines = 0
    }
    this.#lines += 1
    return this.#lines <= GUEST_LIMITS.logLines
  }
}
