import { existsSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, relative, resolve } from 'node:path'
import { type Diagnostic, diagnosticAt } from './diagnostic.ts'
import { explainSyntax } from './scan-language-syntax.ts'
import type {
  ClassNode,
  ExportNode,
  ImportNode,
  NamedType,
  ParserMessage,
  SourceNode,
  SyntaxApi,
  SyntaxNode,
} from './syntax.ts'

/** What a name stands for: something the SDK exports, or a class of the plugin. */
export type PluginSymbol =
  | { readonly kind: 'sdk'; readonly name: string }
  | { readonly kind: 'class'; readonly source: SourceNode; readonly node: ClassNode }

const SDK = '~lib/@penstock/sdk'

/**
 * The parsed sources of one plugin: its entry and what that imports by relative paths. Packages are left
 * to the compiler; of the SDK only the names are known here.
 */
export class PluginSources {
  readonly #api: SyntaxApi
  readonly #dir: string
  readonly #byPath = new Map<string, SourceNode>()
  readonly #explained = new Set<SourceNode>()
  readonly diagnostics: Diagnostic[] = []

  private constructor(api: SyntaxApi, dir: string) {
    this.#api = api
    this.#dir = dir
  }

  /** Reads and parses `entry` (an absolute path) and all it leads to. */
  static parse(api: SyntaxApi, entry: string): PluginSources {
    const sources = new PluginSources(api, dirname(entry))
    const messages: ParserMessage[] = []
    const parser = new api.Parser(messages)
    parser.parseFile(readFileSync(entry, 'utf8'), relative(dirname(entry), entry), true)
    for (let path = parser.nextFile(); path !== null; path = parser.nextFile()) {
      if (path.startsWith('~lib/')) continue
      const file = sources.#locate(path)
      // A file that is not there is reported by the compiler, with the import that asks for it.
      if (file !== null) {
        parser.parseFile(
          readFileSync(file, 'utf8'),
          `${file === sources.#path(`${path}/index.ts`) ? `${path}/index` : path}.ts`,
          false,
        )
      }
    }
    for (const source of parser.sources) sources.#byPath.set(source.internalPath, source)
    for (const message of messages) sources.#addParserMessage(message)
    return sources
  }

  /** Every source, the entry first. */
  all(): IterableIterator<SourceNode> {
    return this.#byPath.values()
  }

  get entry(): SourceNode {
    const [first] = this.#byPath.values()
    // `parse` has parsed the entry first.
    return first as SourceNode
  }

  /** The absolute path of a source. */
  fileOf(source: SourceNode): string {
    return this.#path(source.normalizedPath)
  }

  /** Adds an error about a node. */
  report(
    source: SourceNode,
    node: SyntaxNode,
    message: string,
    suggestion: string | null = null,
  ): void {
    const { start, end } = node.range
    this.diagnostics.push(
      diagnosticAt('error', this.fileOf(source), source.text, start, end, message, suggestion),
    )
  }

  /** What `name` stands for where it is used in `source`; undefined when it is neither SDK nor class. */
  resolve(source: SourceNode, name: string): PluginSymbol | undefined {
    const { NodeKind } = this.#api
    for (const statement of source.statements) {
      if (statement.kind === NodeKind['ClassDeclaration']) {
        const node = statement as ClassNode
        if (node.name.text === name) return { kind: 'class', source, node }
      } else if (statement.kind === NodeKind['Import']) {
        const node = statement as ImportNode
        const found = node.declarations?.find((declaration) => declaration.name.text === name)
        if (found !== undefined) return this.#exported(node.internalPath, found.foreignName.text)
      }
    }
    return undefined
  }

  /** As `resolve`, for a type: `Filter`, or `sdk.Filter` after `import * as sdk`. */
  resolveType(source: SourceNode, type: NamedType): PluginSymbol | undefined {
    if (type.name === undefined) return undefined
    const { identifier, next } = type.name
    if (next === null) return this.resolve(source, identifier.text)
    const path = this.namespace(source, identifier.text)
    return path === undefined ? undefined : this.#exported(path, next.identifier.text)
  }

  /** The path behind `import * as name`, or undefined. */
  namespace(source: SourceNode, name: string): string | undefined {
    for (const statement of source.statements) {
      if (statement.kind !== this.#api.NodeKind['Import']) continue
      const node = statement as ImportNode
      if (node.namespaceName?.text === name) return node.internalPath
    }
    return undefined
  }

  /** Every name the entry exports and what it stands for. */
  exports(
    source: SourceNode = this.entry,
    seen = new Set<SourceNode>(),
  ): Map<string, PluginSymbol> {
    const { NodeKind, CommonFlags } = this.#api
    const found = new Map<string, PluginSymbol>()
    if (seen.has(source)) return found
    seen.add(source)
    for (const statement of source.statements) {
      if (statement.kind === NodeKind['ClassDeclaration']) {
        const node = statement as ClassNode
        if ((node.flags & (CommonFlags['Export'] ?? 0)) !== 0) {
          found.set(node.name.text, { kind: 'class', source, node })
        }
      } else if (statement.kind === NodeKind['Export']) {
        this.#addExports(statement as ExportNode, source, found, seen)
      }
    }
    return found
  }

  #addExports(
    node: ExportNode,
    source: SourceNode,
    found: Map<string, PluginSymbol>,
    seen: Set<SourceNode>,
  ): void {
    if (node.members === null) {
      const target = this.#byPath.get(node.internalPath ?? '')
      if (target === undefined) return
      for (const [name, symbol] of this.exports(target, seen)) found.set(name, symbol)
      return
    }
    for (const { localName, exportedName } of node.members) {
      const symbol =
        node.internalPath === null
          ? this.resolve(source, localName.text)
          : this.#exported(node.internalPath, localName.text)
      if (symbol !== undefined) found.set(exportedName.text, symbol)
    }
  }

  #exported(path: string, name: string): PluginSymbol | undefined {
    if (path === SDK || path === `${SDK}/index`) return { kind: 'sdk', name }
    const source = this.#byPath.get(path) ?? this.#byPath.get(`${path}/index`)
    return source === undefined ? undefined : this.exports(source).get(name)
  }

  #locate(path: string): string | null {
    for (const candidate of [`${path}.ts`, `${path}/index.ts`]) {
      const file = this.#path(candidate)
      if (existsSync(file)) return file
    }
    return null
  }

  #path(path: string): string {
    return isAbsolute(path) ? path : resolve(this.#dir, path)
  }

  #addParserMessage({ category, message, range }: ParserMessage): void {
    if (category !== this.#api.DiagnosticCategory['Error'] || range === null) return
    const { start, source } = range
    const rule = explainSyntax(source.text, start)
    // What the parser says after it has lost its way would only hide the reason.
    if (this.#explained.has(source)) return
    if (rule !== null) this.#explained.add(source)
    const end = Math.max(range.end, start + 1)
    const text = rule?.message ?? message.replace(/\.$/, '')
    this.diagnostics.push(diagnosticAt('error', this.fileOf(source), source.text, start, end, text))
  }
}
