/** Who waits for a `Late`. Neither throws. */
export interface LateWaiter<T> {
  onSettled(value: T): void
  onFailed(error: unknown): void
}

/** Something that comes later. */
export type Pending<T> = Promise<T> | Late<T>

const PENDING = 0
const SETTLED = 1
const FAILED = 2

/**
 * A value that comes later, for one who waits for it: what a promise would be, without its garbage. A promise with
 * what makes it and who waits for it costs 300 bytes at each step of the way of a request, one that is kept by
 * another one more; this is an object that is there anyway, which extends it.
 *
 * Whoever waits is called at once when the value is here, and runs within that call. So it is settled where
 * nothing is under way: in a phase of the turn, not in the middle of reading a message.
 */
export class Late<T> {
  #waiter: LateWaiter<T> | null = null
  #state = PENDING
  /** The value or the error, when it came before somebody waited. */
  #outcome: unknown = undefined

  /** Tells `waiter` when the value is here; at once when it is. Called once. */
  wait(waiter: LateWaiter<T>): void {
    this.#waiter = waiter
    if (this.#state === SETTLED) waiter.onSettled(this.#outcome as T)
    else if (this.#state === FAILED) waiter.onFailed(this.#outcome)
  }

  /** As a promise, for whoever waits for more than this. Called once, instead of `wait`. */
  promise(): Promise<T> {
    return new Promise((resolve, reject) => this.wait({ onSettled: resolve, onFailed: reject }))
  }

  /** The value is here. This or `fail` is called, once. */
  protected settle(value: T): void {
    if (this.#waiter !== null) {
      this.#waiter.onSettled(value)
      return
    }
    this.#state = SETTLED
    this.#outcome = value
  }

  /** There will be no value. */
  protected fail(error: unknown): void {
    if (this.#waiter !== null) {
      this.#waiter.onFailed(error)
      return
    }
    this.#state = FAILED
    this.#outcome = error
  }
}

/** The same with a promise in place of a `Late`. */
export function promised<T>(value: T | Pending<T>): T | Promise<T> {
  return value instanceof Late ? value.promise() : value
}
