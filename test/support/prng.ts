/** A small seeded random number generator (mulberry32): tests that use chance must be repeatable. */
export interface Prng {
  /** An integer of 32 bits, unsigned. */
  next(): number
  /** An integer from 0 to `bound` - 1. */
  below(bound: number): number
}

export function createPrng(seed: string): Prng {
  let state = 0x9e3779b9
  for (const byte of Buffer.from(seed)) state = Math.imul(state ^ byte, 0x01000193)
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return { next, below: (bound) => next() % bound }
}

/** The seed of a run: fixed, so that a failure repeats, unless PENSTOCK_SEED names another. */
export function testSeed(): string {
  return process.env['PENSTOCK_SEED'] ?? 'penstock'
}
