import type { ByteReader } from './byte-reader.ts'
import { checkIndex, skipConstant } from './constant-expression.ts'
import { overLimit, unsupported } from './module-error.ts'
import type { ExternKind, ModuleInfo } from './module-info.ts'
import {
  type ExternType,
  type FunctionType,
  type GlobalType,
  type MemoryType,
  readReferenceType,
  readValueType,
  refuseHeapType,
  type TableType,
  type ValueType,
} from './value-type.ts'

type SectionReader = (reader: ByteReader, info: ModuleInfo) => void

/** How each section's content is read, by the section's id. */
export const SECTION_READERS: Readonly<Record<number, SectionReader>> = {
  1: readTypes,
  2: readImports,
  3: readFunctions,
  4: readTables,
  5: readMemories,
  6: readGlobals,
  7: readExports,
  8: readStart,
  9: readElements,
  10: readCode,
  11: readData,
  12: readDataCount,
}

function readTypes(reader: ByteReader, info: ModuleInfo): void {
  const count = reader.count('types', info.limits.types)
  for (let i = 0; i < count; i += 1) {
    const offset = reader.pos
    const form = reader.u8()
    if (form === 0x4e || form === 0x50 || form === 0x4f || form === 0x5e || form === 0x5f) {
      throw unsupported(offset, 'garbage collection')
    }
    if (form === 0x5d) throw unsupported(offset, 'stack switching')
    if (form !== 0x60) throw reader.fail(`0x${form.toString(16)} is not a function type`, offset)
    const params = readValueTypes(reader, info, 0)
    const results = readValueTypes(reader, info, params.length)
    info.types.push({ kind: 'function', params, results })
  }
}

function readValueTypes(reader: ByteReader, info: ModuleInfo, already: number): ValueType[] {
  const count = reader.count('valuesPerType', info.limits.valuesPerType, already)
  const types: ValueType[] = []
  for (let i = 0; i < count; i += 1) types.push(readValueType(reader))
  return types
}

function readImports(reader: ByteReader, info: ModuleInfo): void {
  const count = reader.count('imports', info.limits.imports)
  for (let i = 0; i < count; i += 1) {
    const offset = reader.pos
    const module = reader.name(info.limits.nameBytes)
    const name = reader.name(info.limits.nameBytes)
    const kind = readKind(reader)
    const type = readImportType(reader, info, kind)
    info.imports.push({ module, name, kind, type, offset })
  }
}

function readImportType(reader: ByteReader, info: ModuleInfo, kind: ExternKind): ExternType {
  switch (kind) {
    case 'function': {
      info.imported.functions += 1
      return addFunction(reader, info)
    }
    case 'table': {
      info.imported.tables += 1
      return addTable(reader, info)
    }
    case 'memory': {
      info.imported.memories += 1
      return addMemory(reader, info)
    }
    case 'global': {
      info.imported.globals += 1
      return addGlobal(reader, info)
    }
  }
}

function readKind(reader: ByteReader): ExternKind {
  const offset = reader.pos
  const byte = reader.u8()
  if (byte === 4) throw unsupported(offset, 'exception handling')
  const kind = (['function', 'table', 'memory', 'global'] as const)[byte]
  if (kind === undefined) throw reader.fail(`${byte} is not a kind of import or export`, offset)
  return kind
}

function addFunction(reader: ByteReader, info: ModuleInfo): FunctionType {
  const index = checkIndex(reader, info.types.length, 'type')
  const type = info.types[index]
  if (type === undefined) throw reader.fail(`there is no type ${index}`)
  info.functions.push(index)
  return type
}

function addTable(reader: ByteReader, info: ModuleInfo): TableType {
  const offset = reader.pos
  if (info.tables.length >= info.limits.tables) {
    throw overLimit(offset, 'tables', info.tables.length + 1, info.limits.tables)
  }
  // 0x40 starts a table with an initial value.
  if (reader.peek() === 0x40) throw unsupported(offset, 'typed function references')
  const element = readReferenceType(reader)
  const { minimum, maximum } = readLimits(reader)
  const table: TableType = { kind: 'table', element, minimum, maximum }
  info.tables.push(table)
  return table
}

