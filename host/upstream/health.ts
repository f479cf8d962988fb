import type { HealthQuestion, HealthQuestionSpec } from './health-question.ts'

/** How often an endpoint is checked, and what it is asked; times in milliseconds. */
export interface HealthCheckSpec {
  readonly interval: number
  /** For all questions of a check together. */
  readonly timeout: number
  /** Failures in a row that make an endpoint unhealthy. */
  readonly fails: number
  /** Passes in a row that make it healthy again. */
  readonly passes: number
  /** Asked one after the other: a check passes when all are answered well. */
  readonly questions: readonly HealthQuestionSpec[]
}

/** An endpoint has become healthy or unhealthy; `reason` says why. */
export type HealthListener = (isHealthy: boolean, reason: string) => void

/** Spread of the interval, so that the checks of many endpoints do not come all at once. */
const JITTER = 0.1

/**
 * Asks one endpoint again and again whether it is well. It counts as well until a check has failed.
 *
 *     healthy ──`fails` failures in a row──▶ unhealthy ──`passes` passes in a row──▶ healthy
 */
export class HealthChecker {
  readonly #spec: HealthCheckSpec
  readonly #questions: readonly HealthQuestion[]
  readonly #onChange: HealthListener
  #isHealthy = true
  #failures = 0
  #passes = 0
  #isClosed = false
  #timer: NodeJS.Timeout | null = null

  constructor(
    spec: HealthCheckSpec,
    questions: readonly HealthQuestion[],
    onChange: HealthListener,
  ) {
    this.#spec = spec
    this.#questions = questions
    this.#onChange = onChange
  }

  /** The first check is made at once. */
  start(): void {
    void this.#check()
  }

  close(): void {
    this.#isClosed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  async #check(): Promise<void> {
    const reason = await this.#ask()
    if (this.#isClosed) return
    this.#count(reason)
    const spread = 1 + JITTER * (2 * Math.random() - 1)
    this.#timer = setTimeout(() => void this.#check(), this.#spec.interval * spread)
    this.#timer.unref()
  }

  #count(reason: string | null): void {
    this.#failures = reason === null ? 0 : this.#failures + 1
    this.#passes = reason === null ? this.#passes + 1 : 0
    if (this.#isHealthy && this.#failures >= this.#spec.fails) {
      this.#isHealthy = false
      this.#onChange(false, reason ?? '')
    } else if (!this.#isHealthy && this.#passes >= this.#spec.passes) {
      this.#isHealthy = true
      this.#onChange(true, `${this.#passes} checks in a row passed`)
    }
  }

  /** Null when the check has passed, else why not. */
  async #ask(): Promise<string | null> {
    const endsAt = performance.now() + this.#spec.timeout
    for (const question of this.#questions) {
      const reason = await question.ask(Math.max(1, endsAt - performance.now()))
      if (reason !== null) return reason
    }
    return null
  }
}
