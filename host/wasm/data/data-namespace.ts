import { ENTRY_OVERHEAD } from './data-limits.ts'

/** One value with its end. Never changed: a write makes a new one. */
export interface DataEntry {
  readonly value: Uint8Array
  /** On the clock of the store; Infinity for no end. */
  readonly expiresAtMs: number
  /** What it counts against the limits. */
  readonly bytes: number
}

/**
 * The keys of one namespace. An entry past its end is gone for every reader at once; its memory is freed
 * when somebody touches its key or when room is needed (`sweep`).
 */
export class DataNamespace {
  readonly #entries = new Map<string, DataEntry>()
  #bytes = 0
  /** No entry ends before this moment. */
  #nextEndMs = Number.POSITIVE_INFINITY

  get bytes(): number {
    return this.#bytes
  }

  /** Entries, those included whose end has passed and nobody has noticed. */
  get size(): number {
    return this.#entries.size
  }

  find(key: string, nowMs: number): DataEntry | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.expiresAtMs > nowMs) return entry
    this.#drop(key, entry)
    return undefined
  }

  /** What an entry with this key and value would count. */
  static cost(keyBytes: number, value: Uint8Array): number {
    return keyBytes + value.length + ENTRY_OVERHEAD
  }

  set(key: string, entry: DataEntry): void {
    this.#bytes += entry.bytes - (this.#entries.get(key)?.bytes ?? 0)
    this.#entries.set(key, entry)
    if (entry.expiresAtMs < this.#nextEndMs) this.#nextEndMs = entry.expiresAtMs
  }

  /** True when the key was there. */
  delete(key: string, nowMs: number): boolean {
    const entry = this.find(key, nowMs)
    if (entry === undefined) return false
    this.#drop(key, entry)
    return true
  }

  count(prefix: string, nowMs: number): number {
    let count = 0
    for (const [key, entry] of this.#entries) {
      if (entry.expiresAtMs > nowMs && key.startsWith(prefix)) count += 1
    }
    return count
  }

  /** The live entries, sorted by key. */
  list(nowMs: number): [key: string, value: Uint8Array][] {
    return [...this.#entries]
      .filter(([, entry]) => entry.expiresAtMs > nowMs)
      .map(([key, entry]): [string, Uint8Array] => [key, entry.value])
      .sort(([a], [b]) => (a < b ? -1 : 1))
  }

  /** Frees what has passed its end. Costs nothing while nothing can have. */
  sweep(nowMs: number): void {
    if (nowMs < this.#nextEndMs) return
    let nextEndMs = Number.POSITIVE_INFINITY
    for (const [key, entry] of this.#entries) {
      if (entry.expiresAtMs <= nowMs) this.#drop(key, entry)
      else if (entry.expiresAtMs < nextEndMs) nextEndMs = entry.expiresAtMs
    }
    this.#nextEndMs = nextEndMs
  }

  #drop(key: string, entry: DataEntry): void {
    this.#bytes -= entry.bytes
    this.#entries.delete(key)
  }
}
