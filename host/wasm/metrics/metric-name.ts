/** Kinds of metrics a guest can have, in the numbering of the ABI. */
export const MetricKind = { counter: 0, gauge: 1, histogram: 2 } as const

export type MetricType = keyof typeof MetricKind

const TYPES: readonly MetricType[] = ['counter', 'gauge', 'histogram']

export const METRIC_LIMITS = {
  /** Metrics of one filter. */
  metrics: 64,
  /** Characters of a name. */
  nameBytes: 64,
  /** Bounds of a histogram. */
  buckets: 24,
} as const

/** The bounds of a histogram that names none, in seconds: 1 ms to 10 s. */
export const DEFAULT_BUCKETS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

/** A metric as a guest has defined it. */
export interface MetricDefinition {
  readonly type: MetricType
  readonly name: string
  /** Of a histogram: upper bounds, rising. */
  readonly buckets: readonly number[]
}

/** Suffixes that the format of Prometheus gives a meaning of its own. */
const RESERVED = /_(?:bucket|sum|count|total|created|info)$/

/**
 * Lower case letters, digits and single `_`, a letter first, 64 characters at most: with the prefix it is a
 * name of Prometheus. No suffix that the format itself gives.
 */
export function isMetricName(name: string): boolean {
  return (
    name.length <= METRIC_LIMITS.nameBytes &&
    /^[a-z](?:_?[a-z0-9])*$/.test(name) &&
    !RESERVED.test(name)
  )
}

/** Finite, rising, at least one and not too many. */
export function areBuckets(buckets: readonly number[]): boolean {
  return (
    buckets.length > 0 &&
    buckets.length <= METRIC_LIMITS.buckets &&
    buckets.every(
      (bound, i) => Number.isFinite(bound) && (i === 0 || bound > (buckets[i - 1] as number)),
    )
  )
}

/** The definition as one text, which stands for the metric in a log of changes. */
export function metricKey({ type, name, buckets }: MetricDefinition): string {
  return `${MetricKind[type]} ${name}${buckets.length === 0 ? '' : ` ${buckets.join(' ')}`}`
}

/** What `metricKey` has written; null for what it cannot have written. */
export function parseMetricKey(key: string): MetricDefinition | null {
  const [kind, name = '', ...bounds] = key.split(' ')
  const type = TYPES[Number(kind)]
  const buckets = bounds.map(Number)
  if (type === undefined || !isMetricName(name)) return null
  if (type === 'histogram' ? !areBuckets(buckets) : buckets.length > 0) return null
  return { type, name, buckets }
}
