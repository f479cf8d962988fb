import { KeptInstances } from '../upstream/discovery/kept-instances.ts'
import type { RegistryKind } from '../upstream/discovery/registries/registry-kind.ts'
import type { RegistryHub } from '../upstream/discovery/registry-hub.ts'
import { ServiceRegistry } from '../upstream/discovery/service-registry.ts'
import type { Generation, ObjectEnv } from './generation.ts'

/** What `objectOf` in service-registry-spec.ts makes of a document. */
type RegistrySpec = { readonly name: string } & Readonly<Record<string, unknown>>

/** A running service registry. Pools find it by its name and follow a change of it by themselves. */
export class ServiceRegistryGeneration implements Generation {
  readonly #name: string
  readonly #countField: string
  readonly #registry: ServiceRegistry
  readonly #hub: RegistryHub

  constructor(kind: RegistryKind, spec: RegistrySpec, env: ObjectEnv) {
    this.#name = spec.name
    this.#countField = kind.countField ?? 'instancesNum'
    this.#hub = env.registries
    const { dataDir, log } = env
    const { name } = spec
    const kept = new KeptInstances(dataDir, name, log)
    this.#registry = new ServiceRegistry(name, kind.create(spec), kind.interval(spec), kept, log)
    // Pools that are made in the same change look their service up before they take over.
    this.#hub.prepare(this.#name, this.#registry)
  }

  activate(): void {
    this.#hub.activate(this.#name, this.#registry)
  }

  async retire(): Promise<void> {
    this.#hub.remove(this.#name, this.#registry)
    await this.#registry.close()
  }

  status(): unknown {
    return { health: this.#registry.health, [this.#countField]: this.#registry.counts() }
  }
}
