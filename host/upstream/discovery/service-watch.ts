import { reasonOf } from '../../errors.ts'
import type { Logger } from '../../observe/log.ts'
import { atMost } from './at-most.ts'
import { type InstanceRecord, readInstances, type ServiceInstance } from './instance.ts'
import type { FoundList, KeptInstances } from './kept-instances.ts'
import type { ServiceRegistryDriver } from './registries/registry-kind.ts'

/** Instances that one line of the log names. */
const MAX_SHOWN_REFUSED = 5

/** A registry that has not answered for so long is not waited for when there is a list of before the start. */
export const KEPT_AFTER_MS = 1_000

export interface WatchOptions {
  readonly registry: string
  readonly service: string
  readonly intervalMs: number
  readonly driver: ServiceRegistryDriver
  /** What is kept for the next start of the gateway. */
  readonly kept: KeptInstances
  /** The registry is known not to answer: nobody waits for the first look. */
  readonly isSilent: boolean
  readonly log: Logger
}

/**
 * Looks at one service of a registry again and again:
 *
 *     look ──▶ answered: the instances are those of the answer, none is an answer too
 *       ▲   └▶ failed: the instances stay as they are; before the first answer, those kept on the disk
 *       └──── interval
 */
export class ServiceWatch {
  /** Resolves when it has looked once, with or without success, or uses what was kept. */
  readonly ready: Promise<void>
  readonly #options: WatchOptions
  readonly #listeners = new Set<() => void>()
  readonly #abort = new AbortController()
  #timer: NodeJS.Timeout | null = null
  #instances: readonly ServiceInstance[] | null = null
  #found: readonly ServiceInstance[] = []
  #isKept = false
  #failure: string | null = null
  /** What was told last, as text: an answer that is the same is no news. */
  #seen = ''
  #refused = ''

  constructor(options: WatchOptions) {
    this.#options = options
    this.ready = this.#begin()
  }

  /** Of the last answer, also of one before the start; null before the first. */
  get instances(): readonly ServiceInstance[] | null {
    return this.#instances
  }

  /** Those of the last answer that had any; none before. */
  get found(): readonly ServiceInstance[] {
    return this.#found
  }

  /** The instances are those of before the start: the registry has not answered yet. */
  get isKept(): boolean {
    return this.#isKept
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

  async #begin(): Promise<void> {
    const { kept, service, isSilent } = this.#options
    const list = await kept.read(service)
    if (this.#abort.signal.aborted) return
    this.#found = list?.instances ?? []
    const look = this.#look()
    if (!isSilent) await (list === null ? look : atMost(look, KEPT_AFTER_MS))
    if (list !== null) this.#fallBackOn(list)
  }

  /** Does nothing when the registry has answered. */
  #fallBackOn({ instances, isGone, at }: FoundList): void {
    if (this.#instances !== null || this.#abort.signal.aborted) return
    const { log, registry, service } = this.#options
    const count = instances.length
    const gone = isGone ? '; none was left, so servers that are listed come first' : ''
    log.warn(
      { registry, service, instances: count, keptAt: at },
      `until ${registry} answers, ${service} has the instances it had before the start (${count})${gone}`,
    )
    this.#isKept = true
    this.#instances = isGone ? [] : instances
    for (const listener of this.#listeners) listener()
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
    this.#keep(instances)
    for (const listener of this.#listeners) listener()
  }

  /** For the next start. A registry that has never had an instance leaves nothing to keep. */
  #keep(instances: readonly ServiceInstance[]): void {
    const isGone = instances.length === 0
    if (!isGone) this.#found = instances
    if (this.#found.length === 0) return
    this.#options.kept.write(this.#options.service, { instances: this.#found, isGone })
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
    if (this.#failure !== null || this.#isKept) {
      const { log, registry, service } = this.#options
      log.info({ registry, service }, `${registry} answers again`)
    }
    this.#failure = null
    this.#isKept = false
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
