import type { Exchange, ExchangeEnd, MessageScope } from '../exchange/exchange.ts'
import type { RolloutMeter } from '../wasm/rollout/rollout-meter.ts'
import type { TrialSplit } from './trial-split.ts'
import type { WasmFilter } from './wasm-filter.ts'

/**
 * One filter with two versions in it: the stable one, and one on trial that gets a share of the clients. A
 * request stays with the version it met first, whatever happens to its headers or to the trial meanwhile.
 */
export class TrialFilter {
  readonly #stable: WasmFilter
  readonly #candidate: WasmFilter
  readonly #split: TrialSplit
  readonly #meter: RolloutMeter
  /** What each exchange was given; only while there is a trial is this paid for. */
  readonly #given = new WeakMap<Exchange, WasmFilter>()
  // Two listeners for all exchanges: which version it was is all they have to know.
  readonly #stableEnded = ({ status }: ExchangeEnd): void => this.#meter.stable.ended(status)
  readonly #candidateEnded = ({ status }: ExchangeEnd): void => this.#meter.candidate.ended(status)

  constructor(stable: WasmFilter, candidate: WasmFilter, split: TrialSplit, meter: RolloutMeter) {
    this.#stable = stable
    this.#candidate = candidate
    this.#split = split
    this.#meter = meter
    meter.users += 1
    // Left alone because it fails too often, until the trial is taken back.
    candidate.fallBackTo(stable)
  }

  handle(scope: MessageScope): ReturnType<WasmFilter['handle']> {
    return (this.#given.get(scope.exchange) ?? this.#give(scope)).handle(scope)
  }

  status(): { readonly percent: number; readonly trial: unknown } {
    return { percent: this.#split.percent, trial: this.#candidate.status() }
  }

  async close(): Promise<void> {
    this.#meter.users -= 1
    await this.#candidate.close()
  }

  #give({ exchange, request }: MessageScope): WasmFilter {
    const isOnTrial = !this.#meter.isStopped && this.#split.isOnTrial(request)
    const filter = isOnTrial ? this.#candidate : this.#stable
    this.#given.set(exchange, filter)
    exchange.onDone(isOnTrial ? this.#candidateEnded : this.#stableEnded)
    return filter
  }
}
