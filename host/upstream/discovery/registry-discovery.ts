import type { Logger } from '../../observe/log.ts'
import type { Usage } from '../../usage-pool.ts'
import type { ServerSpec } from '../endpoint.ts'
import { atMost } from './at-most.ts'
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
    const watch = this.#watch?.value ?? null
    if (watch === null || watch.instances === null) return
    const { registry, service, tags, fallback } = this.#spec
    const found = serversOf(watch.instances, tags)
    if (found.length === 0 && !this.#isEmpty && !watch.isKept) {
      const what =
        tags.length === 0 ? 'instance' : `instance with one of the tags ${tags.join(', ')}`
      const instead = fallback.length === 0 ? 'former servers are kept' : 'servers are those listed'
      this.#log.warn({ registry, service }, `${service} has no ${what}: the ${instead}`)
    }
    this.#isEmpty = found.length === 0
    const servers = this.#isEmpty ? this.#instead(watch) : found
    if (this.#list.replace(servers) && !this.#isEmpty && !watch.isKept) {
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

  /** The servers while there is no instance; none for those that are used now. */
  #instead({ found }: ServiceWatch): readonly ServerSpec[] {
    const { tags, fallback } = this.#spec
    if (fallback.length > 0 || this.#list.servers !== null) return fallback
    return serversOf(found, tags)
  }

  #leave(watch: Usage<ServiceWatch> | null): void {
    watch?.value.unlisten(this.#read)
    watch?.release()
  }

  async #firstLook(): Promise<void> {
    if (this.#watch !== null) await atMost(this.#watch.value.ready, REGISTRY_START_MS)
  }
}
