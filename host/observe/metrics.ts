import type { Gauge, Registry } from 'prom-client'

/** One sample: a value with its labels; `suffix` is `_bucket`, `_sum` or `_count` of a histogram. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  readonly suffix?: string
}

/** One metric and where its samples come from. Names start with `penstock_`; units are seconds and bytes. */
export interface MetricFamily {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** Called when somebody asks: nothing is done for a metric while requests run but counting. */
  collect(): Sample[]
}

/** What a registry of prom-client calls a metric: it only ever asks for its value. */
interface RegistryMetric {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly aggregator: string
  get(): Promise<unknown>
}

/** The media type of the text below, as prom-client has it. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const MEMORY: MetricFamily = {
  name: 'penstock_process_resident_memory_bytes',
  help: 'Resident memory of the process.',
  type: 'gauge',
  collect: () => [{ labels: {}, value: process.memoryUsage.rss() }],
}

/** Every metric of a gateway, in Prometheus's text format. */
export class Metrics {
  readonly #families: MetricFamily[] = [MEMORY]
  #registry: Promise<Registry> | null = null

  add(family: MetricFamily): void {
    this.#families.push(family)
    this.#registry = null
  }

  get contentType(): string {
    return CONTENT_TYPE
  }

  async text(): Promise<string> {
    this.#registry ??= registryOf(this.#families)
    const registry = await this.#registry
    return await registry.metrics()
  }
}

/** The library takes 10 MB: a gateway that nobody asks for metrics does without. */
async function registryOf(families: readonly MetricFamily[]): Promise<Registry> {
  const { Registry } = await import('prom-client')
  const registry = new Registry()
  for (const family of families) {
    const metric: RegistryMetric = {
      name: family.name,
      help: family.help,
      type: family.type,
      aggregator: 'sum',
      get: () => Promise.resolve(snapshot(family)),
    }
    // A registry needs `name` and `get` of what is registered; its type asks for one of its own classes.
    registry.registerMetric(metric as unknown as Gauge)
  }
  return registry
}

function snapshot(family: MetricFamily): unknown {
  return {
    name: family.name,
    help: family.help,
    type: family.type,
    aggregator: 'sum',
    values: family.collect().map(({ labels, value, suffix }) => ({
      labels,
      value,
      metricName: suffix === undefined ? family.name : family.name + suffix,
    })),
  }
}

/** The samples of one histogram from counts a bucket: the last bucket is what is above every bound. */
export function histogramSamples(
  labels: Readonly<Record<string, string | number>>,
  bounds: readonly number[],
  counts: readonly number[],
  sum: number,
): Sample[] {
  const samples: Sample[] = []
  let total = 0
  for (const [i, bound] of bounds.entries()) {
    total += counts[i] ?? 0
    samples.push({ labels: { ...labels, le: bound }, value: total, suffix: '_bucket' })
  }
  total += counts[bounds.length] ?? 0
  samples.push({ labels: { ...labels, le: '+Inf' }, value: total, suffix: '_bucket' })
  samples.push({ labels, value: sum, suffix: '_sum' }, { labels, value: total, suffix: '_count' })
  return samples
}
