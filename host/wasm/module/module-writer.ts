import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import type { ModuleInfo } from './module-info.ts'
import { CUSTOM_SECTION, SECTIONS } from './reader.ts'
import type { MemoryType, TableType } from './value-type.ts'

/** New content by section id; null drops the section, undefined keeps it as it is. */
export type SectionContents = Map<number, Uint8Array | null | undefined>

/** An export the host needs and the module did not have; `kind` as the binary format numbers it. */
export interface AddedExport {
  readonly name: string
  readonly kind: number
  readonly index: number
}

/** The import section with bounded memories and tables; undefined when it imports none of them. */
export function importContent(
  info: ModuleInfo,
  memories: readonly MemoryType[],
  tables: readonly TableType[],
): Uint8Array | undefined {
  if (info.imported.memories === 0 && info.imported.tables === 0) return undefined
  const section = info.sections.find((entry) => entry.id === 2)
  if (section === undefined) return undefined
  // Only the last part of an entry changes, so each is copied up to it.
  const writer = new ByteWriter()
  writer.u32(info.imports.length)
  let memory = 0
  let table = 0
  for (const [i, { kind, offset }] of info.imports.entries()) {
    const reader = new ByteReader(info.bytes, offset, section.end, 'import section')
    reader.skip(reader.u32())
    reader.skip(reader.u32())
    const end = info.imports[i + 1]?.offset ?? section.end
    const type = kind === 'memory' ? memories[memory++] : kind === 'table' ? tables[table++] : null
    if (type === null || type === undefined) writer.copy(info.bytes, offset, end)
    else {
      writer.copy(info.bytes, offset, reader.pos + 1)
      writeLimited(writer, type)
    }
  }
  return writer.view()
}

/** A memory or table section; undefined when there is none. */
export function declaredContent(
  types: readonly (MemoryType | TableType)[],
): Uint8Array | undefined {
  if (types.length === 0) return undefined
  const writer = new ByteWriter()
  writer.u32(types.length)
  for (const type of types) writeLimited(writer, type)
  return writer.view()
}

function writeLimited(writer: ByteWriter, type: MemoryType | TableType): void {
  if (type.kind === 'table') writer.u8(type.element === 'funcref' ? 0x70 : 0x6f)
  writer.u8(1)
  writer.u32(type.minimum)
  writer.u32(type.maximum ?? type.minimum)
}

/** The global section with the fuel behind the last global. It starts at 0: a module that was given none stops at its first check. */
export function globalContent(info: ModuleInfo): Uint8Array {
  const writer = new ByteWriter()
  writer.u32(info.globals.length - info.imported.globals + 1)
  copyEntries(info, 6, writer)
  writer.raw(Uint8Array.of(0x7e, 1, 0x42, 0, 0x0b))
  return writer.view()
}

/** The export section with what the host needs. */
export function exportContent(info: ModuleInfo, added: readonly AddedExport[]): Uint8Array {
  const writer = new ByteWriter()
  writer.u32(info.exports.length + added.length)
  copyEntries(info, 7, writer)
  for (const { name, kind, index } of added) {
    writer.text(name)
    writer.u8(kind)
    writer.u32(index)
  }
  return writer.view()
}

/** Copies what follows the count of a section. */
function copyEntries(info: ModuleInfo, id: number, writer: ByteWriter): void {
  const section = info.sections.find((entry) => entry.id === id)
  if (section === undefined) return
  const reader = new ByteReader(info.bytes, section.bodyStart, section.end)
  reader.u32()
  writer.copy(info.bytes, reader.pos, section.end)
}

/**
 * Puts the sections together in their order; those that did not exist go where they belong. Tells
 * where the content of the code section starts.
 */
export function writeModule(
  info: ModuleInfo,
  contents: SectionContents,
  notes: string[],
): { output: Uint8Array; codeStart: number } {
  const writer = new ByteWriter(Math.ceil(info.bytes.length * 1.3) + 1024)
  writer.copy(info.bytes, 0, 8)
  const order = SECTIONS.map((section) => section.id)
  let codeStart = 0
  let next = 0
  const write = (id: number, content: Uint8Array): void => {
    writer.section(id, content)
    if (id === 10) codeStart = writer.length - content.length
  }
  const writeMissing = (end: number): void => {
    for (; next < end; next += 1) {
      const id = order[next] ?? 0
      const content = contents.get(id)
      const exists = info.sections.some((section) => section.id === id)
      if (!exists && content !== undefined && content !== null) write(id, content)
    }
  }
  for (const { id, start, bodyStart, end } of info.sections) {
    if (id === CUSTOM_SECTION) {
      if (isAboutOffsets(info, bodyStart)) notes.push('a section of code metadata was dropped')
      else writer.copy(info.bytes, start, end)
      continue
    }
    writeMissing(order.indexOf(id))
    next = order.indexOf(id) + 1
    const content = contents.get(id)
    if (content === undefined) writer.copy(info.bytes, start, end)
    else if (content !== null) write(id, content)
  }
  writeMissing(order.length)
  return { output: writer.view().slice(), codeStart }
}

/** Branch hints and their like hold offsets into functions, which are other ones now; all are optional. */
function isAboutOffsets(info: ModuleInfo, bodyStart: number): boolean {
  const reader = new ByteReader(info.bytes, bodyStart)
  return reader.name(info.limits.nameBytes).startsWith('metadata.code.')
}
