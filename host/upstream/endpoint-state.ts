import type { Releasable } from '../exchange/exchange.ts'

/**
 * What is known about one endpoint: whether checks pass, whether traffic has shown it to be an outlier, how
 * busy it is. It outlives generations, so that a change of the configuration forgets nothing.
 *
 *     available ──check fails──▶ unhealthy ──checks pass──▶ available
 *         │                                                     ▲
 *         └──outlier──▶ ejected ──time passes───────────────────┘
 */
export class EndpointState implements Releasable {
  /** Requests under way. Counted only for policies and limits that ask for it. */
  active = 0
  /** What active checks say; true when there are none. */
  isHealthy = true
  /** Ejected until then, on the monotonic clock; 0 when it is not. */
  ejectedUntilMs = 0
  /** When it became available, on the monotonic clock: its traffic grows from there. -1 for long ago. */
  warmSinceMs = -1
  /** Failures in a row, as the outlier detection counts them. */
  failures = 0
  /** How often it was ejected lately: each time makes the next longer. */
  ejections = 0
  /** When the last ejection ended or will end. */
  ejectionEndMs = 0
  /** Null while nobody listens: of thousands of endpoints most are not checked and never ejected. */
  #listeners: Set<() => void> | null = null

  /** Gives back what a request under way has counted, so that an exchange can hold it. */
  release(): void {
    this.active -= 1
  }

  /** `listener` runs whenever the endpoint becomes available or stops being so. */
  listen(listener: () => void): void {
    this.#listeners ??= new Set()
    this.#listeners.add(listener)
  }

  unlisten(listener: () => void): void {
    this.#listeners?.delete(listener)
  }

  setHealthy(isHealthy: boolean, nowMs: number): void {
    if (this.isHealthy === isHealthy) return
    this.isHealthy = isHealthy
    this.failures = 0
    if (isHealthy) this.warmSinceMs = nowMs
    this.changed()
  }

  changed(): void {
    if (this.#listeners === null) return
    for (const listener of this.#listeners) listener()
  }
}
