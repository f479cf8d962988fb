/** A distribution of times in microseconds. */
export interface Distribution {
  readonly count: number
  readonly p50Us: number
  readonly p99Us: number
}

/** The distribution of times in milliseconds; each is made shorter by what measuring itself takes. */
export function distributionOf(timesMs: readonly number[], overheadMs = 0): Distribution {
  const sorted = timesMs.map((time) => Math.max(0, time - overheadMs) * 1_000).sort((a, b) => a - b)
  return { count: sorted.length, p50Us: quantile(sorted, 0.5), p99Us: quantile(sorted, 0.99) }
}

/** The value below which this share of sorted values lies; NaN for none. */
export function quantile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return Number.NaN
  const at = (sorted.length - 1) * share
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? Number.NaN
  return low + (high - low) * (at - Math.floor(at))
}

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  )
}

/** What two looks at the clock take, in milliseconds: the median of many. */
export function clockOverheadMs(): number {
  const times: number[] = []
  for (let i = 0; i < 2_000; i++) {
    const startedAtMs = performance.now()
    times.push(performance.now() - startedAtMs)
  }
  return median(times)
}

/** A relative difference with the interval it lies in with 90 % confidence. */
export interface Difference {
  /** -0.1 is ten percent less. */
  readonly mean: number
  readonly low: number
  readonly high: number
}

/**
 * How much `changed` differs from `base`, from pairs that were measured side by side: the mean of the
 * logarithms of their ratios, with its t interval.
 */
export function pairedDifference(base: readonly number[], changed: readonly number[]): Difference {
  const logs = base.map((time, index) => Math.log((changed[index] ?? time) / time))
  const mean = logs.reduce((sum, one) => sum + one, 0) / logs.length
  const variance = logs.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (logs.length - 1)
  const half = quantileOfT(logs.length - 1) * Math.sqrt(variance / logs.length)
  return {
    mean: Math.exp(mean) - 1,
    low: Math.exp(mean - half) - 1,
    high: Math.exp(mean + half) - 1,
  }
}

/** The 95 % quantile of Student's t: an expansion that is right to 1 % from 4 degrees of freedom on. */
function quantileOfT(degrees: number): number {
  const z = 1.6449
  return z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2)
}
