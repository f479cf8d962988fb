/** One use of a shared value. `release` is idempotent. */
export interface Usage<V> {
  readonly value: V
  release(): void
}

/** A value with what ends it, and how many use it. */
class Entry {
  readonly key: string
  readonly value: unknown
  readonly destroy: (value: never) => void
  uses = 0

  constructor(key: string, value: unknown, destroy: (value: never) => void) {
    this.key = key
    this.value = value
    this.destroy = destroy
  }
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
      entry = new Entry(key, create(), destroy)
      this.#entries.set(key, entry)
    }
    entry.uses += 1
    return new PooledUsage<V>(this.#entries, entry)
  }
}

/** A class and no closures: a large configuration has thousands of uses. */
class PooledUsage<V> implements Usage<V> {
  readonly value: V
  readonly #entries: Map<string, Entry>
  readonly #entry: Entry
  #isReleased = false

  constructor(entries: Map<string, Entry>, entry: Entry) {
    // One key is only ever used with one type: the contract of whoever acquires.
    this.value = entry.value as V
    this.#entries = entries
    this.#entry = entry
  }

  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    const entry = this.#entry
    entry.uses -= 1
    if (entry.uses > 0) return
    if (this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key)
    entry.destroy(entry.value as never)
  }
}
