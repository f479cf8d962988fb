import type { ServerSpec } from '../endpoint.ts'

/** Finds the servers of a pool, and tells when they change. */
export interface Discovery {
  /** The servers that were found last; null before anything was found. */
  readonly servers: readonly ServerSpec[] | null
  /** Resolves when it has looked once, with or without success. */
  readonly ready: Promise<void>
  /** `listener` runs after `servers` has changed. */
  listen(listener: () => void): void
  unlisten(listener: () => void): void
  close(): void
}

/** What every discovery does with what it finds: keep the last good list, tell only of changes. */
export class ServerList {
  readonly #listeners = new Set<() => void>()
  #servers: readonly ServerSpec[] | null = null
  #text = ''

  get servers(): readonly ServerSpec[] | null {
    return this.#servers
  }

  listen(listener: () => void): void {
    this.#listeners.add(listener)
  }

  unlisten(listener: () => void): void {
    this.#listeners.delete(listener)
  }

  /** An empty list is no news: a registry that has lost its data must not take all traffic down. */
  replace(servers: readonly ServerSpec[]): boolean {
    if (servers.length === 0) return false
    const text = JSON.stringify(servers)
    if (text === this.#text) return false
    this.#text = text
    this.#servers = servers
    for (const listener of this.#listeners) listener()
    return true
  }
}
