import { ByteReader } from './byte-reader.ts'
import { checkPreamble } from './file-kind.ts'
import { overLimit, unsupported } from './module-error.ts'
import type { ModuleInfo } from './module-info.ts'
import { DEFAULT_MODULE_LIMITS, type ModuleLimits } from './module-limits.ts'
import { SECTION_READERS } from './sections.ts'

/** Id of the custom section; all other ids are in SECTIONS. */
export const CUSTOM_SECTION = 0
export const TAG_SECTION = 13

/** Every section that is not custom, in the order the specification (5.5.2) demands. */
export const SECTIONS: readonly { readonly id: number; readonly name: string }[] = [
  { id: 1, name: 'type' },
  { id: 2, name: 'import' },
  { id: 3, name: 'function' },
  { id: 4, name: 'table' },
  { id: 5, name: 'memory' },
  { id: 6, name: 'global' },
  { id: 7, name: 'export' },
  { id: 8, name: 'start' },
  { id: 9, name: 'element' },
  { id: 12, name: 'data count' },
  { id: 10, name: 'code' },
  { id: 11, name: 'data' },
]

/**
 * Reads a core WebAssembly module without compiling it. Throws GUEST_MODULE_INVALID for bytes that
 * are no valid module, GUEST_MODULE_FEATURE for proposals that are not allowed and
 * GUEST_MODULE_LIMIT past a limit, each with the offset. The info refers to `bytes`: do not change them.
 */
export function readModule(
  bytes: Uint8Array,
  limits: ModuleLimits = DEFAULT_MODULE_LIMITS,
): ModuleInfo {
  if (bytes.length > limits.moduleBytes) {
    throw overLimit(0, 'moduleBytes', bytes.length, limits.moduleBytes)
  }
  checkPreamble(bytes)
  const info = emptyInfo(bytes, limits)
  const reader = new ByteReader(bytes, 8)
  let rank = -1
  let customBytes = 0
  while (reader.pos < bytes.length) {
    reader.end = bytes.length
    reader.place = 'section header'
    const start = reader.pos
    const id = reader.u8()
    const size = reader.u32()
    const bodyStart = reader.pos
    reader.skip(size)
    const end = reader.pos
    reader.pos = bodyStart
    reader.end = end
    info.sections.push({ id, start, bodyStart, end })

    if (id === CUSTOM_SECTION) {
      customBytes += size
      if (customBytes > limits.customBytes) {
        throw overLimit(start, 'customBytes', customBytes, limits.customBytes)
      }
      readCustom(reader, info)
      continue
    }
    if (id === TAG_SECTION) throw unsupported(start, 'exception handling')
    const next = SECTIONS.findIndex((section) => section.id === id)
    const section = SECTIONS[next]
    if (section === undefined) throw reader.fail(`unknown section ${id}`, start)
    reader.place = `${section.name} section`
    if (next === rank) throw reader.fail('it stands twice', start)
    if (next < rank) throw reader.fail('it stands in the wrong order', start)
    rank = next
    SECTION_READERS[id]?.(reader, info)
    if (reader.pos !== end) {
      throw reader.fail(`${end - reader.pos} bytes are left over after its last entry`)
    }
  }
  checkCounts(info, reader)
  return info
}

function readCustom(reader: ByteReader, info: ModuleInfo): void {
  reader.place = 'custom section'
  const count = info.customSections.length + 1
  if (count > info.limits.customSections) {
    throw overLimit(reader.pos, 'customSections', count, info.limits.customSections)
  }
  const name = reader.name(info.limits.nameBytes)
  info.customSections.push({ name, offset: reader.pos, size: reader.end - reader.pos })
  reader.pos = reader.end
}

function checkCounts(info: ModuleInfo, reader: ByteReader): void {
  const declared = info.functions.length - info.imported.functions
  reader.place = 'code section'
  if (declared !== info.bodies.length) {
    throw reader.fail(`${declared} functions are declared, ${info.bodies.length} have code`)
  }
  reader.place = 'data section'
  if (info.dataCount !== null && info.dataCount !== info.dataSegments) {
    throw reader.fail(`${info.dataCount} segments are announced, ${info.dataSegments} are there`)
  }
}

function emptyInfo(bytes: Uint8Array, limits: ModuleLimits): ModuleInfo {
  return {
    bytes,
    limits,
    sections: [],
    types: [],
    imports: [],
    exports: [],
    functions: [],
    tables: [],
    memories: [],
    globals: [],
    imported: { functions: 0, tables: 0, memories: 0, globals: 0 },
    referenced: new Set(),
    start: null,
    elementSegments: 0,
    elementItems: 0,
    dataSegments: 0,
    dataCount: null,
    bodies: [],
    customSections: [],
  }
}
