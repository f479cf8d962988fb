import type { Logger } from '../log.ts'
import type { MetricFamily } from '../metrics.ts'
import { OutletCounts } from './outlet-counts.ts'

/** The counts of all collectors: they live as long as the gateway, and outlive the generations that send. */
export class TraceMeter {
  readonly #counts = new Map<string, Counted>()

  /** The counts of one exporter (`otlp`, `zipkin`) of a server. */
  of(server: string, exporter: string, collector: string, log: Logger): OutletCounts {
    const key = `${server} ${exporter}`
    const known = this.#counts.get(key)
    if (known !== undefined) {
      known.counts.log = log
      return known.counts
    }
    const counts = new OutletCounts(collector, log)
    this.#counts.set(key, { server, exporter, counts })
    return counts
  }

  /** What `/metrics` shows. */
  family(): MetricFamily {
    return {
      name: 'penstock_trace_spans_total',
      help: 'Spans by what became of them: exported, failed (the collector did not take them), dropped (the queue was full).',
      type: 'counter',
      collect: () =>
        [...this.#counts.values()].flatMap(({ server, exporter, counts }) =>
          OUTCOMES.map((outcome) => ({
            labels: { server, exporter, outcome },
            value: counts[outcome],
          })),
        ),
    }
  }
}

interface Counted {
  readonly server: string
  readonly exporter: string
  readonly counts: OutletCounts
}

const OUTCOMES = ['exported', 'failed', 'dropped'] as const
