import { type Counts, countsOf, type OnStep, warmUp } from './measure.ts'
import type { Sample } from './sample-request.ts'
import { type Difference, median, pairedDifference } from './sampling.ts'
import { type BenchModule, inlineSubject } from './subject.ts'

/** Pairs of blocks; each block is timed as a whole and the two of a pair run one right after the other. */
export const COMPARE_PAIRS = 40
const BLOCK_REQUESTS = 250

/** One module against another, `base`. */
export interface Comparison {
  /** Time per request in microseconds, inline: the median of the blocks. */
  readonly baseUs: number
  readonly changedUs: number
  readonly difference: Difference
  /** `no difference shown` when the interval holds zero. */
  readonly verdict: 'faster' | 'slower' | 'no difference shown'
  readonly baseCounts: Counts
  readonly changedCounts: Counts
}

/**
 * Times two modules with the same sample, interleaved: whatever the machine does to one it does to the
 * other. The order within a pair changes from pair to pair.
 */
export async function compare(
  base: BenchModule,
  changed: BenchModule,
  sample: Sample,
  onStep: OnStep,
): Promise<Comparison> {
  const subjects = [
    await inlineSubject(base, 'never'),
    await inlineSubject(changed, 'never'),
  ] as const
  for (const subject of subjects) await warmUp(subject, sample)
  const times: [number[], number[]] = [[], []]
  for (let pair = 0; pair < COMPARE_PAIRS; pair++) {
    onStep(`compare ${pair + 1}/${COMPARE_PAIRS}`)
    const first = pair % 2 === 0 ? 0 : 1
    for (const index of [first, 1 - first] as const) {
      let total = 0
      for (let i = 0; i < BLOCK_REQUESTS; i++) {
        total += Number(await subjects[index === 0 ? 0 : 1].run(sample))
      }
      times[index === 0 ? 0 : 1].push((total / BLOCK_REQUESTS) * 1_000)
    }
  }
  for (const subject of subjects) await subject.close()
  const difference = pairedDifference(times[0], times[1])
  return {
    baseUs: median(times[0]),
    changedUs: median(times[1]),
    difference,
    verdict: verdictOf(difference),
    baseCounts: await countsOf(base, sample),
    changedCounts: await countsOf(changed, sample),
  }
}

function verdictOf({ low, high }: Difference): Comparison['verdict'] {
  if (high < 0) return 'faster'
  return low > 0 ? 'slower' : 'no difference shown'
}
