/**
 * At most so many at once. Who comes when all places are taken is refused and does not wait: a queue in
 * front of something slow only makes everybody slow.
 *
 *     free ──acquire──▶ taken (≤ limit) ──release──▶ free
 *       └── none free: refused
 */
export class ConcurrencyLimit {
  readonly #limit: number
  #active = 0
  #refused = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Places taken now. */
  get active(): number {
    return this.#active
  }

  get refused(): number {
    return this.#refused
  }

  /** Takes a place; false when none is free. Each place is given back once with `release`. */
  acquire(): boolean {
    if (this.#active >= this.#limit) {
      this.#refused += 1
      return false
    }
    this.#active += 1
    return true
  }

  release(): void {
    this.#active -= 1
  }
}
