import type { ByteReader } from './byte-reader.ts'
import { unsupported } from './module-error.ts'
import type { ModuleInfo } from './module-info.ts'

/**
 * Passes over one constant expression (initial values, segment offsets) up to its `end`, knowing
 * every instruction that may stand there and checking every index. Includes extended constant
 * expressions (add, sub, mul). Notes the functions that are referenced.
 */
export function skipConstant(reader: ByteReader, info: ModuleInfo): void {
  for (;;) {
    const offset = reader.pos
    const opcode = reader.u8()
    switch (opcode) {
      case 0x0b:
        return
      case 0x23:
        checkIndex(reader, info.globals.length, 'global')
        break
      case 0x41:
        reader.s32()
        break
      case 0x42:
        reader.skipS64()
        break
      case 0x43:
        reader.skip(4)
        break
      case 0x44:
        reader.skip(8)
        break
      case 0x6a:
      case 0x6b:
      case 0x6c:
      case 0x7c:
      case 0x7d:
      case 0x7e:
        break
      case 0xd0:
        readNullType(reader)
        break
      case 0xd2:
        info.referenced.add(checkIndex(reader, info.functions.length, 'function'))
        break
      case 0xfb:
        throw unsupported(offset, 'garbage collection')
      case 0xfd:
        if (reader.u32() !== 12) throw reader.fail('this is no constant instruction', offset)
        reader.skip(16)
        break
      default:
        throw reader.fail(`0x${opcode.toString(16)} is no constant instruction`, offset)
    }
  }
}

/** `ref.null` of the two reference types that are allowed; anything else is a later proposal. */
export function readNullType(reader: ByteReader): void {
  const offset = reader.pos
  const type = reader.u8()
  if (type !== 0x70 && type !== 0x6f) throw unsupported(offset, 'typed function references')
}

/** Reads an index and checks that the space it points into is that large. */
export function checkIndex(reader: ByteReader, size: number, space: string): number {
  const offset = reader.pos
  const index = reader.u32()
  if (index >= size) throw reader.fail(`there is no ${space} ${index}`, offset)
  return index
}
