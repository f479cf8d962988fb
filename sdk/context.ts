import { byteLength, capacity, keyBytes, keyLength, reserve, scratch, utf8Bytes } from './buffer.ts'
import { ABSENT, refused } from './host-error.ts'
import { ctx_get, ctx_put } from './penstock_v1.ts'
import { copy, Text } from './text.ts'

/*
 * Data of one request, kept by the host from phase to phase: another instance of the filter may serve the
 * next one, so fields of the class are no place for it.
 */

/**
 * What was put under this key during this request, or null.
 *
 *     const tenant = ctx.get('tenant')
 *     if (tenant !== null) response.headers.set('x-tenant', tenant)
 */
export function get(key: string): string | null {
  const length = read(key)
  return length < 0 ? null : String.UTF8.decodeUnsafe(scratch, length)
}

/**
 * As `get`, as bytes: what was put as a Text comes back unchanged.
 *
 *     const agent = ctx.getText('agent')
 */
export function getText(key: string): Text | null {
  const length = read(key)
  return length < 0 ? null : copy(scratch, length)
}

/**
 * Keeps a string, an integer, a Text or bytes for later phases of this request: at most 64 keys of 256
 * bytes, and 64 KiB in all. Other plugins do not see it.
 *
 *     ctx.put('tenant', 'acme')
 */
export function put<T>(key: string, value: T): void {
  const bytes = utf8Bytes<T>(value)
  const length = byteLength
  const code = ctx_put(keyBytes(key), keyLength, bytes, length)
  if (code < 0) refused(code, `ctx "${key}"`)
}

function read(key: string): i32 {
  const pointer = keyBytes(key)
  let length = ctx_get(pointer, keyLength, scratch, capacity)
  if (length > capacity) {
    reserve(length)
    length = ctx_get(pointer, keyLength, scratch, capacity)
  }
  if (length < 0 && length != ABSENT) refused(length, `ctx "${key}"`)
  return length
}
