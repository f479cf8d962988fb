/** An estimate with the interval that holds it in nine of ten repetitions. */
export interface Interval {
  readonly estimate: number
  readonly low: number
  readonly high: number
}

/** Draws for a bootstrap; more of them change the third digit. */
const RESAMPLES = 2_000

/** The share left out at each end before a mean is taken: samples a neighbor has spoiled are at the ends. */
const TRIM = 0.2

/** The mean of `samples` with its 90 % interval, by bootstrap. Same samples, same answer. */
export function intervalOfMean(samples: readonly number[]): Interval {
  if (samples.length === 0) throw new RangeError('no samples')
  const random = randomFrom(samples.length)
  const means = Array.from({ length: RESAMPLES }, () =>
    trimmedMean(samples.map(() => samples[Math.floor(random() * samples.length)] as number)),
  ).sort((a, b) => a - b)
  return {
    estimate: trimmedMean(samples),
    low: means[Math.floor(RESAMPLES * 0.05)] as number,
    high: means[Math.ceil(RESAMPLES * 0.95) - 1] as number,
  }
}

/** The mean of `a[i] / b[i]`: of logarithms, so that a ratio and its inverse agree. */
export function intervalOfRatio(a: readonly number[], b: readonly number[]): Interval {
  const { estimate, low, high } = intervalOfMean(
    a.map((value, i) => Math.log(value / (b[i] as number))),
  )
  return { estimate: Math.exp(estimate), low: Math.exp(low), high: Math.exp(high) }
}

/** The mean of `a[i] - b[i]`. */
export function intervalOfDifference(a: readonly number[], b: readonly number[]): Interval {
  return intervalOfMean(a.map((value, i) => value - (b[i] as number)))
}

export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2
}

export type Verdict = 'held' | 'missed' | 'not shown'

/** Is `interval` at least, or at most, `figure`? An interval that crosses the figure shows neither. */
export function judge(interval: Interval, bound: 'least' | 'most', figure: number): Verdict {
  if (bound === 'least') {
    if (interval.low >= figure) return 'held'
    return interval.high < figure ? 'missed' : 'not shown'
  }
  if (interval.high <= figure) return 'held'
  return interval.low > figure ? 'missed' : 'not shown'
}

function trimmedMean(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const cut = Math.floor(sorted.length * TRIM)
  const kept = sorted.slice(cut, sorted.length - cut)
  return kept.reduce((sum, value) => sum + value, 0) / kept.length
}

/** A small generator (xorshift): a report must not differ from run to run for the same samples. */
function randomFrom(seed: number): () => number {
  let state = (seed * 2_654_435_761) >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 0x1_0000_0000
  }
}
