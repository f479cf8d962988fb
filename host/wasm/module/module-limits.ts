/** Caps on one module, before anything of it is compiled. Every count is checked before memory is made for it. */
export interface ModuleLimits {
  /** Size of the file. */
  readonly moduleBytes: number
  /** Pages of 64 KiB: the largest minimum, and the maximum every memory gets. */
  readonly memoryPages: number
  /** The largest sum of the minimums of all tables, and the maximum every table gets. */
  readonly tableElems: number
  readonly types: number
  /** Parameters and results of one function type, together. */
  readonly valuesPerType: number
  readonly imports: number
  readonly exports: number
  readonly functions: number
  readonly tables: number
  readonly globals: number
  readonly elementSegments: number
  /** Entries of all element segments together. */
  readonly elementItems: number
  readonly dataSegments: number
  readonly customSections: number
  /** Contents of all custom sections together. */
  readonly customBytes: number
  /** One function's code, as it arrives. */
  readonly functionBytes: number
  /** Locals of one function, without its parameters. */
  readonly localsPerFunction: number
  /** Blocks inside blocks in one function. */
  readonly nesting: number
  /** Targets of one `br_table`. */
  readonly switchTargets: number
  /** One import, export or section name, in bytes. */
  readonly nameBytes: number
}

/**
 * Far above what a filter needs (the largest real one measured, a Go module of 3.4 MB, has 3,700
 * functions and loops), far below where V8 gives up or gets slow.
 */
export const DEFAULT_MODULE_LIMITS: ModuleLimits = Object.freeze({
  moduleBytes: 32 * 1024 * 1024,
  memoryPages: 256,
  tableElems: 10_000,
  types: 10_000,
  valuesPerType: 200,
  imports: 1_000,
  exports: 1_000,
  functions: 100_000,
  tables: 16,
  globals: 5_000,
  elementSegments: 10_000,
  elementItems: 100_000,
  dataSegments: 10_000,
  customSections: 1_000,
  customBytes: 32 * 1024 * 1024,
  functionBytes: 4 * 1024 * 1024,
  localsPerFunction: 10_000,
  nesting: 50_000,
  switchTargets: 65_520,
  nameBytes: 1_024,
})
