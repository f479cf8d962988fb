import type { Usage } from '../usage-pool.ts'
import type { BalanceSpec, UpstreamEnv } from './balance-spec.ts'
import type { Discovery } from './discovery/discovery.ts'
import { DnsDiscovery, type DnsSpec } from './discovery/dns.ts'
import { FileDiscovery, type FileSpec } from './discovery/file.ts'
import { RegistryDiscovery, type RegistrySpec } from './discovery/registry-discovery.ts'
import type { ServerSpec } from './endpoint.ts'
import { ServerPool } from './server-pool.ts'

/** Where the servers of a pool come from. At most one of `dns`, `file` and `registry` is set. */
export interface ServerSource {
  /** Used as they are, or until something is discovered. */
  readonly servers: readonly ServerSpec[]
  readonly dns: DnsSpec | null
  readonly file: FileSpec | null
  readonly registry: RegistrySpec | null
}

/** The servers of a pool, kept to what its discovery finds. */
export class DiscoveredServers {
  readonly pool: ServerPool
  readonly #discovery: Usage<Discovery> | null
  readonly #update = (): void => {
    const servers = this.#discovery?.value.servers ?? null
    if (servers !== null) this.pool.update(servers)
  }

  private constructor(
    servers: readonly ServerSpec[],
    balance: BalanceSpec,
    env: UpstreamEnv,
    discovery: Usage<Discovery> | null,
  ) {
    this.#discovery = discovery
    this.pool = new ServerPool(discovery?.value.servers ?? servers, balance, env)
    discovery?.value.listen(this.#update)
  }

  /** Looks once, with or without success, before it answers. */
  static async open(
    source: ServerSource,
    balance: BalanceSpec,
    env: UpstreamEnv,
  ): Promise<DiscoveredServers> {
    const discovery = acquireDiscovery(source, env)
    await discovery?.value.ready
    try {
      return new DiscoveredServers(source.servers, balance, env, discovery)
    } catch (error) {
      discovery?.release()
      throw error
    }
  }

  close(): void {
    this.pool.close()
    this.#discovery?.value.unlisten(this.#update)
    this.#discovery?.release()
  }
}

/** Shared by the generations that ask for the same; null for static servers. */
function acquireDiscovery(
  { dns, file, registry }: ServerSource,
  { shared, owner, registries, log }: UpstreamEnv,
): Usage<Discovery> | null {
  const acquire = (what: string, key: unknown, create: () => Discovery): Usage<Discovery> =>
    shared.acquire(`${what} ${owner} ${JSON.stringify(key)}`, create, (unused) => unused.close())
  if (dns !== null) return acquire('dns', dns, () => new DnsDiscovery(dns, log))
  if (registry !== null) {
    return acquire('registry', registry, () => new RegistryDiscovery(registry, registries, log))
  }
  if (file === null) return null
  const { path, baseDir, tags } = file
  return acquire('file', [path, baseDir, tags], () => new FileDiscovery(file, log))
}
