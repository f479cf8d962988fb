import type { ByteReader } from './byte-reader.ts'
import { unsupported } from './module-error.ts'

/** What may stand in a local, a global, a parameter or a result. References are data only. */
export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'funcref' | 'externref'
export type ReferenceType = 'funcref' | 'externref'

export interface FunctionType {
  readonly kind: 'function'
  readonly params: readonly ValueType[]
  readonly results: readonly ValueType[]
}
export interface TableType {
  readonly kind: 'table'
  readonly element: ReferenceType
  readonly minimum: number
  /** Null when the module declares none. */
  readonly maximum: number | null
}
export interface MemoryType {
  readonly kind: 'memory'
  /** Pages of 64 KiB. */
  readonly minimum: number
  readonly maximum: number | null
}
export interface GlobalType {
  readonly kind: 'global'
  readonly value: ValueType
  readonly mutable: boolean
}
export type ExternType = FunctionType | TableType | MemoryType | GlobalType

/** `(i32, i32) -> i32`, as sdk/ABI.md writes signatures; `()` for neither parameters nor results. */
export function signatureOf(type: FunctionType): string {
  const params = `(${type.params.join(', ')})`
  if (type.results.length === 0) return params
  const results = type.results.join(', ')
  return `${params} -> ${type.results.length === 1 ? results : `(${results})`}`
}

/** Reads one value type; a type of a proposal that is not allowed is refused by its name. */
export function readValueType(reader: ByteReader): ValueType {
  const offset = reader.pos
  const byte = reader.u8()
  const type = valueTypeOf(byte)
  if (type !== undefined) return type
  refuseHeapType(byte, offset)
  throw reader.fail(`0x${byte.toString(16)} is not a value type`, offset)
}

export function readReferenceType(reader: ByteReader): ReferenceType {
  const offset = reader.pos
  const type = readValueType(reader)
  if (type === 'funcref' || type === 'externref') return type
  throw reader.fail(`${type} is not a reference type`, offset)
}

export function valueTypeOf(byte: number): ValueType | undefined {
  switch (byte) {
    case 0x7f:
      return 'i32'
    case 0x7e:
      return 'i64'
    case 0x7d:
      return 'f32'
    case 0x7c:
      return 'f64'
    case 0x7b:
      return 'v128'
    case 0x70:
      return 'funcref'
    case 0x6f:
      return 'externref'
    default:
      return undefined
  }
}

/**
 * Refuses the heap types of later proposals. GC types are not a matter of taste: allocating them
 * aborts the whole process when the heap of one worker is full (case W22).
 */
export function refuseHeapType(byte: number, offset: number): void {
  if (byte === 0x63 || byte === 0x64) throw unsupported(offset, 'typed function references')
  if (byte === 0x69 || byte === 0x74) throw unsupported(offset, 'exception handling')
  if (byte === 0x68 || byte === 0x75) throw unsupported(offset, 'stack switching')
  if (byte === 0x77 || byte === 0x78 || (byte >= 0x6a && byte <= 0x73)) {
    throw unsupported(offset, 'garbage collection')
  }
  if (byte === 0x65) throw unsupported(offset, 'threads')
}
