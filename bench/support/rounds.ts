import type { Progress } from './progress.ts'

/** What is measured in turn. */
export interface Contestant {
  readonly name: string
}

/**
 * Measures each contestant once per round, back and forth through the list: what the machine does to one
 * it does to its neighbors in the list too, so that values of one round can be compared. Answers with the
 * samples of each, in order of rounds.
 */
export async function inRounds<C extends Contestant, S>(
  contestants: readonly C[],
  rounds: number,
  progress: Progress,
  measure: (contestant: C, round: number) => Promise<S>,
): Promise<ReadonlyMap<C, readonly S[]>> {
  const samples = new Map<C, S[]>(contestants.map((contestant) => [contestant, []]))
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? contestants : contestants.toReversed()
    for (const contestant of order) {
      progress.step(`round ${round + 1}/${rounds}: ${contestant.name}`)
      samples.get(contestant)?.push(await measure(contestant, round))
    }
  }
  progress.done()
  return samples
}
