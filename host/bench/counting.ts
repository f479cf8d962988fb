import type { Executor, ExecutorStatus, GuestItem, GuestOutcome } from '../wasm/executor.ts'
import { GuestMemory } from '../wasm/guest-memory.ts'
import type { InlineExecutor } from '../wasm/inline-executor.ts'

/** Counts of everything that crosses the border between a guest and the host. */
export class Counters {
  hostCalls = 0
  bytesCopied = 0
  fuel = 0
  readonly byName = new Map<string, number>()

  reset(): void {
    this.hostCalls = 0
    this.bytesCopied = 0
    this.fuel = 0
    this.byName.clear()
  }

  /** The host calls with a count around each. */
  readonly wrap = (calls: WebAssembly.ModuleImports): WebAssembly.ModuleImports => {
    const wrapped: WebAssembly.ModuleImports = {}
    for (const [name, value] of Object.entries(calls)) {
      if (typeof value !== 'function') wrapped[name] = value
      else {
        // Host calls take numbers only; how many, their signatures say.
        const call = value as (...args: unknown[]) => unknown
        wrapped[name] = (...args: unknown[]): unknown => {
          this.hostCalls += 1
          this.byName.set(name, (this.byName.get(name) ?? 0) + 1)
          return call(...args)
        }
      }
    }
    return wrapped
  }
}

/** A window on the memory that counts the bytes that pass in either direction. */
export class CountingMemory extends GuestMemory {
  readonly #counters: Counters

  constructor(counters: Counters) {
    super()
    this.#counters = counters
  }

  override charge(bytes: number): void {
    this.#counters.bytesCopied += bytes
    super.charge(bytes)
  }
}

/** An executor that adds up the fuel of its calls. */
export class CountingExecutor implements Executor {
  readonly #inner: InlineExecutor
  readonly #counters: Counters

  constructor(inner: InlineExecutor, counters: Counters) {
    this.#inner = inner
    this.#counters = counters
  }

  start(): Promise<void> {
    return this.#inner.start()
  }

  submit(item: GuestItem): GuestOutcome {
    const outcome = this.#inner.submit(item)
    this.#counters.fuel += this.#inner.instance?.fuelUsed ?? 0
    return outcome
  }

  status(): ExecutorStatus {
    return this.#inner.status()
  }

  close(): Promise<void> {
    return this.#inner.close()
  }
}
