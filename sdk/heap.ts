/*
 * How the runtime lays out its heap (AssemblyScript's TLSF allocator): a root after the static data, then
 * blocks side by side, each an info word and its payload, and an empty block at the end.
 *
 *     │ root, 1572 bytes │ info │ payload … │ info │ payload … │ 0 │
 *                          size in bytes, bit 0: free, bit 1: the block before is free
 */

const ROOT_SIZE: usize = 1572
const ALIGN_MASK: usize = 15
const INFO_SIZE: usize = 4
const TAGS: usize = 3
const FREE: usize = 1

/**
 * Bytes of the objects that are in use, after a full collection: what a leak check compares. Walks the
 * whole heap: for tests and measurements, never for a request.
 */
export function liveBytes(): i32 {
  __collect()
  const root = (__heap_base + ALIGN_MASK) & ~ALIGN_MASK
  let block = ((root + ROOT_SIZE + INFO_SIZE + ALIGN_MASK) & ~ALIGN_MASK) - INFO_SIZE
  const end = (<usize>memory.size()) << 16
  let live: usize = 0
  while (block < end) {
    const info = load<usize>(block)
    const size = info & ~TAGS
    if (size == 0) break
    if ((info & FREE) == 0) live += size
    block += INFO_SIZE + size
  }
  return <i32>live
}
