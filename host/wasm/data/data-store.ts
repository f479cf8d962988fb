import { monotonicMs } from '../../clock.ts'
import { GatewayError } from '../../errors.ts'
import { Errno } from '../limits.ts'
import { DATA_LIMITS, type DataLimits } from './data-limits.ts'
import { DataNamespace } from './data-namespace.ts'
import { DataKind, type DataOperation, type DataPort, type DataReply } from './data-operation.ts'
import { formatNumber, isInt64, parseFloat64, parseInteger } from './numbers.ts'

/** How much of its room a namespace uses. */
export interface NamespaceStatus {
  readonly namespace: string
  readonly keys: number
  readonly bytes: number
}

/**
 * The key-value data of all guests of this process: the one owner, in the event loop. Each operation is
 * one synchronous step, so all of them, from whatever thread they were asked, happen in one order.
 * Namespaces are maps of their own: no key leads out of one. Nothing is kept on disk.
 */
export class DataStore {
  readonly #namespaces = new Map<string, DataNamespace>()
  readonly #limits: DataLimits
  readonly #nowMs: () => number
  #refused = 0

  constructor(limits: DataLimits = DATA_LIMITS, nowMs: () => number = monotonicMs) {
    this.#limits = limits
    this.#nowMs = nowMs
  }

  /** The way to one namespace, for guests in the event loop. */
  port(namespace: string): DataPort {
    return { execute: (operation, reply) => this.execute(namespace, operation, reply) }
  }

  /** Does one operation. Never throws; `reply` says what came of it. */
  execute(namespace: string, operation: DataOperation, reply: DataReply): void {
    reply.clear()
    if (operation.kind === DataKind.count) this.#count(namespace, operation, reply)
    else if (operation.key === '') reply.code = Errno.invalid
    else this.#executeOnKey(namespace, operation, reply)
    if (reply.code === Errno.tooLarge) this.#refused += 1
  }

  /** Every live entry of a namespace, sorted by key. */
  list(namespace: string): [key: string, value: Uint8Array][] {
    return this.#namespaces.get(namespace)?.list(this.#nowMs()) ?? []
  }

  /** Writes all of them or, past a limit, none: DATA_LIMIT. */
  write(namespace: string, entries: ReadonlyMap<string, Uint8Array>): void {
    let growth = 0
    let added = 0
    for (const [key, value] of entries) {
      const refused = this.#checkSizes(key, value)
      if (refused !== null) throw new GatewayError('DATA_LIMIT', { namespace, limit: refused })
      const former = this.#namespaces.get(namespace)?.find(key, this.#nowMs())
      if (former === undefined) added += 1
      growth += costOf(key, value) - (former?.bytes ?? 0)
    }
    const refused = this.#checkRoom(namespace, added, growth)
    if (refused !== null) throw new GatewayError('DATA_LIMIT', { namespace, limit: refused })
    for (const [key, value] of entries) this.#set(namespace, key, value, Number.POSITIVE_INFINITY)
  }

  /** Deletes everything of a namespace; how many keys there were. */
  clear(namespace: string): number {
    const count = this.list(namespace).length
    this.#namespaces.delete(namespace)
    return count
  }

  status(): { readonly namespaces: readonly NamespaceStatus[]; readonly refused: number } {
    const now = this.#nowMs()
    const namespaces = [...this.#namespaces].map(([namespace, data]) => {
      data.sweep(now)
      return { namespace, keys: data.size, bytes: data.bytes }
    })
    return { namespaces, refused: this.#refused }
  }