function addMemory(reader: ByteReader, info: ModuleInfo): MemoryType {
  const offset = reader.pos
  const { minimum, maximum } = readLimits(reader)
  if (minimum > 65_536) throw reader.fail(`${minimum} pages are more than 4 GiB`, offset)
  if (info.memories.length > 0) throw unsupported(offset, 'multiple memories')
  const memory: MemoryType = { kind: 'memory', minimum, maximum }
  info.memories.push(memory)
  return memory
}

function readLimits(reader: ByteReader): { minimum: number; maximum: number | null } {
  const offset = reader.pos
  const flags = reader.u8()
  if ((flags & 0x04) !== 0 && flags < 0x10) throw unsupported(offset, 'memory64')
  if ((flags & 0x02) !== 0 && flags < 0x10) throw unsupported(offset, 'threads')
  if ((flags & 0x08) !== 0 && flags < 0x10) throw unsupported(offset, 'custom page sizes')
  if (flags > 1) throw reader.fail(`0x${flags.toString(16)} are not flags of limits`, offset)
  const minimum = reader.u32()
  const maximum = flags === 1 ? reader.u32() : null
  if (maximum !== null && maximum < minimum) {
    throw reader.fail(`the maximum ${maximum} is below the minimum ${minimum}`, offset)
  }
  return { minimum, maximum }
}

function addGlobal(reader: ByteReader, info: ModuleInfo): GlobalType {
  const offset = reader.pos
  if (info.globals.length >= info.limits.globals) {
    throw overLimit(offset, 'globals', info.globals.length + 1, info.limits.globals)
  }
  const value = readValueType(reader)
  const at = reader.pos
  const flag = reader.u8()
  if (flag === 2 || flag === 3) throw unsupported(at, 'threads')
  if (flag > 1) throw reader.fail(`0x${flag.toString(16)} is not a mutability`, at)
  const global: GlobalType = { kind: 'global', value, mutable: flag === 1 }
  info.globals.push(global)
  return global
}

function readFunctions(reader: ByteReader, info: ModuleInfo): void {
  const count = reader.count('functions', info.limits.functions, info.functions.length)
  for (let i = 0; i < count; i += 1) addFunction(reader, info)
}

function readTables(reader: ByteReader, info: ModuleInfo): void {
  const count = reader.count('tables', info.limits.tables, info.tables.length)
  for (let i = 0; i < count; i += 1) addTable(reader, info)
}

function readMemories(reader: ByteReader, info: ModuleInfo): void {
  const count = reader.u32()
  for (let i = 0; i < count; i += 1) addMemory(reader, info)
}

function readGlobals(reader: ByteReader, info: ModuleInfo): void {
  const count = reader.count('globals', info.limits.globals, info.globals.length)
  for (let i = 0; i < count; i += 1) {
    addGlobal(reader, info)
    skipConstant(reader, info)
  }
}

function readExports(reader: ByteReader, info: ModuleInfo): void {
  const count = reader.count('exports', info.limits.exports)
  const names = new Set<string>()
  for (let i = 0; i < count; i += 1) {
    const offset = reader.pos
    const name = reader.name(info.limits.nameBytes)
    if (names.has(name)) throw reader.fail(`the name "${name}" stands twice`, offset)
    names.add(name)
    const kind = readKind(reader)
    const index = reader.u32()
    const type = externType(info, kind, index)
    if (type === undefined) throw reader.fail(`there is no ${kind} ${index}`, offset)
    info.exports.push({ name, kind, index, type, offset })
  }
}

function externType(info: ModuleInfo, kind: ExternKind, index: number): ExternType | undefined {
  if (kind === 'function') return info.types[info.functions[index] ?? -1]
  if (kind === 'table') return info.tables[index]
  if (kind === 'memory') return info.memories[index]
  return info.globals[index]
}

