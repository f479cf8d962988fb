import { monotonicMs } from '../clock.ts'
import { GUEST_LIMITS } from './limits.ts'

/** What takes the place of the first line past the limit. */
const NOTICE = `more than ${GUEST_LIMITS.logLinesPerSecond} log lines in a second: the rest of them is left out`

/** 2, warn: the notice must be seen. */
const NOTICE_LEVEL = 2

/**
 * Lets so many lines a second pass, and says once in each second that it left some out. It stands on both
 * sides: in a thread, so that a guest cannot flood the way to the event loop, and in the event loop for all
 * threads together.
 */
export class LogRate {
  readonly #nowMs: () => number
  #secondStartMs = Number.NEGATIVE_INFINITY
  #lines = 0

  constructor(nowMs: () => number = monotonicMs) {
    this.#nowMs = nowMs
  }

  /** Hands the line to `log`, or the notice, or nothing. */
  pass(level: number, message: string, log: (level: number, message: string) => void): void {
    const now = this.#nowMs()
    if (now - this.#secondStartMs >= 1_000) {
      this.#secondStartMs = now
      this.#lines = 0
    }
    this.#lines += 1
    if (this.#lines <= GUEST_LIMITS.logLinesPerSecond) log(level, message)
    else if (this.#lines === GUEST_LIMITS.logLinesPerSecond + 1) log(NOTICE_LEVEL, NOTICE)
  }
}
