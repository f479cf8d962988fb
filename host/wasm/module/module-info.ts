import type { ModuleLimits } from './module-limits.ts'
import type { ExternType, FunctionType, GlobalType, MemoryType, TableType } from './value-type.ts'

export type ExternKind = ExternType['kind']

export interface ModuleImport {
  readonly module: string
  readonly name: string
  readonly kind: ExternKind
  readonly type: ExternType
  /** Where the entry starts in the file. */
  readonly offset: number
}

export interface ModuleExport {
  readonly name: string
  readonly kind: ExternKind
  /** Into the index space of its kind, imports first. */
  readonly index: number
  readonly type: ExternType
  readonly offset: number
}

export interface CustomSection {
  readonly name: string
  /** Where the content (after the name) starts in the file. */
  readonly offset: number
  /** Bytes of the content. */
  readonly size: number
}

/** One section as it lies in the file: `[start] id, size [bodyStart] ... [end]`. */
export interface ModuleSection {
  readonly id: number
  readonly start: number
  readonly bodyStart: number
  readonly end: number
}

/** One function body: `[start] locals [codeStart] instructions [end]`; the size field is before `start`. */
export interface FunctionBody {
  readonly start: number
  readonly codeStart: number
  readonly end: number
  /** Declared locals, without the parameters. */
  readonly locals: number
}

/**
 * What a core module consists of, by reading its sections. Instructions are not looked at. Indices
 * that stand in sections are checked; types inside code are left to the engine's own validation.
 */
export interface ModuleInfo {
  readonly bytes: Uint8Array
  readonly limits: ModuleLimits
  readonly sections: ModuleSection[]
  readonly types: FunctionType[]
  readonly imports: ModuleImport[]
  readonly exports: ModuleExport[]
  /** The type index of every function, imports first. */
  readonly functions: number[]
  readonly tables: TableType[]
  readonly memories: MemoryType[]
  readonly globals: GlobalType[]
  /** How many of each index space come from imports. */
  readonly imported: { functions: number; tables: number; memories: number; globals: number }
  /** Functions whose reference is taken outside of code: they can be called through a table. */
  readonly referenced: Set<number>
  /** The function the start section names. */
  start: number | null
  elementSegments: number
  elementItems: number
  dataSegments: number
  /** Of the data count section. */
  dataCount: number | null
  readonly bodies: FunctionBody[]
  readonly customSections: CustomSection[]
}

/** The content of a custom section, without copying. */
export function customContent(info: ModuleInfo, section: CustomSection): Uint8Array {
  return info.bytes.subarray(section.offset, section.offset + section.size)
}
