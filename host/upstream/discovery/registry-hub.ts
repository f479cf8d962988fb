import type { ServiceRegistry } from './service-registry.ts'

/**
 * The registries that run, by name, for the pools that find their servers in them.
 *
 *     prepare ──▶ activate ──▶ (pools follow) ──▶ remove
 *        │                                          ▲
 *        └── the change fails ──────────────────────┘
 *
 * One that is prepared is found by pools that are made in the same change, so that they know their servers
 * before the first request; pools that run go over to it when the change takes effect.
 */
export class RegistryHub {
  readonly #prepared = new Map<string, ServiceRegistry>()
  readonly #active = new Map<string, ServiceRegistry>()
  readonly #followers = new Map<string, Set<() => void>>()

  /** Undefined when there is no registry of that name. */
  find(name: string): ServiceRegistry | undefined {
    return this.#prepared.get(name) ?? this.#active.get(name)
  }

  prepare(name: string, registry: ServiceRegistry): void {
    this.#prepared.set(name, registry)
  }

  activate(name: string, registry: ServiceRegistry): void {
    this.#active.set(name, registry)
    if (this.#prepared.get(name) === registry) this.#prepared.delete(name)
    this.#tell(name)
  }

  /** Does nothing to a registry that has taken the name since. */
  remove(name: string, registry: ServiceRegistry): void {
    if (this.#prepared.get(name) === registry) this.#prepared.delete(name)
    if (this.#active.get(name) !== registry) return
    this.#active.delete(name)
    this.#tell(name)
  }

  /** `listener` runs when another registry has the name, or none any more. */
  follow(name: string, listener: () => void): void {
    const followers = this.#followers.get(name)
    if (followers === undefined) this.#followers.set(name, new Set([listener]))
    else followers.add(listener)
  }

  unfollow(name: string, listener: () => void): void {
    const followers = this.#followers.get(name)
    followers?.delete(listener)
    if (followers?.size === 0) this.#followers.delete(name)
  }

  #tell(name: string): void {
    for (const listener of this.#followers.get(name) ?? []) listener()
  }
}
