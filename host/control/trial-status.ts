import type { Clock } from '../clock.ts'
import type { Canary } from '../wasm/rollout/canary.ts'
import { RolloutGates, type Verdict } from '../wasm/rollout/rollout-gates.ts'
import type { RolloutMeter } from '../wasm/rollout/rollout-meter.ts'
import type { Rollouts } from '../wasm/rollout/rollouts.ts'
import type { TrialStatus } from './plugin-shapes.ts'

/** What the gates say about each trial: one set of gates a meter, for as long as the meter lives. */
export class TrialJudge {
  readonly #rollouts: Rollouts
  readonly #clock: Clock
  readonly #gates = new WeakMap<RolloutMeter, RolloutGates>()

  constructor(rollouts: Rollouts, clock: Clock) {
    this.#rollouts = rollouts
    this.#clock = clock
  }

  judge(meter: RolloutMeter): Verdict {
    if (meter.startFailure !== null) {
      return { kind: 'bad', reason: `it cannot be started: ${meter.startFailure}` }
    }
    let gates = this.#gates.get(meter)
    if (gates === undefined) {
      gates = new RolloutGates(this.#clock, meter.stable, meter.candidate)
      this.#gates.set(meter, gates)
    }
    return gates.judge(meter.stable, meter.candidate)
  }

  status(subject: string, canary: Canary): TrialStatus {
    const meter = this.#rollouts.find(subject, canary.digest)
    const verdict = meter === undefined || meter.users === 0 ? null : this.judge(meter)
    const { digest, version, percent, sticky, promoteAfterMs, at, by } = canary
    return {
      subject,
      digest,
      version,
      percent,
      sticky,
      promoteAfterMs,
      at,
      by,
      state: verdict?.kind ?? 'idle',
      heldMs: verdict?.kind === 'holding' ? verdict.heldMs : 0,
      requests: meter?.candidate.requests ?? 0,
      failures: meter?.candidate.failures ?? 0,
      errors: meter?.candidate.errors ?? 0,
    }
  }
}
