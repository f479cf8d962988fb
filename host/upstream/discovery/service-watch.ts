import { reasonOf } from '../../errors.ts'
import type { Logger } from '../../observe/log.ts'
import { type InstanceRecord, readInstances, type ServiceInstance } from './instance.ts'
import type { ServiceRegistryDriver } from './registries/registry-kind.ts'

/** Instances that one line of the log names. */
const MAX_SHOWN_REFUSED = 5

export interface WatchOptions {
  readonly registry: string
  readonly service: string
  readonly intervalMs: number
  readonly driver: ServiceRegistryDriver
  readonly log: Logger
}

/**
 * Looks at one service of a registry again and again:
 *
 *     look ──▶ answered: the instances are those of the answer, none is an answer too
 *       ▲   └▶ failed: the instances stay as they are
 *       └──── interval
 */
export class ServiceWatch {
  /** Resolves when it has looked once, with or without success. */
  readonly ready: Promise<void>
  readonly #options: WatchOptions
  readonly #listeners = new Set<() => void>()
  readonly #abort = new AbortController()
  #timer: NodeJS.Timeout | null = null
  #instances: readonly ServiceInstance[] | null = null
  #failure: string | null = null
  /** What was told last, as text: an answer that is the same is no news. */
  #seen = ''
  #refused = ''

  constructor(options: WatchOptions) {
    this.#options = options
    this.ready = this.#look()
  }

  /** Of the last answer; null before the first. */
  get instances(): readonly ServiceInstance[] | null {
    return this.#instances
  }

  /** Why the last look has failed; null when it has not. */
  get failure(): string | null {
    return this.#failure
  }

  /** `listener` runs after `instances` has changed. */
  listen(listener: () => void): void {
    this.#listeners.add(listener)
  }

  unlisten(listener: () => void): void {
    this.#listeners.delete(listener)
  }

  close(): void {
    this.#abort.abort()
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  async #look(): Promise<void> {
    const { driver, service, intervalMs } = this.#options
    const { signal } = this.#abort
    try {
      const records = await driver.list(service, signal)
      if (signal.aborted) return
      this.#succeed()
      this.#take(records)
    } catch (error) {
      if (signal.aborted) return
      this.#fail(reasonOf(error))
    }
    this.#timer = setTimeout(() => void this.#look(), intervalMs)
    this.#timer.unref()
  }

  #take(records: readonly InstanceRecord[]): void {
    const { instances, refused } = readInstances(records)
    this.#tellRefused(refused)
    const seen = JSON.stringify(instances)
    if (seen === this.#seen) return
    this.#seen = seen
    this.#instances = instances
    for (const listener of this.#listeners) listener()
  }

  /** Once for those that are refused for the same reasons again and again. */
  #tellRefused(refused: readonly string[]): void {
    const text = refused.join('\n')
    if (text === this.#refused) return
    this.#refused = text
    if (refused.length === 0) return
    const { log, registry, service } = this.#options
    const shown = refused.slice(0, MAX_SHOWN_REFUSED).join('; ')
    const more = refused.length - MAX_SHOWN_REFUSED
    log.warn(
      { registry, service, refused: refused.length },
      `instances of ${service} are left out: ${shown}${more > 0 ? ` and ${more} more` : ''}`,
    )
  }

  #succeed(): void {
    if (this.#failure !== null) {
      const { log, registry, service } = this.#options
      log.info({ registry, service }, `${registry} answers again`)
    }
    this.#failure = null
  }

  /** Once for a failure that lasts. */
  #fail(reason: string): void {
    if (this.#failure === null) {
      const { log, registry, service } = this.#options
      const kept = this.#instances === null ? '' : '; the former instances are kept'
      log.warn({ registry, service }, `${service} cannot be looked up: ${reason}${kept}`)
    }
    this.#failure = reason
  }
}
