import { RolloutMeter } from './rollout-meter.ts'

/** A trial that filters of this process take part in. */
export interface RunningRollout {
  /** `PIPELINE/FILTER`, or the name of a plugin. */
  readonly subject: string
  /** The module on trial. */
  readonly digest: string
  readonly meter: RolloutMeter
}

/** The meters of all trials: one for each subject, begun anew when another module is on trial. */
export class Rollouts {
  readonly #running = new Map<string, RunningRollout>()

  get running(): readonly RunningRollout[] {
    return [...this.#running.values()]
  }

  meter(subject: string, digest: string): RolloutMeter {
    const known = this.#running.get(subject)
    if (known?.digest === digest) return known.meter
    const meter = new RolloutMeter()
    this.#running.set(subject, { subject, digest, meter })
    return meter
  }

  /** The meter of a trial that runs; undefined when none does. */
  find(subject: string, digest: string): RolloutMeter | undefined {
    const known = this.#running.get(subject)
    return known?.digest === digest ? known.meter : undefined
  }

  /** The trial is over: from now on nothing goes to its version, whatever filters still have it. */
  end(subject: string): void {
    const known = this.#running.get(subject)
    if (known !== undefined) known.meter.isStopped = true
    this.#running.delete(subject)
  }
}
