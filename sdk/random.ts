import { refused } from './host-error.ts'
import { random_fill } from './penstock_v1.ts'
import { allocate, Text } from './text.ts'

/*
 * Numbers nobody can foretell, from the system's own source: fit for tokens and keys, which `Math.random()`
 * is not.
 */

/** Where the host puts random bytes. */
const eight: usize = heap.alloc(8)

/**
 * So many random bytes, at most 64 KiB.
 *
 *     const token = base64.encodeUrl(random.bytes(16))
 */
export function bytes(length: i32): Text {
  const made = allocate(length)
  const code = random_fill(changetype<usize>(made), length)
  if (code < 0) refused(code, 'random.bytes')
  return made
}

/**
 * A whole number of 32 bits.
 *
 *     const id = random.uint32()
 */
export function uint32(): u32 {
  random_fill(eight, 4)
  return load<u32>(eight)
}

/**
 * A number from 0 to 1, 1 excluded.
 *
 *     if (random.number() < 0.05) return result('sampled')
 */
export function number(): f64 {
  random_fill(eight, 8)
  // The upper 53 bits: as many as the number has.
  return <f64>(load<u64>(eight) >> 11) / 9007199254740992.0
}

/**
 * A whole number from 0 to `limit` - 1, each as likely as the others.
 *
 *     const server = servers[random.below(servers.length)]
 */
export function below(limit: i32): i32 {
  if (limit < 1) throw new Error('random.below: the limit must be 1 or more')
  const size = <u64>limit
  // The last, incomplete round of the range would make small numbers likelier.
  const end = (<u64>0x100000000 / size) * size
  let drawn = <u64>uint32()
  while (drawn >= end) drawn = <u64>uint32()
  return <i32>(drawn % size)
}
