import { FUEL_EXPORT } from '../module/gate-names.ts'
import { FUEL } from './modules.ts'

const module = new WebAssembly.Module(Buffer.from(FUEL, 'base64'))

/** The fuel for the instructions of one guest, in the global that the gate wrote into it. */
export class GuestFuel {
  readonly #budget: number
  readonly #fill: (fuel: number) => void
  readonly #left: () => number

  private constructor(fuel: WebAssembly.ExportValue, budget: number) {
    const { exports } = new WebAssembly.Instance(module, { guest: { [FUEL_EXPORT]: fuel } })
    this.#budget = budget
    this.#fill = exports['fill'] as unknown as (fuel: number) => void
    this.#left = exports['left'] as unknown as () => number
  }

  /** `budget` for each call; null for a module that did not pass the gate (tests only). */
  static of(exports: WebAssembly.Exports, budget: number): GuestFuel | null {
    const fuel = exports[FUEL_EXPORT]
    return fuel === undefined ? null : new GuestFuel(fuel, budget)
  }

  /** Fills it for a call. */
  fill(): void {
    this.#fill(this.#budget)
  }

  /** Has the guest run out of it? */
  get isDry(): boolean {
    return this.#left() < 0
  }

  /** What was used since it was filled. */
  get used(): number {
    return this.#budget - this.#left()
  }
}
