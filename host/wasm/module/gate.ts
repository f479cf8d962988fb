import { rewriteCode } from './code-rewriter.ts'
import { planFuel } from './fuel-plan.ts'
import type { FuelPlan } from './fuel-points.ts'
import { FUEL_EXPORT, GLOBAL_PREFIX, RESERVED_PREFIX, START_EXPORT } from './gate-names.ts'
import { invalid, overLimit } from './module-error.ts'
import type { ModuleInfo } from './module-info.ts'
import { DEFAULT_MODULE_LIMITS, type ModuleLimits } from './module-limits.ts'
import {
  type AddedExport,
  declaredContent,
  exportContent,
  globalContent,
  importContent,
  type SectionContents,
  writeModule,
} from './module-writer.ts'
import { OffsetMap } from './offset-map.ts'
import { readModule } from './reader.ts'
import type { ExternType, MemoryType, TableType } from './value-type.ts'

/** Raise it whenever the gate writes other bytes for the same module: cached results are keyed by it. */
export const GATE_VERSION = 1

/** What a gated module is, for `plugin inspect` and for the code that runs it. Plain data. */
export interface GateReport {
  readonly version: number
  readonly originalBytes: number
  readonly bytes: number
  readonly functions: number
  /** Places where fuel is taken, and how many of them can stop the guest. */
  readonly points: number
  readonly checks: number
  /** Optional parts of WebAssembly that the code uses. */
  readonly features: readonly string[]
  /** Pages; null for a module without memory. */
  readonly memory: { readonly minimum: number; readonly maximum: number } | null
  readonly hasStart: boolean
  /** Exports of the mutable globals the module defines, for snapshot and restore. */
  readonly mutableGlobals: readonly string[]
  /** State that a snapshot of memory and mutable globals does not hold; empty means it is whole. */
  readonly outsideSnapshot: readonly string[]
  /** What the gate changed apart from fuel, as sentences. */
  readonly notes: readonly string[]
}

export interface GatedModule {
  /** The module to compile in place of the one that arrived. */
  readonly bytes: Uint8Array
  readonly offsetMap: OffsetMap
  readonly report: GateReport
}

/**
 * The gate every module passes before it is compiled. Refuses what could hurt the process (a table
 * that grows without end aborts it, whatever thread it is in) and rewrites the rest: maximums for
 * tables and memories, the start section turned into an export, fuel in all code. Deterministic.
 * Synchronous and CPU-bound: 40 to 60 ms per MB. Errors as for `readModule`.
 */
export function gateModule(
  bytes: Uint8Array,
  limits: ModuleLimits = DEFAULT_MODULE_LIMITS,
): GatedModule {
  const info = readModule(bytes, limits)
  refuseReservedNames(info)
  const notes: string[] = []
  const memories = info.memories.map((memory) => boundMemory(info, memory, notes))
  const tables = boundTables(info, notes)
  const plan = planFuel(info)
  const fuelGlobal = info.globals.length
  const code = rewriteCode(info, plan, fuelGlobal)
  const exports = addedExports(info, fuelGlobal)
  const contents: SectionContents = new Map([
    [2, importContent(info, memories, tables)],
    [4, declaredContent(tables.slice(info.imported.tables))],
    [5, declaredContent(memories.slice(info.imported.memories))],
    [6, globalContent(info)],
    [7, exportContent(info, exports)],
    [8, null],
    [10, info.bodies.length === 0 ? null : code.content],
  ])
  const { output, codeStart } = writeModule(info, contents, notes)
  const offsetMap = new OffsetMap(
    Uint32Array.from(code.rewritten, (offset) => offset + codeStart),
    Uint32Array.from(code.original),
  )
  if (info.start !== null) notes.push('the start section became an export')
  const [memory] = memories
  const report: GateReport = {
    version: GATE_VERSION,
    originalBytes: bytes.length,
    bytes: output.length,
    functions: info.bodies.length,
    points: code.points,
    checks: code.checks,
    features: [...plan.features].sort((a, b) => (a < b ? -1 : 1)),
    memory:
      memory === undefined
        ? null
        : { minimum: memory.minimum, maximum: memory.maximum ?? limits.memoryPages },
    hasStart: info.start !== null,
    mutableGlobals: exports
      .filter((entry) => entry.name.startsWith(GLOBAL_PREFIX))
      .map((entry) => entry.name),
    outsideSnapshot: outsideSnapshot(info, plan),
    notes,
  }
  return { bytes: output, offsetMap, report }
}

const FUNCTION_EXPORT = 0
const GLOBAL_EXPORT = 3

function refuseReservedNames(info: ModuleInfo): void {
  const taken = info.exports.find((entry) => entry.name.startsWith(RESERVED_PREFIX))
  if (taken === undefined) return
  throw invalid(
    taken.offset,
    `the export "${taken.name}" has a name of the host's own: rename it, or give the module as it was built`,
  )
}

function boundMemory(info: ModuleInfo, memory: MemoryType, notes: string[]): MemoryType {
  const { memoryPages } = info.limits
  if (memory.minimum > memoryPages) {
    throw overLimit(placeOf(info, 'memory', 5), 'memoryPages', memory.minimum, memoryPages)
  }
  const maximum = Math.min(memory.maximum ?? memoryPages, memoryPages)
  if (maximum !== memory.maximum) {
    notes.push(`the memory's maximum is ${maximum} pages (${memory.maximum ?? 'none'} declared)`)
  }
  return { ...memory, maximum }
}

/** Every table gets the whole limit as its maximum; what they start with counts together. */
function boundTables(info: ModuleInfo, notes: string[]): TableType[] {
  const { tableElems } = info.limits
  let total = 0
  return info.tables.map((table, index) => {
    total += table.minimum
    if (total > tableElems) {
      throw overLimit(placeOf(info, 'table', 4), 'tableElems', total, tableElems)
    }
    const maximum = Math.min(table.maximum ?? tableElems, tableElems)
    if (maximum !== table.maximum) {
      const declared = table.maximum ?? 'none'
      notes.push(`the maximum of table ${index} is ${maximum} elements (${declared} declared)`)
    }
    return { ...table, maximum }
  })
}

function placeOf(info: ModuleInfo, kind: ExternType['kind'], section: number): number {
  return (
    info.sections.find((entry) => entry.id === section)?.bodyStart ??
    info.imports.find((entry) => entry.kind === kind)?.offset ??
    0
  )
}

function addedExports(info: ModuleInfo, fuelGlobal: number): AddedExport[] {
  const added: AddedExport[] = [{ name: FUEL_EXPORT, kind: GLOBAL_EXPORT, index: fuelGlobal }]
  if (info.start !== null) {
    added.push({ name: START_EXPORT, kind: FUNCTION_EXPORT, index: info.start })
  }
  for (const [index, global] of info.globals.entries()) {
    // JavaScript can neither read nor write a global of type v128.
    if (index < info.imported.globals || !global.mutable || global.value === 'v128') continue
    added.push({ name: GLOBAL_PREFIX + index, kind: GLOBAL_EXPORT, index })
  }
  return added
}

function outsideSnapshot(info: ModuleInfo, plan: FuelPlan): string[] {
  const parts: string[] = []
  if (info.globals.some((global) => global.mutable && global.value === 'v128')) {
    parts.push('globals of type v128')
  }
  if (plan.changesTables) parts.push('tables')
  if (plan.dropsSegments) parts.push('dropped segments')
  return parts
}
