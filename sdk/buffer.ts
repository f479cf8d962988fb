import { Text } from './text.ts'

/** Bytes the scratch buffer starts with: larger than nearly every header value. */
const INITIAL_CAPACITY: i32 = 4096

/** A larger one is given back after its use: an instance should not keep the size of its largest body. */
const KEPT_CAPACITY: i32 = 128 * 1024

/*
 * One buffer for everything that crosses the border to the host and is copied or consumed at once, so
 * that a header access allocates its value and nothing else. What it held before is never handed out:
 * readers copy the bytes that were written and no others.
 */

/** Where the host writes to. Valid until the next `reserve`. */
export let scratch: usize = heap.alloc(INITIAL_CAPACITY)
/** Bytes at `scratch`. */
export let capacity: i32 = INITIAL_CAPACITY
/** Length of what the last `latin1Bytes` or `utf8Bytes` returned. */
export let byteLength: i32 = 0

/** Makes room for `size` bytes at `scratch`; what was there is gone. */
export function reserve(size: i32): void {
  if (size <= capacity) return
  heap.free(scratch)
  // Twice what was there, so that values that grow step by step do not move it every time.
  capacity = max(size, min(capacity * 2, KEPT_CAPACITY))
  scratch = heap.alloc(capacity)
}

/** Gives a large buffer back. */
export function release(): void {
  if (capacity <= KEPT_CAPACITY) return
  heap.free(scratch)
  capacity = INITIAL_CAPACITY
  scratch = heap.alloc(capacity)
}

/**
 * The bytes of a header value, a path or a name: each character one byte. Returns a pointer; the length
 * is in `byteLength`. Both are valid until the next call, as long as `value` lives.
 */
export function latin1Bytes<T>(value: T): usize {
  if (isString<T>()) return encodeLatin1(present<T>(value))
  if (isInteger<T>()) return encodeLatin1(value.toString())
  return rawBytes<T>(value)
}

/** The bytes of a body, a context value or a log line: text is UTF-8. As `latin1Bytes` otherwise. */
export function utf8Bytes<T>(value: T): usize {
  if (isString<T>()) return encodeUtf8(present<T>(value))
  if (isInteger<T>()) return encodeLatin1(value.toString())
  return rawBytes<T>(value)
}

/** A string whose type may say that it is null. */
function present<T>(value: T): string {
  if (changetype<usize>(value) == 0) throw new Error('the value is null')
  return changetype<string>(changetype<usize>(value))
}

function rawBytes<T>(value: T): usize {
  if (isReference<T>()) {
    // The type of a `const` that was compared with null still says it may be null.
    if (changetype<usize>(value) == 0) throw new Error('the value is null')
    if (idof<T>() == idof<Text>()) {
      byteLength = changetype<Text>(value).length
      return changetype<usize>(value)
    }
    if (idof<T>() == idof<Uint8Array>()) {
      byteLength = changetype<Uint8Array>(value).byteLength
      return changetype<Uint8Array>(value).dataStart
    }
    if (idof<T>() == idof<ArrayBuffer>()) {
      byteLength = changetype<ArrayBuffer>(value).byteLength
      return changetype<usize>(value)
    }
  }
  ERROR('a value is a string, a Text, an integer, a Uint8Array or an ArrayBuffer')
  return 0
}

/** One byte a character, into `scratch`. Traps at a character past U+00FF: it has no byte. */
export function encodeLatin1(value: string): usize {
  const length = value.length
  if (length > capacity) reserve(length)
  const from = changetype<usize>(value)
  const to = scratch
  let seen: u32 = 0
  for (let i: usize = 0; i < <usize>length; i++) {
    const character = <u32>load<u16>(from + (i << 1))
    seen |= character
    store<u8>(to + i, character)
  }
  if (seen > 0xff) throw new Error(`"${value}" has a character that is not latin1`)
  byteLength = length
  return to
}

const KEY_CAPACITY: i32 = 256
const keyBuffer: usize = heap.alloc(KEY_CAPACITY * 3)

/** Length of what the last `keyBytes` returned. */
export let keyLength: i32 = 0

/** The UTF-8 bytes of a key, apart from `scratch`: a key and a value cross the border together. */
export function keyBytes(key: string): usize {
  if (key.length > KEY_CAPACITY) throw new Error(`the key "${key}" is longer than 256 characters`)
  keyLength = <i32>(
    String.UTF8.encodeUnsafe(
      changetype<usize>(key),
      key.length,
      keyBuffer,
      false,
      String.UTF8.ErrorMode.REPLACE,
    )
  )
  return keyBuffer
}

/** UTF-8 into `scratch`; a lone surrogate becomes U+FFFD. */
export function encodeUtf8(value: string): usize {
  const length = value.length
  // A UTF-16 unit never takes more than 3 bytes; a long text is measured, three times a body is too much.
  if (length > capacity / 3) reserve(<i32>String.UTF8.byteLength(value))
  byteLength = <i32>(
    String.UTF8.encodeUnsafe(
      changetype<usize>(value),
      length,
      scratch,
      false,
      String.UTF8.ErrorMode.REPLACE,
    )
  )
  return scratch
}
