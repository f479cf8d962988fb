import type { GuestCall } from '../guest-call.ts'
import type { GuestMemory } from '../guest-memory.ts'
import { Errno, GUEST_LIMITS } from '../limits.ts'
import { DATA_FUEL, DATA_SCAN_FUEL } from './data-limits.ts'
import { DataKind, DataOperation, type DataPort, DataReply } from './data-operation.ts'

/**
 * Key-value data as the host calls of one instance use it, whatever its ABI: each operation takes fuel,
 * and one call of the guest has only so many of them. What is written stays when the call fails later:
 * data is no part of the call's transaction.
 */
export class GuestData {
  /** Of the operation before. */
  readonly reply = new DataReply()
  readonly #operation = new DataOperation()
  readonly #port: DataPort
  readonly #memory: GuestMemory
  readonly #call: GuestCall
  #countedFor = -1
  #count = 0

  constructor(port: DataPort, memory: GuestMemory, call: GuestCall) {
    this.#port = port
    this.#memory = memory
    this.#call = call
  }

  /** 0 with `reply.value`, or an `Errno`. */
  get(key: string): number {
    this.#operation.key = key
    return this.#run(DataKind.get)
  }

  /** 0 or an `Errno`. A life of 0 has no end. */
  put(key: string, value: Uint8Array, ttlMs: number): number {
    const operation = this.#operation
    operation.key = key
    operation.value = value
    operation.ttlMs = ttlMs
    return this.#run(DataKind.put)
  }

  /** 1 when there was something, 0 when not, or an `Errno`. */
  delete(key: string): number {
    this.#operation.key = key
    return this.#run(DataKind.delete)
  }

  /** Writes when `expected` is what is there, null for nothing: 1 when it did, 0 when not, or an `Errno`. */
  swap(key: string, expected: Uint8Array | null, value: Uint8Array, ttlMs: number): number {
    const operation = this.#operation
    operation.key = key
    operation.expected = expected
    operation.value = value
    operation.ttlMs = ttlMs
    return this.#run(DataKind.swap)
  }

  /** 0 with `reply.integer`, or an `Errno`. The life is used when this makes the key. */
  addInteger(key: string, delta: bigint, ttlMs: number, isLenient = false): number {
    const operation = this.#operation
    operation.key = key
    operation.integer = delta
    operation.ttlMs = ttlMs
    operation.isLenient = isLenient
    return this.#run(DataKind.addInteger)
  }

  /** 0 with `reply.float`, or an `Errno`. The life is used when this makes the key. */
  addFloat(key: string, delta: number, ttlMs: number, isLenient = false): number {
    const operation = this.#operation
    operation.key = key
    operation.float = delta
    operation.ttlMs = ttlMs
    operation.isLenient = isLenient
    return this.#run(DataKind.addFloat)
  }

  /** How many keys begin with this, or an `Errno`. */
  count(prefix: string): number {
    this.#operation.key = prefix
    return this.#run(DataKind.count)
  }

  #run(kind: number): number {
    const { serial } = this.#call
    if (this.#countedFor !== serial) {
      this.#countedFor = serial
      this.#count = 0
    }
    this.#count += 1
    this.#memory.spend(DATA_FUEL)
    const operation = this.#operation
    operation.kind = kind
    if (this.#count > GUEST_LIMITS.dataOperations) {
      this.reply.clear()
      this.reply.code = Errno.tooLarge
    } else this.#port.execute(operation, this.reply)
    if (this.reply.code === Errno.denied) this.#call.deny('data')
    operation.value = NO_BYTES
    operation.expected = null
    if (this.reply.scanned > 0) this.#memory.spend(this.reply.scanned * DATA_SCAN_FUEL)
    return this.reply.code
  }
}

const NO_BYTES = new Uint8Array(0)
