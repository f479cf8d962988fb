import type { Logger } from '../../observe/log.ts'
import { type Usage, UsagePool } from '../../usage-pool.ts'
import type { KeptInstances } from './kept-instances.ts'
import type { ServiceRegistryDriver } from './registries/registry-kind.ts'
import { ServiceWatch } from './service-watch.ts'

/** What the status of a registry says when every look has been answered. */
const READY = 'ready'

/** A registry that runs: looks at the services that somebody uses, at each of them once. */
export class ServiceRegistry {
  readonly #name: string
  readonly #driver: ServiceRegistryDriver
  readonly #intervalMs: number
  readonly #kept: KeptInstances
  readonly #log: Logger
  readonly #pool = new UsagePool()
  readonly #watches = new Map<string, ServiceWatch>()

  constructor(
    name: string,
    driver: ServiceRegistryDriver,
    intervalMs: number,
    kept: KeptInstances,
    log: Logger,
  ) {
    this.#name = name
    this.#driver = driver
    this.#intervalMs = intervalMs
    this.#kept = kept
    this.#log = log
  }

  /** Begins to look at a service, if nobody has yet; it is looked at until all uses are released. */
  watch(service: string): Usage<ServiceWatch> {
    return this.#pool.acquire(
      service,
      () => {
        const options = {
          registry: this.#name,
          service,
          intervalMs: this.#intervalMs,
          driver: this.#driver,
          kept: this.#kept,
          // A thousand pipelines would wait for it one after another.
          isSilent: this.failure !== null,
          log: this.#log,
        }
        const watch = new ServiceWatch(options)
        this.#watches.set(service, watch)
        return watch
      },
      (unused) => {
        unused.close()
        this.#watches.delete(service)
      },
    )
  }

  /** Why the registry could not be asked the last time; null when it could, or was never asked. */
  get failure(): string | null {
    for (const { failure } of this.#watches.values()) if (failure !== null) return failure
    return null
  }

  get health(): string {
    return this.failure ?? READY
  }

  /** Instances of each service that somebody uses. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const [service, { instances }] of this.#watches) counts[service] = instances?.length ?? 0
    return counts
  }

  async close(): Promise<void> {
    for (const watch of this.#watches.values()) watch.close()
    await this.#driver.close()
    await this.#kept.flush()
  }
}
