import type { OutletCounts } from './outlet-counts.ts'
import type { Span } from './span.ts'
import type { SpanOutlet } from './tracer.ts'

export interface BatchLimits {
  /** Spans that wait at most; past it they are dropped. */
  readonly maxQueueSize: number
  /** How long a span waits for others. */
  readonly batchTimeoutMs: number
  /** How long a batch may take to be taken by the collector. */
  readonly exportTimeoutMs: number
  /** Spans sent at once. */
  readonly maxExportBatchSize: number
}

/** Sends spans to a collector. Fails when they have not been taken within `timeoutMs`. */
export interface SpanSender {
  send(spans: readonly Span[], timeoutMs: number): Promise<void>
  close(): void
}

/** Time that is left for the last batches when everything ends: nobody waits for a collector that is gone. */
export const LAST_BATCHES_MS = 2_000

/**
 * Keeps spans until there are enough for a batch, or the first has waited long enough, and sends one batch
 * after the other. Traffic never waits for it: what does not fit in the queue is dropped, and so is a batch
 * that the collector does not take.
 *
 *     push ──▶ queue ──▶ batch under way ──▶ sent
 *        └─ full: dropped          └──▶ failed
 */
export class SpanBatcher implements SpanOutlet {
  readonly #sender: SpanSender
  readonly #limits: BatchLimits
  readonly #counts: OutletCounts
  #queue: Span[] = []
  #timer: NodeJS.Timeout | null = null
  #sending: Promise<void> | null = null
  /** The time after which nothing is sent any more; null while it runs. */
  #endsAtMs: number | null = null

  constructor(sender: SpanSender, limits: BatchLimits, counts: OutletCounts) {
    this.#sender = sender
    this.#limits = limits
    this.#counts = counts
  }

  push(span: Span): void {
    const { maxQueueSize, maxExportBatchSize, batchTimeoutMs } = this.#limits
    if (this.#queue.length >= maxQueueSize || this.#endsAtMs !== null) {
      this.#counts.dropped += 1
      return
    }
    this.#queue.push(span)
    if (this.#queue.length >= Math.min(maxExportBatchSize, maxQueueSize)) this.#flush()
    else if (this.#timer === null && this.#sending === null) {
      this.#timer = setTimeout(() => this.#flush(), batchTimeoutMs)
      this.#timer.unref()
    }
  }

  async close(): Promise<void> {
    this.#endsAtMs = performance.now() + LAST_BATCHES_MS
    let timer: NodeJS.Timeout | undefined
    const isLate = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LAST_BATCHES_MS)
    })
    // A batch that is under way has a time limit that was meant for better days.
    await Promise.race([this.#drain(), isLate])
    clearTimeout(timer)
    this.#counts.dropped += this.#queue.length
    this.#queue = []
    this.#sender.close()
  }

  async #drain(): Promise<void> {
    while (this.#sending !== null || this.#queue.length > 0) {
      this.#flush()
      await this.#sending
    }
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#sending !== null || this.#queue.length === 0) return
    const batch = this.#queue.splice(0, this.#limits.maxExportBatchSize)
    this.#sending = this.#send(batch).then(() => {
      this.#sending = null
      // Those that came meanwhile have waited already.
      this.#flush()
    })
  }

  async #send(batch: readonly Span[]): Promise<void> {
    const { exportTimeoutMs } = this.#limits
    const leftMs = this.#endsAtMs === null ? exportTimeoutMs : this.#endsAtMs - performance.now()
    try {
      await this.#sender.send(batch, Math.max(1, Math.min(exportTimeoutMs, leftMs)))
      this.#counts.taken(batch.length)
    } catch (error) {
      this.#counts.refused(batch.length, error)
    }
  }
}