  #executeOnKey(namespace: string, operation: DataOperation, reply: DataReply): void {
    const now = this.#nowMs()
    const entry = this.#namespaces.get(namespace)?.find(operation.key, now)
    switch (operation.kind) {
      case DataKind.get:
        if (entry === undefined) reply.code = Errno.absent
        else reply.value = entry.value
        return
      case DataKind.put:
        reply.code = this.#put(namespace, operation, operation.value, endOf(operation, now))
        return
      case DataKind.delete:
        reply.code = this.#namespaces.get(namespace)?.delete(operation.key, now) ? 1 : 0
        return
      case DataKind.swap:
        if (!isSame(entry?.value ?? null, operation.expected)) return
        reply.code = this.#put(namespace, operation, operation.value, endOf(operation, now))
        if (reply.code === 0) reply.code = 1
        return
      case DataKind.addInteger:
      case DataKind.addFloat: {
        // A counter keeps the end it was made with: that is what makes it count per minute.
        const end = entry === undefined ? endOf(operation, now) : entry.expiresAtMs
        const sum = addTo(entry?.value ?? null, operation, reply)
        reply.code = sum === null ? Errno.invalid : this.#put(namespace, operation, sum, end)
        return
      }
      default:
        reply.code = Errno.invalid
    }
  }

  #count(namespace: string, operation: DataOperation, reply: DataReply): void {
    const data = this.#namespaces.get(namespace)
    reply.scanned = data?.size ?? 0
    reply.code = data?.count(operation.key, this.#nowMs()) ?? 0
  }

  /** 0, or `tooLarge` when a limit is in the way. */
  #put(namespace: string, { key }: DataOperation, value: Uint8Array, expiresAtMs: number): number {
    if (this.#checkSizes(key, value) !== null) return Errno.tooLarge
    const former = this.#namespaces.get(namespace)?.find(key, this.#nowMs())
    const growth = costOf(key, value) - (former?.bytes ?? 0)
    if (this.#checkRoom(namespace, former === undefined ? 1 : 0, growth) !== null) {
      return Errno.tooLarge
    }
    this.#set(namespace, key, value, expiresAtMs)
    return 0
  }

  #set(namespace: string, key: string, value: Uint8Array, expiresAtMs: number): void {
    let data = this.#namespaces.get(namespace)
    if (data === undefined) {
      data = new DataNamespace()
      this.#namespaces.set(namespace, data)
    }
    data.set(key, { value, expiresAtMs, bytes: costOf(key, value) })
  }

  /** The name of the limit that a key or a value breaks, or null. */
  #checkSizes(key: string, value: Uint8Array): keyof DataLimits | null {
    if (Buffer.byteLength(key) > this.#limits.keyBytes) return 'keyBytes'
    return value.length > this.#limits.valueBytes ? 'valueBytes' : null
  }

  /** The name of the limit that more keys and bytes would break, after what has ended was freed. */
  #checkRoom(namespace: string, added: number, growth: number): keyof DataLimits | null {
    const refused = this.#missingRoom(namespace, added, growth)
    if (refused === null) return null
    const now = this.#nowMs()
    if (refused !== 'totalBytes') this.#namespaces.get(namespace)?.sweep(now)
    else for (const data of this.#namespaces.values()) data.sweep(now)
    return this.#missingRoom(namespace, added, growth)
  }

  #missingRoom(namespace: string, added: number, growth: number): keyof DataLimits | null {
    const data = this.#namespaces.get(namespace)
    const { keysPerNamespace, namespaceBytes, totalBytes } = this.#limits
    if (added > 0 && (data?.size ?? 0) + added > keysPerNamespace) return 'keysPerNamespace'
    if (growth <= 0) return null
    if ((data?.bytes ?? 0) + growth > namespaceBytes) return 'namespaceBytes'
    let total = growth
    for (const one of this.#namespaces.values()) total += one.bytes
    return total > totalBytes ? 'totalBytes' : null
  }
}

function costOf(key: string, value: Uint8Array): number {
  return DataNamespace.cost(Buffer.byteLength(key), value)
}

function endOf({ ttlMs }: DataOperation, nowMs: number): number {
  return ttlMs > 0 ? nowMs + ttlMs : Number.POSITIVE_INFINITY
}

function isSame(value: Uint8Array | null, expected: Uint8Array | null): boolean {
  if (value === null || expected === null) return value === expected
  return Buffer.compare(value, expected) === 0
}

/** The new value as text, the sum in `reply`; null when there is none. */
function addTo(
  value: Uint8Array | null,
  operation: DataOperation,
  reply: DataReply,
): Uint8Array | null {
  if (operation.kind === DataKind.addInteger) {
    const before = value === null ? 0n : parseInteger(value)
    if (before === null && !operation.isLenient) return null
    const sum = (before ?? 0n) + operation.integer
    if (!isInt64(sum)) return null
    reply.integer = sum
    return formatNumber(sum)
  }
  const before = value === null ? 0 : parseFloat64(value)
  if (before === null && !operation.isLenient) return null
  const sum = (before ?? 0) + operation.float
  if (!Number.isFinite(sum)) return null
  reply.float = sum
  return formatNumber(sum)
}
