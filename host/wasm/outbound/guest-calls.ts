import type { GuestCall } from '../guest-call.ts'
import { Errno } from '../limits.ts'
import type { GuestAnswer, GuestAsk } from './guest-ask.ts'
import { refusal } from './guest-ask.ts'
import { OUTBOUND_LIMITS } from './outbound-limits.ts'

/** How far a guest came: it returned `value`, or it waits for the answer to `ask`. */
export interface GuestStep {
  readonly ask: GuestAsk | null
  readonly value: number
}

interface Waiter {
  readonly resolve: (step: GuestStep) => void
  readonly reject: (error: unknown) => void
}

/**
 * The calls one instance waits for. A host call that asks suspends the guest's stack (JSPI); whoever runs
 * the instance sees a step that is not the last, has the call made, and goes on with the answer. One call
 * at a time: an instance that waits is never entered.
 */
export class GuestCalls {
  /** The answer that came last. */
  answer: GuestAnswer = refusal(Errno.absent, '')
  readonly #call: GuestCall
  #waiter: Waiter | null = null
  #wake: ((code: number) => void) | null = null
  #countedFor = -1
  #count = 0

  constructor(call: GuestCall) {
    this.#call = call
  }

  /** True while the running phase may make one more call. */
  take(): boolean {
    const { serial } = this.#call
    if (this.#countedFor !== serial) {
      this.#countedFor = serial
      this.#count = 0
    }
    this.#count += 1
    return this.#count <= OUTBOUND_LIMITS.callsPerPhase
  }

  /** For a host call: what the guest gets when it goes on. */
  ask(ask: GuestAsk): Promise<number> {
    const suspended = new Promise<number>((resolve) => {
      this.#wake = resolve
    })
    this.#waiter?.resolve({ ask, value: 0 })
    return suspended
  }

  /** Runs the guest to its first step. */
  begin(run: () => number | Promise<number>): Promise<GuestStep> {
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
      Promise.resolve(run()).then(
        (value) => this.#waiter?.resolve({ ask: null, value }),
        (error: unknown) => this.#waiter?.reject(error),
      )
    })
  }

  /** Lets the guest go on, to its next step. */
  resume(answer: GuestAnswer): Promise<GuestStep> {
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject }
      this.answer = answer
      const wake = this.#wake
      this.#wake = null
      wake?.(answer.code)
    })
  }
}
