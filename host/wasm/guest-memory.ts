/** Raised for a pointer or a length outside the guest's memory; ends the call like any other trap. */
export class GuestPointerError extends Error {
  constructor(pointer: number, length: number, size: number) {
    super(
      `pointer 0x${pointer.toString(16)} with length ${length} is outside the memory of ${size} bytes`,
    )
    this.name = 'GuestPointerError'
  }
}

/**
 * The host's window on the memory of one instance. Every pointer is checked here; a wrong one ends the
 * call. The view is cached: growing the memory detaches the old buffer, whose length is then 0.
 *
 * `latin1Write` and `latin1Slice` of Buffer are what makes a header access cost 50 to 80 ns; a loop over
 * bytes costs 3 times that, TextDecoder 5 times.
 */
export class GuestMemory {
  #fuel = new Float64Array([Number.MAX_SAFE_INTEGER])
  #memory: WebAssembly.Memory | null = null
  #view: Buffer = EMPTY

  /** Set once, after instantiation: the exports do not exist earlier. */
  attach(memory: WebAssembly.Memory): void {
    this.#memory = memory
    this.#view = Buffer.from(memory.buffer)
  }

  /**
   * What is left for host calls: each takes a base and one for every 8 bytes it moves. Apart from the
   * guest's own fuel, because reading an i64 global from here costs as much as a header access.
   */
  get hostFuel(): number {
    return this.#fuel[0] as number
  }

  set hostFuel(fuel: number) {
    this.#fuel[0] = fuel
  }

  /** From now on the fuel for host calls is the first number in `place`, where others take from it too. */
  keepFuelIn(place: Float64Array): void {
    place[0] = this.hostFuel
    this.#fuel = place as Float64Array<ArrayBuffer>
  }

  get byteLength(): number {
    return this.#memory?.buffer.byteLength ?? 0
  }

  latin1(pointer: number, length: number): string {
    const view = this.#at(pointer, length)
    return view.latin1Slice(pointer >>> 0, (pointer >>> 0) + (length >>> 0))
  }

  /**
   * The same, or `known` itself when these are its bytes. Making a string costs 120 ns, comparing a short
   * one 10, and the values that filters write are often those they wrote before.
   */
  latin1Or(known: string, pointer: number, length: number): string {
    const view = this.#at(pointer, length)
    const start = pointer >>> 0
    const size = length >>> 0
    if (size !== known.length || size > MAX_COMPARED) return view.latin1Slice(start, start + size)
    for (let i = 0; i < size; i++) {
      if (view[start + i] !== known.charCodeAt(i)) return view.latin1Slice(start, start + size)
    }
    return known
  }

  utf8(pointer: number, length: number): string {
    const view = this.#at(pointer, length)
    return view.utf8Slice(pointer >>> 0, (pointer >>> 0) + (length >>> 0))
  }

  /** A copy the guest cannot change afterwards. */
  copy(pointer: number, length: number): Uint8Array {
    const view = this.#at(pointer, length)
    return Uint8Array.prototype.slice.call(view, pointer >>> 0, (pointer >>> 0) + (length >>> 0))
  }

  /** Writes `text` when it fits in `cap` bytes; returns its whole length. */
  putLatin1(text: string, pointer: number, cap: number): number {
    const length = text.length
    if (length > cap >>> 0 || length === 0) return length
    const view = this.#at(pointer, length)
    view.latin1Write(text, pointer >>> 0, length)
    return length
  }

  putUtf8(text: string, pointer: number, cap: number): number {
    const bytes = Buffer.from(text, 'utf8')
    if (bytes.length <= cap >>> 0) this.putBytes(bytes, pointer)
    return bytes.length
  }

  putBytes(bytes: Uint8Array, pointer: number): void {
    if (bytes.length === 0) return
    this.#at(pointer, bytes.length).set(bytes, pointer >>> 0)
  }

  /** The whole memory, with room for `length` bytes at `pointer`; valid until the guest runs again. */
  room(pointer: number, length: number): Buffer {
    return this.#at(pointer, length)
  }

  /** The bytes themselves, to be written to; valid until the guest runs again. */
  window(pointer: number, length: number): Uint8Array {
    const view = this.#at(pointer, length)
    return view.subarray(pointer >>> 0, (pointer >>> 0) + (length >>> 0))
  }

  float64(pointer: number): number {
    return this.#at(pointer, 8).readDoubleLE(pointer >>> 0)
  }

  putInt64(value: bigint, pointer: number): void {
    this.#at(pointer, 8).writeBigInt64LE(value, pointer >>> 0)
  }

  putFloat64(value: number, pointer: number): void {
    this.#at(pointer, 8).writeDoubleLE(value, pointer >>> 0)
  }

  uint32(pointer: number): number {
    return this.#at(pointer, 4).readUInt32LE(pointer >>> 0)
  }

  putUint32(value: number, pointer: number): void {
    this.#at(pointer, 4).writeUInt32LE(value, pointer >>> 0)
  }

  /** An AssemblyScript string: UTF-16, its byte length at `pointer - 4`. "" for null. */
  managedString(pointer: number): string {
    const at = pointer >>> 0
    if (at < 4) return ''
    const length = this.#at(at - 4, 4).readUInt32LE(at - 4)
    const view = this.#at(at, Math.min(length, 16 * 1024))
    return view.ucs2Slice(at, at + Math.min(length, 16 * 1024))
  }

  /** Takes fuel for a host call that moves `bytes`; fails when there is none left. */
  charge(bytes: number): void {
    this.spend(HOST_CALL_FUEL + (bytes >>> 3))
  }

  /** Takes this much fuel; fails when there is none left. */
  spend(fuel: number): void {
    const left = (this.#fuel[0] as number) - fuel
    this.#fuel[0] = left
    if (left < 0) throw new OutOfFuel()
  }

  #at(pointer: number, length: number): Buffer {
    this.charge(length >>> 0)
    if (this.#view.length === 0 && this.#memory !== null) {
      this.#view = Buffer.from(this.#memory.buffer)
    }
    const end = (pointer >>> 0) + (length >>> 0)
    if (end > this.#view.length) {
      throw new GuestPointerError(pointer >>> 0, length >>> 0, this.#view.length)
    }
    return this.#view
  }
}

/** Longer texts are made anew: comparing them would cost what making them does. */
const MAX_COMPARED = 64

/** Fuel of a host call beside its bytes: about what it costs in instructions of a guest. */
export const HOST_CALL_FUEL = 50

class OutOfFuel extends Error {
  constructor() {
    super('out of fuel')
    this.name = 'OutOfFuel'
  }
}

const EMPTY = Buffer.alloc(0)
