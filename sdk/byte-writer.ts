import { allocate, Text } from './text.ts'

/** Bytes a writer starts with. */
const INITIAL: i32 = 1024

/**
 * Collects bytes. One writer at a time, in memory of its own: a text of many parts is made without a copy
 * for each of them. Call `start`, write, then `finish`.
 */
let buffer: usize = 0
let capacity: i32 = 0
let length: i32 = 0

export function start(): void {
  length = 0
}

export function byte(value: u32): void {
  if (length == capacity) grow(length + 1)
  store<u8>(buffer + length, <u8>value)
  length++
}

/** The characters of an ASCII text. */
export function ascii(text: string): void {
  const size = text.length
  if (size > capacity - length) grow(length + size)
  for (let i = 0; i < size; i++) store<u8>(buffer + length + i, <u8>text.charCodeAt(i))
  length += size
}

/** Bytes that may be written before the next check: the caller adds them with `added`. */
export function room(size: i32): usize {
  if (size > capacity - length) grow(length + size)
  return buffer + length
}

export function added(size: i32): void {
  length += size
}

/** What was written; a large buffer is given back. */
export function finish(): Text {
  const made = allocate(length)
  memory.copy(changetype<usize>(made), buffer, length)
  if (capacity > 128 * 1024) {
    heap.free(buffer)
    buffer = 0
    capacity = 0
  }
  length = 0
  return made
}

function grow(needed: i32): void {
  let size = max(capacity, INITIAL)
  while (size < needed) size <<= 1
  buffer = capacity == 0 ? heap.alloc(size) : heap.realloc(buffer, size)
  capacity = size
}
