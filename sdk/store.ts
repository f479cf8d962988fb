import { byteLength, capacity, keyBytes, keyLength, reserve, scratch, utf8Bytes } from './buffer.ts'
import { ABSENT, INVALID, refused } from './host-error.ts'
import { kv_add, kv_add_float, kv_cas, kv_count, kv_delete, kv_get, kv_put } from './penstock_v1.ts'
import { copy, Text } from './text.ts'

/*
 * Data that outlives a request: shared by all instances and versions of the plugin, and by no other
 * plugin. It is kept in the gateway's memory, survives a swap of the plugin and ends with the gateway.
 * Every operation takes effect at once, also when the phase fails later, and no other one comes between.
 *
 * Lives are in milliseconds; 0 has no end. At most 10,000 keys of 256 bytes, 64 KiB a value, 16 MiB in
 * all, and 256 operations in one phase. Past a limit, or when the gateway is too busy to answer within
 * 5 ms, the request fails (`wasmError`).
 */

/**
 * What is kept under this key, or null.
 *
 *     const tenant = store.get(`tenant:${name}`)
 */
export function get(key: string): string | null {
  const length = read(key)
  return length < 0 ? null : String.UTF8.decodeUnsafe(scratch, length)
}

/** As `get`, as bytes: what was put as a Text comes back unchanged. */
export function getText(key: string): Text | null {
  const length = read(key)
  return length < 0 ? null : copy(scratch, length)
}

/**
 * The integer under this key; `fallback` when there is none, or something else.
 *
 *     if (store.getInteger('errors') > 100) return reply(503, 'later')
 */
export function getInteger(key: string, fallback: i64 = 0): i64 {
  const text = get(key)
  if (text === null) return fallback
  const number = I64.parseInt(text)
  return number.toString() == text ? number : fallback
}

/** The number under this key; `fallback` when there is none, or something else. */
export function getFloat(key: string, fallback: f64 = 0): f64 {
  const text = get(key)
  if (text === null) return fallback
  const number = F64.parseFloat(text)
  return isFinite(number) ? number : fallback
}

/**
 * Keeps a string, an integer, a Text or bytes.
 *
 *     store.put(`session:${id}`, user, 30 * 60 * 1000)
 */
export function put<T>(key: string, value: T, life: i64 = 0): void {
  const bytes = utf8Bytes<T>(value)
  const length = byteLength
  const code = kv_put(keyBytes(key), keyLength, bytes, length, <f64>life)
  if (code < 0) fail(code, key)
}

/** Forgets a key; true when there was one. */
export function remove(key: string): bool {
  const code = kv_delete(keyBytes(key), keyLength)
  if (code < 0) fail(code, key)
  return code == 1
}

/**
 * Writes only when `expected` is what is there now, null for nothing; true when it did. Of any number of
 * requests that try the same, one succeeds.
 *
 *     if (store.swap('leader', null, id, 10_000)) log.info('this one leads now')
 */
export function swap<T>(key: string, expected: string | null, value: T, life: i64 = 0): bool {
  // Apart from `scratch`, which the value takes.
  let former: ArrayBuffer | null = null
  let formerLength: i32 = -1
  if (expected !== null) {
    const encoded = String.UTF8.encode(expected)
    former = encoded
    formerLength = encoded.byteLength
  }
  const bytes = utf8Bytes<T>(value)
  const code = kv_cas(
    keyBytes(key),
    keyLength,
    changetype<usize>(former),
    formerLength,
    bytes,
    byteLength,
    <f64>life,
  )
  if (code < 0) fail(code, key)
  return code == 1
}

/**
 * Adds to an integer, which is 0 before its first time, and returns the sum. `life` counts from that first
 * time on, so a limit of 100 a minute is:
 *
 *     if (store.add(`calls:${client}`, 1, 60_000) > 100) return reply(429, 'slow down')
 */
export function add(key: string, delta: i64 = 1, life: i64 = 0): i64 {
  const code = kv_add(keyBytes(key), keyLength, delta, <f64>life, sum)
  if (code < 0) fail(code, key)
  return load<i64>(sum)
}

/** As `add`, for numbers with a fraction. */
export function addFloat(key: string, delta: f64, life: i64 = 0): f64 {
  const code = kv_add_float(keyBytes(key), keyLength, delta, <f64>life, sum)
  if (code < 0) fail(code, key)
  return load<f64>(sum)
}

/**
 * How many keys begin with this. The gateway looks at every key for it: not for each request of many.
 *
 *     const open = store.count('session:')
 */
export function count(prefix: string = ''): i32 {
  const code = kv_count(keyBytes(prefix), keyLength)
  if (code < 0) fail(code, prefix)
  return code
}

function fail(code: i32, key: string): void {
  const what = `store "${key}"`
  if (code == INVALID) {
    throw new Error(`${what}: the key is empty, the life is negative, or there is no number`)
  }
  refused(code, what)
}

/** Where the host puts a sum. */
const sum: usize = heap.alloc(8)

function read(key: string): i32 {
  const pointer = keyBytes(key)
  let length = kv_get(pointer, keyLength, scratch, capacity)
  // Again and again: another request may put a longer one meanwhile.
  while (length > capacity) {
    reserve(length)
    length = kv_get(pointer, keyLength, scratch, capacity)
  }
  if (length < 0 && length != ABSENT) fail(length, key)
  return length
}
