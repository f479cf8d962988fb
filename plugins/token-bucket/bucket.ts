import { kv_cas, kv_delete, kv_get } from '@penstock/sdk/penstock_v1'

/*
 * A token bucket as one number: the moment at which it is full again, in microseconds since 1970. A request
 * moves that moment on by what its tokens take to come back; one that would move it further away than the
 * whole bucket takes is refused. Nothing has to be refilled, so a bucket that is full needs no entry.
 *
 * These are the raw host calls: whatever the store answers, the filter decides what becomes of the request.
 */

/** What became of taking from a bucket. */
export enum Taken {
  Yes,
  No,
  /** Others were faster, again and again. */
  Contended,
  /** The store has no room for one more bucket. */
  Full,
  /** The store did not answer in time. */
  Unavailable,
}

/** How often the others may be faster. */
const TRIES: i32 = 16

const ABSENT: i32 = -1
const TOO_LARGE: i32 = -4

/** Digits of a moment in microseconds; 18 are enough for the year 33658. */
const CAPACITY: i32 = 20
/** Characters of a key; each takes at most three bytes. */
const MAX_KEY: i32 = 256
const key: usize = heap.alloc(MAX_KEY * 3)
const former: usize = heap.alloc(CAPACITY)
const changed: usize = heap.alloc(CAPACITY)

/** The moment the bucket is full again, after the last `take`; microseconds since 1970. */
export let fullAt: i64 = 0

/**
 * Takes `cost` microseconds' worth of tokens out of the bucket of that name, whose whole content is worth
 * `depth`. Of all that ask at the same moment, from whatever thread, no more succeed than there are tokens:
 * the store writes only when nobody else has written since it was read.
 */
export function take(name: string, now: i64, cost: i64, depth: i64): Taken {
  if (name.length > MAX_KEY) throw new Error('the name of a bucket is too long')
  const keyLength = <i32>String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, key)
  for (let tries = 0; tries < TRIES; tries++) {
    const length = kv_get(key, keyLength, former, CAPACITY)
    if (length < 0 && length != ABSENT) return problemOf(length)
    // What is no number was not written by this filter: the bucket starts anew.
    if (length > CAPACITY) {
      kv_delete(key, keyLength)
      continue
    }
    const seen = length < 0 ? 0 : read(length)
    fullAt = max(seen, now)
    if (fullAt + cost - now > depth) return Taken.No
    const size = write(fullAt + cost)
    // In milliseconds, rounded up: an entry that is gone is a full bucket.
    const life = <f64>((fullAt + cost - now + 999) / 1000)
    const code = kv_cas(key, keyLength, former, length, changed, size, life)
    if (code == 1) {
      fullAt += cost
      return Taken.Yes
    }
    if (code < 0) return problemOf(code)
  }
  return Taken.Contended
}

function problemOf(code: i32): Taken {
  return code == TOO_LARGE ? Taken.Full : Taken.Unavailable
}

/** The digits at `former`; 0 for anything else. */
function read(length: i32): i64 {
  let value: i64 = 0
  if (length > 18) return 0
  for (let i = 0; i < length; i++) {
    const digit = <u32>load<u8>(former + i) - 0x30
    if (digit > 9) return 0
    value = value * 10 + digit
  }
  return value
}

/** The digits of a number at `changed`; answers how many. */
function write(value: i64): i32 {
  let count = 1
  for (let rest = value; rest >= 10; rest /= 10) count++
  for (let i = count - 1; i >= 0; i--) {
    store<u8>(changed + i, <u8>(value % 10) + 0x30)
    value /= 10
  }
  return count
}