function readStart(reader: ByteReader, info: ModuleInfo): void {
  const offset = reader.pos
  const index = checkIndex(reader, info.functions.length, 'function')
  const type = info.types[info.functions[index] ?? -1]
  if (type === undefined || type.params.length > 0 || type.results.length > 0) {
    throw reader.fail('the start function takes or returns values', offset)
  }
  info.start = index
}

function readElements(reader: ByteReader, info: ModuleInfo): void {
  info.elementSegments = reader.count('elementSegments', info.limits.elementSegments)
  for (let i = 0; i < info.elementSegments; i += 1) {
    const offset = reader.pos
    const flags = reader.u32()
    if (flags > 7) throw reader.fail(`${flags} are not flags of a segment`, offset)
    // Bit 0: not active; bit 1: table index (or declarative); bit 2: expressions in place of indices.
    if ((flags & 1) === 0) {
      if ((flags & 2) !== 0) checkIndex(reader, info.tables.length, 'table')
      else if (info.tables.length === 0) throw reader.fail('there is no table 0', offset)
      skipConstant(reader, info)
    }
    if ((flags & 3) !== 0) readElementKind(reader, (flags & 4) !== 0)
    const { elementItems } = info.limits
    const items = reader.count('elementItems', elementItems, info.elementItems)
    info.elementItems += items
    for (let item = 0; item < items; item += 1) {
      if ((flags & 4) !== 0) skipConstant(reader, info)
      else info.referenced.add(checkIndex(reader, info.functions.length, 'function'))
    }
  }
}

function readElementKind(reader: ByteReader, isType: boolean): void {
  const offset = reader.pos
  if (isType) {
    readReferenceType(reader)
    return
  }
  const kind = reader.u8()
  refuseHeapType(kind, offset)
  if (kind !== 0) throw reader.fail(`${kind} is not a kind of elements`, offset)
}

function readDataCount(reader: ByteReader, info: ModuleInfo): void {
  const offset = reader.pos
  const count = reader.u32()
  const { dataSegments } = info.limits
  if (count > dataSegments) throw overLimit(offset, 'dataSegments', count, dataSegments)
  info.dataCount = count
}

function readCode(reader: ByteReader, info: ModuleInfo): void {
  const { functions, functionBytes, localsPerFunction } = info.limits
  const count = reader.count('functions', functions)
  const sectionEnd = reader.end
  for (let i = 0; i < count; i += 1) {
    const offset = reader.pos
    const size = reader.u32()
    if (size > functionBytes) throw overLimit(offset, 'functionBytes', size, functionBytes)
    const start = reader.pos
    reader.skip(size)
    const end = reader.pos
    reader.pos = start
    reader.end = end
    const groups = reader.u32()
    let locals = 0
    for (let group = 0; group < groups; group += 1) {
      const at = reader.pos
      locals += reader.u32()
      if (locals > localsPerFunction) {
        throw overLimit(at, 'localsPerFunction', locals, localsPerFunction)
      }
      readValueType(reader)
    }
    info.bodies.push({ start, codeStart: reader.pos, end, locals })
    reader.pos = end
    reader.end = sectionEnd
  }
}

function readData(reader: ByteReader, info: ModuleInfo): void {
  info.dataSegments = reader.count('dataSegments', info.limits.dataSegments)
  for (let i = 0; i < info.dataSegments; i += 1) {
    const offset = reader.pos
    const flags = reader.u32()
    if (flags > 2) throw reader.fail(`${flags} are not flags of a segment`, offset)
    if (flags !== 1) {
      const memory = flags === 2 ? reader.u32() : 0
      if (memory >= info.memories.length) throw reader.fail(`there is no memory ${memory}`, offset)
      skipConstant(reader, info)
    }
    reader.skip(reader.u32())
  }
}
