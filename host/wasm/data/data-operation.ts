import { Errno } from '../limits.ts'

/** What can be done with key-value data. The numbers travel through shared memory. */
export const DataKind = {
  get: 1,
  put: 2,
  delete: 3,
  swap: 4,
  addInteger: 5,
  addFloat: 6,
  count: 7,
} as const

/**
 * One operation on the data of one namespace. An instance has one and fills it anew for each: only the
 * fields that its kind needs are looked at.
 */
export class DataOperation {
  kind = 0
  /** The key; for `count` the prefix. */
  key = ''
  /** `put` and `swap`: what to write. */
  value: Uint8Array = NO_BYTES
  /** `swap`: what must be there now; null for nothing. */
  expected: Uint8Array | null = null
  /** Life of what is written in milliseconds; 0 for no end. An `add` uses it when it makes the key. */
  ttlMs = 0
  integer = 0n
  float = 0
  /** `add`: a value that is no number counts as 0, as Easegress has it. Else it is refused. */
  isLenient = false
}

/** How an operation ended. */
export class DataReply {
  /**
   * An `Errno`, or: `get`, `put` and `add` 0; `delete` and `swap` 1 when something was done, else 0;
   * `count` the number of keys.
   */
  code = 0
  /** `get`: the value. It belongs to the store and is not to be changed. */
  value: Uint8Array = NO_BYTES
  /** `addInteger`: the sum. */
  integer = 0n
  /** `addFloat`: the sum. */
  float = 0
  /** Keys that were looked at. */
  scanned = 0

  /** Ready for the next operation. */
  clear(): void {
    this.code = 0
    this.value = NO_BYTES
    this.scanned = 0
  }
}

/** How the host calls of an instance reach the data of its namespace, from whatever thread. */
export interface DataPort {
  /** Synchronous; `reply` is overwritten. Never throws: what cannot be done is a code. */
  execute(operation: DataOperation, reply: DataReply): void
}

/** For a guest whose grant has no namespace. */
export const NO_DATA: DataPort = {
  execute(_, reply) {
    reply.clear()
    reply.code = Errno.denied
  },
}

const NO_BYTES = new Uint8Array(0)
