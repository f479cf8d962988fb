/**
 * FNV-1 of 32 bits over the latin1 bytes of `text`: the hash Easegress takes for keys, so that the same key
 * leads to the same place in a list (Go's hash/fnv, New32).
 */
export function fnv32(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash, 0x01000193) ^ (text.charCodeAt(i) & 0xff)
  }
  return hash >>> 0
}

/**
 * Spreads a hash over all of its bits (the finalizer of MurmurHash3). FNV leaves keys that differ in their
 * last letter near each other, and on a ring neighbors lead to the same endpoint.
 */
export function mix32(hash: number): number {
  let mixed = hash
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
