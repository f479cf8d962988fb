// What Node has and its type package leaves out. The browser's library would bring WebAssembly too, but
// with it a thousand global names of a page, each of them a misspelling the compiler no longer finds.

declare namespace WebAssembly {
  type Callable = (...args: never[]) => unknown
  type ExportValue = Callable | Global | Memory | Table
  type ImportValue = ExportValue | Suspending | number | bigint
  type Exports = Record<string, ExportValue>
  type ModuleImports = Record<string, ImportValue>
  type Imports = Record<string, ModuleImports>
  type ExternKind = 'function' | 'global' | 'memory' | 'table' | 'tag'

  interface ModuleExportDescriptor {
    readonly name: string
    readonly kind: ExternKind
  }
  interface ModuleImportDescriptor {
    readonly module: string
    readonly name: string
    readonly kind: ExternKind
  }

  class Module {
    constructor(bytes: ArrayBufferView<ArrayBuffer> | ArrayBuffer)
    static exports(module: Module): ModuleExportDescriptor[]
    static imports(module: Module): ModuleImportDescriptor[]
    static customSections(module: Module, name: string): ArrayBuffer[]
    /** Keeps a plain object from passing for a module. */
    private readonly brand
  }
  class Instance {
    constructor(module: Module, imports?: Imports)
    readonly exports: Exports
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean })
    readonly buffer: ArrayBuffer
    /** Returns the former size; both in pages of 64 KiB. */
    grow(pages: number): number
  }
  class Table {
    constructor(descriptor: {
      element: 'anyfunc' | 'externref'
      initial: number
      maximum?: number
    })
    readonly length: number
    get(index: number): unknown
    set(index: number, value?: unknown): void
    grow(count: number, value?: unknown): number
  }
  class Global {
    constructor(
      descriptor: {
        value: 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'anyfunc' | 'externref'
        mutable?: boolean
      },
      value?: unknown,
    )
    value: unknown
  }
  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}
  class Exception extends Error {}

  function validate(bytes: ArrayBufferView<ArrayBuffer> | ArrayBuffer): boolean
  function compile(bytes: ArrayBufferView<ArrayBuffer> | ArrayBuffer): Promise<Module>
  function instantiate(module: Module, imports?: Imports): Promise<Instance>
  /** JavaScript Promise Integration: in Node without a flag since 24.20. */
  function promising(callable: Callable): (...args: never[]) => Promise<unknown>
  class Suspending {
    constructor(callable: (...args: never[]) => unknown)
    /** Keeps a plain object from passing for one. */
    private readonly brand
  }
}

/** The slice and write methods for one encoding each: a third of the time of `toString(encoding)` on short texts. */
interface Buffer {
  asciiSlice(start?: number, end?: number): string
  hexSlice(start?: number, end?: number): string
  latin1Slice(start?: number, end?: number): string
  ucs2Slice(start?: number, end?: number): string
  utf8Slice(start?: number, end?: number): string
  latin1Write(text: string, offset?: number, length?: number): number
  ucs2Write(text: string, offset?: number, length?: number): number
  utf8Write(text: string, offset?: number, length?: number): number
}
