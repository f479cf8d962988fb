import type { Clock } from '../../host/clock.ts'

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #nowMs = 1_000_000

  monotonicMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  advance(ms: number): void {
    this.#nowMs += ms
  }
}
