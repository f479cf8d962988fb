import type { Clock } from '../../clock.ts'
import { ROLLOUT_LIMITS, type RolloutLimits } from './rollout-limits.ts'
import type { VersionCounts } from './rollout-meter.ts'

/** What is known of a trial now. */
export type Verdict =
  | { readonly kind: 'waiting' }
  /** No gate was passed since `heldMs` ago. */
  | { readonly kind: 'holding'; readonly heldMs: number }
  | { readonly kind: 'bad'; readonly reason: string }

/**
 * Judges a version on trial by what it and the stable version have counted. Pure but for the clock.
 *
 *     waiting ──good window──▶ holding ──(held for as long as was asked)──▶ the caller promotes
 *        ▲                        │
 *        └──────bad window────────┘         `strikes` bad windows in a row, or one clearly bad ──▶ bad
 *
 * A window ends when the version on trial has served `minSample` requests in it. It is bad past a limit, good
 * below `goodShare` of all of them, and says nothing in between, so that a value near a limit does not flap.
 * Rates are compared with those of the stable version, with room for chance: an upstream that fails hurts both.
 */
export class RolloutGates {
  readonly #clock: Clock
  readonly #limits: RolloutLimits
  #stableStart: VersionCounts
  #candidateStart: VersionCounts
  #windowStartMs: number
  #strikes = 0
  #heldSinceMs: number | null = null
  #badReason: string | null = null

  /** The counts as they are when the trial begins. */
  constructor(
    clock: Clock,
    stable: VersionCounts,
    candidate: VersionCounts,
    limits: RolloutLimits = ROLLOUT_LIMITS,
  ) {
    this.#clock = clock
    this.#limits = limits
    this.#stableStart = copy(stable)
    this.#candidateStart = copy(candidate)
    this.#windowStartMs = clock.monotonicMs()
  }

  /** To be asked now and then; `bad` is for ever. */
  judge(stable: VersionCounts, candidate: VersionCounts): Verdict {
    const grown = candidate.requests - this.#candidateStart.requests
    if (this.#badReason === null && grown >= this.#limits.minSample) {
      // A stable version that served little in this window is compared by all it has served.
      const few = stable.requests - this.#stableStart.requests < this.#limits.minSample
      const against = few ? copy(stable) : difference(stable, this.#stableStart)
      this.#endWindow(against, difference(candidate, this.#candidateStart))
      this.#stableStart = copy(stable)
      this.#candidateStart = copy(candidate)
      this.#windowStartMs = this.#clock.monotonicMs()
    }
    if (this.#badReason !== null) return { kind: 'bad', reason: this.#badReason }
    if (this.#heldSinceMs === null) return { kind: 'waiting' }
    return { kind: 'holding', heldMs: this.#clock.monotonicMs() - this.#heldSinceMs }
  }

  #endWindow(stable: VersionCounts, candidate: VersionCounts): void {
    const { strikes, clearlyBad, goodShare } = this.#limits
    const worst = worstGate(stable, candidate, this.#limits)
    if (worst.excess > 1) {
      this.#strikes += 1
      this.#heldSinceMs = null
      if (this.#strikes >= strikes || worst.excess >= clearlyBad) this.#badReason = worst.reason
      return
    }
    if (worst.excess > goodShare) return
    this.#strikes = 0
    this.#heldSinceMs ??= this.#windowStartMs
  }
}

interface Gate {
  /** The value seen as a multiple of what is allowed. */
  readonly excess: number
  readonly reason: string
}

function worstGate(stable: VersionCounts, candidate: VersionCounts, limits: RolloutLimits): Gate {
  const failures = rateGate(
    'calls failed',
    [stable.failures, stable.calls],
    [candidate.failures, candidate.calls],
    limits.failureRate,
  )
  const errors = rateGate(
    'requests ended in a 5xx',
    [stable.errors, stable.requests],
    [candidate.errors, candidate.requests],
    limits.errorRate,
  )
  const time = timeGate(stable, candidate, limits)
  return [errors, time].reduce(
    (worst, gate) => (gate.excess > worst.excess ? gate : worst),
    failures,
  )
}

type Part = readonly [count: number, of: number]

function rateGate(what: string, stable: Part, candidate: Part, limit: number): Gate {
  const usual = share(stable)
  const seen = share(candidate)
  // Two standard errors of the difference: with an upstream that fails half of the time, chance alone
  // makes more of it than the limit.
  const spread = usual * (1 - usual)
  const chance = 2 * Math.sqrt(spread / Math.max(1, candidate[1]) + spread / Math.max(1, stable[1]))
  return {
    excess: (seen - usual) / (limit + chance),
    reason: `${percent(seen)} of its ${what}, against ${percent(usual)} of the stable version`,
  }
}

function timeGate(stable: VersionCounts, candidate: VersionCounts, limits: RolloutLimits): Gate {
  if (stable.calls === 0 || candidate.calls === 0) return { excess: 0, reason: '' }
  const usual = stable.runMs / stable.calls
  const seen = candidate.runMs / candidate.calls
  const allowed = Math.max(limits.addedMs, usual * limits.addedShare)
  return {
    excess: (seen - usual) / allowed,
    reason: `its calls run ${seen.toFixed(2)} ms on average, against ${usual.toFixed(2)} ms of the stable version`,
  }
}

function share([count, of]: Part): number {
  return of === 0 ? 0 : count / of
}

function percent(rate: number): string {
  return `${Math.round(rate * 1_000) / 10}%`
}

function copy({ calls, failures, runMs, requests, errors }: VersionCounts): VersionCounts {
  return { calls, failures, runMs, requests, errors }
}

function difference(now: VersionCounts, before: VersionCounts): VersionCounts {
  return {
    calls: now.calls - before.calls,
    failures: now.failures - before.failures,
    runMs: now.runMs - before.runMs,
    requests: now.requests - before.requests,
    errors: now.errors - before.errors,
  }
}
