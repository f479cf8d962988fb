import type { Logger } from '../../observe/log.ts'
import type { Usage } from '../../usage-pool.ts'
import type { ServerSpec } from '../endpoint.ts'
import { type Discovery, ServerList } from './discovery.ts'
import { serversOf } from './instance.ts'
import type { RegistryHub } from './registry-hub.ts'
import type { ServiceRegistry } from './service-registry.ts'
import type { ServiceWatch } from './service-watch.ts'

export interface RegistrySpec {
  /** The name of a registry object. */
  readonly registry: string
  readonly service: string
  /** Instances with one of these tags are taken; all when empty. */
  readonly tags: readonly string[]
  /** Used when the registry answers that there is no such instance. */
  readonly fallback: readonly ServerSpec[]
}

/** Time a pipeline waits at its start for a registry; then it begins without its answer. */
export const REGISTRY_START_MS = 2_000

/**
 * The instances of a service are the servers. It goes over to another registry of the same name by itself;
 * what was found last is used until that one has answered, and when there is none any more.
 */
export class RegistryDiscovery implements Discovery {
  readonly ready: Promise<void>
  readonly #spec: RegistrySpec
  readonly #hub: RegistryHub
  readonly #log: Logger
  readonly #list = new ServerList()
  #registry: ServiceRegistry | null = null
  #watch: Usage<ServiceWatch> | null = null
  #isEmpty = false
  readonly #attach = (): void => {
    const registry = this.#hub.find(this.#spec.registry) ?? null
    if (registry === this.#registry) return
    const former = this.#watch
    this.#registry = registry
    this.#watch = registry?.watch(this.#spec.service) ?? null
    this.#watch?.value.listen(this.#read)
    this.#leave(former)
    this.#read()
  }
  readonly #read = (): void => {
    const instances = this.#watch?.value.instances ?? null
    if (instances === null) return
    const { registry, service, tags, fallback } = this.#spec
    const found = serversOf(instances, tags)
    if (found.length === 0 && !this.#isEmpty) {
      const what =
        tags.length === 0 ? 'instance' : `instance with one of the tags ${tags.join(', ')}`
      const instead = fallback.length === 0 ? 'former servers are kept' : 'servers are those listed'
      this.#log.warn({ registry, service }, `${service} has no ${what}: the ${instead}`)
    }
    this.#isEmpty = found.length === 0
    if (this.#list.replace(this.#isEmpty ? fallback : found) && !this.#isEmpty) {
      this.#log.info({ registry, service, servers: found.length }, `${service} found`)
    }
  }

  constructor(spec: RegistrySpec, hub: RegistryHub, log: Logger) {
    this.#spec = spec
    this.#hub = hub
    this.#log = log
    hub.follow(spec.registry, this.#attach)
    this.#attach()
    this.ready = this.#firstLook()
  }

  get servers(): readonly ServerSpec[] | null {
    return this.#list.servers
  }

  listen(listener: () => void): void {
    this.#list.listen(listener)
  }

  unlisten(listener: () => void): void {
    this.#list.unlisten(listener)
  }

  close(): void {
    this.#hub.unfollow(this.#spec.registry, this.#attach)
    this.#leave(this.#watch)
    this.#watch = null
  }

  #leave(watch: Usage<ServiceWatch> | null): void {
    watch?.value.unlisten(this.#read)
    watch?.release()
  }

  /** Not for a registry that is known to be silent: a thousand pipelines would wait one after another. */
  async #firstLook(): Promise<void> {
    const watch = this.#watch
    if (watch === null || this.#registry?.failure !== null) return
    let timer: NodeJS.Timeout | null = null
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, REGISTRY_START_MS)
    })
    await Promise.race([watch.value.ready, late])
    if (timer !== null) clearTimeout(timer)
  }
}
