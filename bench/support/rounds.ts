import type { Progress } from './progress.ts'

/** What is measured in turn. */
export interface Contestant {
  readonly name: string
}

/**
 * Measures each contestant once per round, back and forth through the list, so that none always comes
 * after the same one.
 */
export async function inRounds<C extends Contestant>(
  contestants: readonly C[],
  rounds: number,
  progress: Progress,
  measure: (contestant: C, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const contestant of round % 2 === 0 ? contestants : contestants.toReversed()) {
      progress.step(`round ${round + 1}/${rounds}: ${contestant.name}`)
      await measure(contestant, round)
    }
  }
}
