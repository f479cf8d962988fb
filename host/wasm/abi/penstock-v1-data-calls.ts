import { DATA_LIMITS } from '../data/data-limits.ts'
import { Errno } from '../limits.ts'
import type { GuestEnv } from './abi.ts'

/** Stands for "nothing" in place of a length. */
const NOTHING = -1

/**
 * The key-value part of the `penstock_v1` imports; sdk/ABI.md says what each one promises. Sizes are
 * checked before anything is copied out of the guest.
 */
export function penstockV1DataImports(env: GuestEnv): WebAssembly.ModuleImports {
  const { memory, data } = env
  const { reply } = data
  const isLongKey = (length: number): boolean => length >>> 0 > DATA_LIMITS.keyBytes
  const isLongValue = (length: number): boolean => length >>> 0 > DATA_LIMITS.valueBytes

  return {
    kv_get(keyPtr: number, keyLen: number, buf: number, cap: number): number {
      if (isLongKey(keyLen)) return Errno.tooLarge
      const code = data.get(memory.utf8(keyPtr, keyLen))
      if (code < 0) return code
      const { value } = reply
      if (value.length <= cap >>> 0) memory.putBytes(value, buf)
      return value.length
    },

    kv_put(keyPtr: number, keyLen: number, ptr: number, len: number, ttlMs: number): number {
      if (isLongKey(keyLen) || isLongValue(len)) return Errno.tooLarge
      if (!isLife(ttlMs)) return Errno.invalid
      return data.put(memory.utf8(keyPtr, keyLen), memory.copy(ptr, len), ttlMs)
    },

    kv_delete(keyPtr: number, keyLen: number): number {
      if (isLongKey(keyLen)) return Errno.tooLarge
      return data.delete(memory.utf8(keyPtr, keyLen))
    },

    kv_cas(
      keyPtr: number,
      keyLen: number,
      expectedPtr: number,
      expectedLen: number,
      ptr: number,
      len: number,
      ttlMs: number,
    ): number {
      const isExpected = expectedLen !== NOTHING
      if (isLongKey(keyLen) || isLongValue(len)) return Errno.tooLarge
      if (isExpected && isLongValue(expectedLen)) return Errno.tooLarge
      if (!isLife(ttlMs)) return Errno.invalid
      return data.swap(
        memory.utf8(keyPtr, keyLen),
        isExpected ? memory.copy(expectedPtr, expectedLen) : null,
        memory.copy(ptr, len),
        ttlMs,
      )
    },

    kv_add(keyPtr: number, keyLen: number, delta: bigint, ttlMs: number, out: number): number {
      if (isLongKey(keyLen)) return Errno.tooLarge
      if (!isLife(ttlMs)) return Errno.invalid
      const key = memory.utf8(keyPtr, keyLen)
      // A pointer that leads nowhere is told before anything is counted.
      memory.putInt64(0n, out)
      const code = data.addInteger(key, delta, ttlMs)
      if (code === 0) memory.putInt64(reply.integer, out)
      return code
    },

    kv_add_float(
      keyPtr: number,
      keyLen: number,
      delta: number,
      ttlMs: number,
      out: number,
    ): number {
      if (isLongKey(keyLen)) return Errno.tooLarge
      if (!isLife(ttlMs) || !Number.isFinite(delta)) return Errno.invalid
      const key = memory.utf8(keyPtr, keyLen)
      memory.putFloat64(0, out)
      const code = data.addFloat(key, delta, ttlMs)
      if (code === 0) memory.putFloat64(reply.float, out)
      return code
    },

    kv_count(ptr: number, len: number): number {
      if (isLongKey(len)) return Errno.tooLarge
      return data.count(memory.utf8(ptr, len))
    },
  }
}

/** Milliseconds; 0 for no end. */
function isLife(ttlMs: number): boolean {
  return ttlMs >= 0 && Number.isFinite(ttlMs)
}
