import { DataKind, DataOperation, type DataPort, DataReply } from './data-operation.ts'
import { DataStore } from './data-store.ts'

/**
 * The data of a namespace as it is now, to be changed without consequence: what is written is seen by later
 * reads through this port and by nobody else. `count` counts what is really there.
 */
export class ScratchData implements DataPort {
  readonly #store: DataStore
  readonly #namespace: string
  readonly #scratch = new DataStore()
  readonly #copied = new Set<string>()
  readonly #copy = new DataOperation()
  readonly #found = new DataReply()

  constructor(store: DataStore, namespace: string) {
    this.#store = store
    this.#namespace = namespace
  }

  execute(operation: DataOperation, reply: DataReply): void {
    if (operation.kind === DataKind.count) {
      this.#store.execute(this.#namespace, operation, reply)
      return
    }
    if (!this.#copied.has(operation.key)) this.#take(operation.key)
    this.#scratch.execute(this.#namespace, operation, reply)
  }

  /** Copies what is there under `key`. */
  #take(key: string): void {
    this.#copied.add(key)
    const copy = this.#copy
    copy.key = key
    copy.kind = DataKind.get
    this.#store.execute(this.#namespace, copy, this.#found)
    if (this.#found.code !== 0) return
    copy.kind = DataKind.put
    copy.value = this.#found.value
    this.#scratch.execute(this.#namespace, copy, new DataReply())
  }
}
