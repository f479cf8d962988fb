import { reasonOf } from '../../errors.ts'
import type { Logger } from '../log.ts'

/** What became of the spans for one collector. Says in the log when it stops taking them, and when it does again. */
export class OutletCounts {
  exported = 0
  failed = 0
  /** There was no room in the queue, or no time left at the end. */
  dropped = 0
  /** Where the log goes: that of the generation that sends now. */
  log: Logger
  readonly #collector: string
  #isFailing = false

  constructor(collector: string, log: Logger) {
    this.#collector = collector
    this.log = log
  }

  /** The collector has taken so many spans. */
  taken(spans: number): void {
    this.exported += spans
    if (!this.#isFailing) return
    this.#isFailing = false
    this.log.info({ collector: this.#collector }, 'the collector takes spans again')
  }

  /** It has not. */
  refused(spans: number, error: unknown): void {
    this.failed += spans
    if (this.#isFailing) return
    this.#isFailing = true
    this.log.warn(
      { collector: this.#collector },
      `the collector does not take spans, they are dropped and counted: ${reasonOf(error)}`,
    )
  }
}
