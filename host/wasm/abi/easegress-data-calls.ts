import { DATA_LIMITS } from '../data/data-limits.ts'
import { formatNumber, parseFloat64, parseInteger } from '../data/numbers.ts'
import { Errno } from '../limits.ts'
import type { GuestEnv } from './abi.ts'
import type { EasegressMemory } from './easegress-memory.ts'
import { refuse } from './guest-misuse.ts'

/** Bytes of data whose base64 is a value within the limits. */
const MAX_BINARY_BYTES = Math.floor(DATA_LIMITS.valueBytes / 4) * 3

/**
 * Easegress's "cluster" data: what is kept for a filter beyond one request, here in the one process. All
 * of it is text, numbers in decimal and binary data in base64, so that each call reads what another one
 * wrote and `wasm list-data` shows it. What is not there, or is no number, is "", no bytes, or 0.
 */
export function easegressDataImports({ data }: GuestEnv, values: EasegressMemory) {
  const { reply } = data
  const keyOf = (pointer: number): string => values.utf8(pointer, DATA_LIMITS.keyBytes)
  const read = (key: string): Uint8Array => {
    const code = data.get(key)
    if (code === Errno.absent) return NO_BYTES
    refuse(code, `the data "${key}"`)
    return reply.value
  }
  const write = (key: string, value: Uint8Array): void =>
    refuse(data.put(key, value, 0), `the data "${key}"`)

  return {
    host_cluster_get_binary(key: number): number {
      const text = Buffer.from(read(keyOf(key))).latin1Slice()
      return values.returnData(Buffer.from(text, 'base64'))
    },
    host_cluster_put_binary(key: number, value: number): void {
      const bytes = values.data(value, MAX_BINARY_BYTES)
      write(keyOf(key), Buffer.from(Buffer.from(bytes).toString('base64'), 'latin1'))
    },
    host_cluster_get_string: (key: number) => values.returnString(read(keyOf(key))),
    host_cluster_put_string(key: number, value: number): void {
      write(keyOf(key), values.stringBytes(value, DATA_LIMITS.valueBytes))
    },
    host_cluster_get_integer: (key: number) => parseInteger(read(keyOf(key))) ?? 0n,
    host_cluster_put_integer(key: number, value: bigint): void {
      write(keyOf(key), formatNumber(value))
    },
    host_cluster_add_integer(pointer: number, delta: bigint): bigint {
      const key = keyOf(pointer)
      refuse(data.addInteger(key, delta, 0, true), `the counter "${key}"`)
      return reply.integer
    },
    host_cluster_get_float: (key: number) => parseFloat64(read(keyOf(key))) ?? 0,
    host_cluster_put_float(key: number, value: number): void {
      write(keyOf(key), formatNumber(value))
    },
    host_cluster_add_float(pointer: number, delta: number): number {
      const key = keyOf(pointer)
      refuse(data.addFloat(key, delta, 0, true), `the counter "${key}"`)
      return reply.float
    },
    host_cluster_count_key(prefix: number): number {
      const code = data.count(keyOf(prefix))
      refuse(code, 'the number of keys')
      return code
    },
  }
}

const NO_BYTES = new Uint8Array(0)
