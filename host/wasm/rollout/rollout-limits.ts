/** When a version on trial is taken back, and when it is good enough. */
export interface RolloutLimits {
  /** Requests the version on trial must have served before a window is judged. */
  readonly minSample: number
  /** By how much more of its calls may fail than those of the stable version, from 0 to 1. */
  readonly failureRate: number
  /** By how much more of its requests may end in a 5xx, from 0 to 1. */
  readonly errorRate: number
  /** By how much longer its calls may run on average: this long at least … */
  readonly addedMs: number
  /** … or this share of the stable version's time, when that is more. */
  readonly addedShare: number
  /** Bad windows in a row that end the trial. */
  readonly strikes: number
  /** A window this many times past a limit ends it at once. */
  readonly clearlyBad: number
  /** Below this share of every limit a window is good; between it and the limit it says nothing. */
  readonly goodShare: number
}

/** The defaults; docs/plugins.md lists them. */
export const ROLLOUT_LIMITS: RolloutLimits = {
  minSample: 50,
  failureRate: 0.02,
  errorRate: 0.02,
  addedMs: 1,
  addedShare: 0.5,
  strikes: 2,
  clearlyBad: 10,
  goodShare: 0.8,
}

/** How often running trials are judged. */
export const ROLLOUT_JUDGE_MS = 1_000
