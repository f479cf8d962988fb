import type { DataPort } from '../wasm/data/data-operation.ts'
import { DataStore } from '../wasm/data/data-store.ts'
import type { FakeClock } from './fake-clock.ts'

/** The key-value data of a filter under test. Values with a life end when the filter's clock says so. */
export class TestData {
  readonly #store: DataStore
  readonly #namespace: string

  constructor(namespace: string, clock: FakeClock) {
    this.#store = new DataStore(undefined, () => clock.nowMs)
    this.#namespace = namespace
  }

  /** For the host calls of the guest. */
  get port(): DataPort {
    return this.#store.port(this.#namespace)
  }

  /** The value as text, or null. */
  get(key: string): string | null {
    const found = this.#store.list(this.#namespace).find(([name]) => name === key)
    return found === undefined ? null : Buffer.from(found[1]).toString('utf8')
  }

  /** Writes what another filter, or an operator, would have written. DATA_LIMIT past a limit. */
  set(key: string, value: string | number): void {
    this.#store.write(this.#namespace, new Map([[key, Buffer.from(String(value))]]))
  }

  /** Every value as text, by key. */
  toObject(): Record<string, string> {
    const entries = this.#store.list(this.#namespace)
    return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value).toString()]))
  }

  clear(): void {
    this.#store.clear(this.#namespace)
  }
}
