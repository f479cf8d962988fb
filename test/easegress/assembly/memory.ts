/*
 * Values between a guest and Easegress's host. What the host returns lies in memory it got from
 * `wasm_alloc`, and the guest frees it.
 */

export function wasm_alloc(size: i32): usize {
  return heap.alloc(size)
}

export function wasm_free(pointer: usize): void {
  heap.free(pointer)
}

/** A string as the host takes it: its length with the byte 0 at the end, and the bytes. */
export function text(value: string): ArrayBuffer {
  const size = String.UTF8.byteLength(value, true)
  const buffer = new ArrayBuffer(4 + size)
  const pointer = changetype<usize>(buffer)
  store<u32>(pointer, size)
  String.UTF8.encodeUnsafe(changetype<usize>(value), value.length, pointer + 4, true)
  return buffer
}

/** Bytes as the host takes them. */
export function data(bytes: Uint8Array): ArrayBuffer {
  const buffer = new ArrayBuffer(4 + bytes.length)
  store<u32>(changetype<usize>(buffer), bytes.length)
  memory.copy(changetype<usize>(buffer) + 4, bytes.dataStart, bytes.length)
  return buffer
}

/** Where it begins, for a host call. */
export function at(buffer: ArrayBuffer): usize {
  return changetype<usize>(buffer)
}

/** A string the host returned; its memory is freed. */
export function takeText(pointer: usize): string {
  const value = String.UTF8.decodeUnsafe(pointer + 4, load<u32>(pointer) - 1)
  heap.free(pointer)
  return value
}

/** Bytes the host returned; their memory is freed. */
export function takeData(pointer: usize): Uint8Array {
  const bytes = new Uint8Array(load<u32>(pointer))
  memory.copy(bytes.dataStart, pointer + 4, bytes.length)
  heap.free(pointer)
  return bytes
}

/** Strings the host returned; their memory is freed. */
export function takeTexts(pointer: usize): string[] {
  const count = load<u32>(pointer)
  const values: string[] = []
  let from = pointer + 4
  for (let i: u32 = 0; i < count; i++) {
    const size = load<u32>(from)
    values.push(String.UTF8.decodeUnsafe(from + 4, size - 1))
    from += 4 + size
  }
  heap.free(pointer)
  return values
}

/** The parameters of `wasm_init`. */
export function takeParameters(pointer: usize): Map<string, string> {
  const pairs = takeTexts(pointer)
  const parameters = new Map<string, string>()
  for (let i = 0; i + 1 < pairs.length; i += 2) parameters.set(pairs[i], pairs[i + 1])
  return parameters
}
