import { reasonOf } from '../errors.ts'
import type { Generation } from '../objects/generation.ts'
import type { Logger } from '../observe/log.ts'

/** Generations of one object that may live, the one that serves among them. */
export const LIVE_GENERATIONS = 16

/** Why an old generation was not waited for any longer. */
export type EndReason = 'limit' | 'drainTimeout'

/**
 * Old generations and how long they may live. Each closes when the phases of its last exchange have run:
 *
 *     retire ──▶ waits ──last exchange──▶ closes ──▶ gone
 *                  └── `drainTimeout`, or past LIVE_GENERATIONS the oldest: ended ──▲
 *
 * Only an exchange that needs something of an ended one notices: a plugin is not run for it any more.
 */
export class RetiringGenerations {
  readonly #log: Logger
  /** Those that are waited for, of each object the oldest first. */
  readonly #waiting = new Map<string, Set<Generation>>()
  readonly #ended: Record<EndReason, number> = { limit: 0, drainTimeout: 0 }
  #count = 0

  constructor(log: Logger) {
    this.#log = log
  }

  /** How many there are, those that close now included. */
  get count(): number {
    return this.#count
  }

  /** How many were ended while exchanges were in them, by the reason; only ever growing. */
  get ended(): Readonly<Record<EndReason, number>> {
    return this.#ended
  }

  /** Resolves when it is closed; never rejects. */
  async retire(object: string, generation: Generation): Promise<void> {
    this.#count += 1
    const waiting = this.#waiting.get(object) ?? new Set()
    this.#waiting.set(object, waiting)
    waiting.add(generation)
    const closed = this.#close(generation)
    const { drainTimeoutMs = 0 } = generation
    const timer =
      drainTimeoutMs === 0
        ? null
        : setTimeout(() => this.#end(object, generation, 'drainTimeout'), drainTimeoutMs).unref()
    // One of those that live is the one that has taken over.
    const oldest = waiting.size < LIVE_GENERATIONS ? undefined : waiting.values().next().value
    if (oldest !== undefined) this.#end(object, oldest, 'limit')
    await closed
    if (timer !== null) clearTimeout(timer)
    this.#forget(object, generation)
    this.#count -= 1
  }

  async #close(generation: Generation): Promise<void> {
    try {
      await generation.retire()
    } catch (error) {
      this.#log.error({ err: error }, `an old generation did not close: ${reasonOf(error)}`)
    }
  }

  #end(object: string, generation: Generation, reason: EndReason): void {
    this.#forget(object, generation)
    const exchanges = generation.end?.() ?? 0
    if (exchanges === 0) return
    this.#ended[reason] += 1
    this.#log.warn(
      { object, exchanges, reason },
      `an old generation of ${object} is ended with ${exchanges} exchanges in it`,
    )
  }

  #forget(object: string, generation: Generation): void {
    const waiting = this.#waiting.get(object)
    if (waiting?.delete(generation) === true && waiting.size === 0) this.#waiting.delete(object)
  }
}
