/** One use of a shared value. `release` is idempotent. */
export interface Usage<V> {
  readonly value: V
  release(): void
}

interface Entry {
  readonly value: unknown
  readonly destroy: () => void
  uses: number
}

/**
 * Values that are expensive to make and are kept while at least one generation uses them, keyed by what
 * they are made from: an unchanged listener, upstream client or compiled module survives a swap, because
 * the new generation takes its use before the old one gives its own back.
 */
export class UsagePool {
  readonly #entries = new Map<string, Entry>()

  get size(): number {
    return this.#entries.size
  }

  /** The value under `key`, made by `create` when nobody uses one. The same key must mean the same type. */
  acquire<V>(key: string, create: () => V, destroy: (value: V) => void): Usage<V> {
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      const value = create()
      entry = { value, destroy: () => destroy(value), uses: 0 }
      this.#entries.set(key, entry)
    }
    const held = entry
    held.uses += 1
    let isReleased = false
    return {
      // One key is only ever used with one type: the caller's contract.
      value: held.value as V,
      release: () => {
        if (isReleased) return
        isReleased = true
        held.uses -= 1
        if (held.uses > 0) return
        if (this.#entries.get(key) === held) this.#entries.delete(key)
        held.destroy()
      },
    }
  }
}
