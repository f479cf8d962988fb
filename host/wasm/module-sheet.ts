import type { PluginDescription } from './module/description.ts'
import type { GateReport } from './module/gate.ts'
import type { ModuleInfo } from './module/module-info.ts'
import type { SourceMapPlace } from './source-map.ts'

/** What a module is and says of itself; JSON data, for `plugin inspect`. */
export interface ModuleSheet {
  readonly digest: string
  readonly bytes: number
  /** Null when the module does not say, here and in `version`. */
  readonly name: string | null
  readonly version: string | null
  readonly abi: string
  readonly sdk: string | null
  readonly phases: readonly string[]
  readonly body: PluginDescription['body']
  /** In the order of their numbers. */
  readonly results: readonly string[]
  /** Keys of per-request data that it shares with other plugins. */
  readonly shared: readonly string[]
  readonly parameters: PluginDescription['parameters']
  /** Host calls by `module.name`, sorted. */
  readonly imports: readonly string[]
  /** Of one instance, after the gate. */
  readonly limits: {
    /** Pages of 64 KiB at most; null without a memory. */
    readonly memoryPages: number | null
    readonly functions: number
  }
  /** As the description asks for it. */
  readonly asks: Readonly<Record<string, unknown>>
  /** Whether `reset: request` can put all of its state back. */
  readonly canReset: boolean
  /** Where the source map is that leads from a trap to a line; null for none. */
  readonly sourceMap: SourceMapPlace | null
  /** What the gate has to say about it. */
  readonly notes: readonly string[]
}

export function moduleSheet(
  digest: string,
  description: PluginDescription,
  info: ModuleInfo,
  report: GateReport,
  sourceMap: SourceMapPlace | null,
): ModuleSheet {
  const imports = info.imports.map(({ module, name }) => `${module}.${name}`)
  const unknown = description.unknownFields.map(
    (field) => `its description has the field ${field}, which this gateway does not know`,
  )
  return {
    digest,
    bytes: info.bytes.length,
    name: description.name,
    version: description.version,
    abi: description.abi,
    sdk: description.sdk,
    phases: description.phases,
    body: description.body,
    results: description.results,
    shared: description.shared,
    parameters: description.parameters,
    imports: [...new Set(imports)].toSorted(),
    limits: { memoryPages: report.memory?.maximum ?? null, functions: report.functions },
    asks: description.grant,
    canReset: report.outsideSnapshot.length === 0,
    sourceMap,
    notes: [...report.notes, ...unknown],
  }
}
