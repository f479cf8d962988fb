/**
 * The clock a filter under test sees through `now()`. It follows the system's until it is set; from then
 * on it stands still and moves only when it is told to.
 */
export class FakeClock {
  #nowMs: number | null = null

  /** Milliseconds since 1970. */
  get nowMs(): number {
    return this.#nowMs ?? Date.now()
  }

  /** Stops the clock at a moment: a Date, milliseconds since 1970, or what `Date` reads, such as ISO 8601. */
  set(moment: Date | number | string): void {
    this.#nowMs = new Date(moment).getTime()
  }

  /** Moves the clock on and stops it there. */
  advance(ms: number): void {
    this.#nowMs = this.nowMs + ms
  }
}
