/*
 * Searching in memory, on plain pointers. Bodies are megabytes and the host counts instructions, so the
 * search looks at eight bytes at a time.
 */

/** 0x01 in every byte. */
const ONES: u64 = ~(<u64>0) / 0xff
/** 0x80 in every byte. */
const HIGH_BITS: u64 = ONES << 7

/** The first place from `from` up to `end` that holds `byte`; `end` when there is none. */
export function findByte(from: usize, end: usize, byte: u32): usize {
  const pattern = <u64>byte * ONES
  while (from + 8 <= end) {
    // A byte that is equal becomes 0; the lowest high bit below marks the first of them.
    const word = load<u64>(from) ^ pattern
    const zeros = (word - ONES) & ~word & HIGH_BITS
    if (zeros != 0) return from + (<usize>ctz<u64>(zeros) >> 3)
    from += 8
  }
  while (from < end && <u32>load<u8>(from) != byte) from++
  return from
}

/** The first place from `from` up to `end` where the `length` bytes at `needle` stand; 0 when they do not. */
export function findBytes(from: usize, end: usize, needle: usize, length: usize): usize {
  if (length == 0 || length > end - from) return 0
  const first = <u32>load<u8>(needle)
  const limit = end - length + 1
  for (let at = findByte(from, limit, first); at < limit; at = findByte(at + 1, limit, first)) {
    if (memory.compare(at, needle, length) == 0) return at
  }
  return 0
}

/** A space, a tab or part of a line end. */
export function isSpace(byte: u32): bool {
  return byte == 0x20 || byte == 0x09 || byte == 0x0d || byte == 0x0a
}

/** A to Z as a to z, every other byte as it is. */
export function lower(byte: u32): u32 {
  return byte - 0x41 < 26 ? byte | 0x20 : byte
}
