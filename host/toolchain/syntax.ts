import { GatewayError, reasonOf } from '../errors.ts'

/*
 * The parts of AssemblyScript's syntax tree that the scan looks at. Written down here and not imported:
 * the compiler's own type files declare `i32`, `unreachable` and a hundred other names for the whole
 * program, and it is an optional package that is loaded only when something is compiled.
 */

export interface SyntaxNode {
  readonly kind: number
  readonly range: { readonly start: number; readonly end: number }
}
export interface SourceNode extends SyntaxNode {
  readonly normalizedPath: string
  /** The path without `.ts`: what import statements refer to. */
  readonly internalPath: string
  readonly text: string
  readonly statements: readonly SyntaxNode[]
}
export interface Identifier extends SyntaxNode {
  readonly text: string
}
export interface TypeName extends SyntaxNode {
  readonly identifier: Identifier
  readonly next: TypeName | null
}
export interface NamedType extends SyntaxNode {
  readonly name?: TypeName
}
/** A type with its arguments, as `Array<string>`; `string[]` is the same. */
export interface GenericType extends NamedType {
  readonly typeArguments: readonly GenericType[] | null
  readonly isNullable: boolean
}
/** A function, a method or a function expression's declaration. */
export interface FunctionLike extends Method {
  readonly body: SyntaxNode | null
}
export interface Literal extends SyntaxNode {
  readonly literalKind: number
}
export interface Unary extends SyntaxNode {
  readonly operator: number
}
export interface Assertion extends SyntaxNode {
  readonly assertionKind: number
}
export interface VariableNode extends Declaration {
  readonly type: SyntaxNode | null
  readonly initializer: SyntaxNode | null
}
export interface VariableStatement extends SyntaxNode {
  readonly declarations: readonly VariableNode[]
}
export interface FunctionNode extends Method {
  readonly typeParameters: readonly SyntaxNode[] | null
}
export interface Declaration extends SyntaxNode {
  readonly name: Identifier
  readonly flags: number
}
export interface Parameter extends SyntaxNode {
  readonly name: Identifier
  readonly type: NamedType
  readonly initializer: SyntaxNode | null
}
export interface Method extends Declaration {
  readonly signature: { readonly parameters: readonly Parameter[]; readonly returnType: NamedType }
}
export interface ClassNode extends Declaration {
  readonly extendsType: NamedType | null
  readonly members: readonly Declaration[]
}
export interface ImportNode extends SyntaxNode {
  readonly declarations:
    | readonly (SyntaxNode & { name: Identifier; foreignName: Identifier })[]
    | null
  readonly namespaceName: Identifier | null
  readonly internalPath: string
}
export interface ExportNode extends SyntaxNode {
  readonly members:
    | readonly (SyntaxNode & { localName: Identifier; exportedName: Identifier })[]
    | null
  readonly internalPath: string | null
}
export interface Call extends SyntaxNode {
  readonly expression: SyntaxNode
  readonly args: readonly SyntaxNode[]
}
export interface PropertyAccess extends SyntaxNode {
  readonly expression: SyntaxNode
  readonly property: Identifier
}
export interface StringLiteral extends SyntaxNode {
  readonly value: string
}

export interface ParserMessage {
  readonly category: number
  readonly message: string
  readonly range: {
    readonly start: number
    readonly end: number
    readonly source: SourceNode
  } | null
}

export interface Parser {
  readonly sources: readonly SourceNode[]
  parseFile(text: string | null, path: string, isEntry: boolean): void
  /** The next imported path that was not parsed yet, without its extension; null when there is none. */
  nextFile(): string | null
}

/** What is used of the package `assemblyscript`. */
export interface SyntaxApi {
  readonly Parser: new (messages: ParserMessage[]) => Parser
  readonly NodeKind: Readonly<Record<string, number>>
  readonly CommonFlags: Readonly<Record<string, number>>
  readonly DiagnosticCategory: Readonly<Record<string, number>>
  readonly LiteralKind: Readonly<Record<string, number>>
  readonly AssertionKind: Readonly<Record<string, number>>
  readonly Token: Readonly<Record<string, number>>
}

/** What is used of `assemblyscript/asc`. */
export interface CompilerApi {
  readonly version: string
  readonly libraryFiles: Readonly<Record<string, string>>
  main(
    argv: readonly string[],
    options: {
      readFile(name: string, baseDir: string): string | null
      writeFile(name: string, contents: Uint8Array | string, baseDir: string): void
      listFiles(): readonly string[]
      reportDiagnostic(message: CompilerMessage): void
    },
  ): Promise<{ readonly error: Error | null; readonly stderr: { toString(): string } }>
}

export interface CompilerMessage {
  readonly message: string
  readonly category: number
  readonly range: CompilerRange | null
}

export interface CompilerRange {
  readonly start: number
  readonly end: number
  readonly source: { readonly normalizedPath: string } | null
}

let syntax: SyntaxApi | null = null
let compiler: CompilerApi | null = null

/** AssemblyScript's parser. Loading takes about half a second, once; TOOLCHAIN_MISSING without the package. */
export async function loadSyntax(): Promise<SyntaxApi> {
  syntax ??= (await load('assemblyscript')) as SyntaxApi
  return syntax
}

/** AssemblyScript's compiler; TOOLCHAIN_MISSING without the package. */
export async function loadCompiler(): Promise<CompilerApi> {
  compiler ??= (await load('assemblyscript/asc')) as CompilerApi
  return compiler
}

async function load(name: string): Promise<unknown> {
  try {
    return await import(name)
  } catch (error) {
    throw new GatewayError('TOOLCHAIN_MISSING', { reason: reasonOf(error) }, error)
  }
}

/** Calls `visit` for `node` and everything below it, in the order of the text. */
export function walk(node: SyntaxNode, visit: (node: SyntaxNode) => void): void {
  visit(node)
  for (const [key, value] of Object.entries(node)) {
    if (key === 'range') continue
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) walk(child, visit)
    }
  }
}

/** Is this a node of the tree, and not a value or the source it came from? */
export function isNode(value: unknown): value is SyntaxNode {
  // A source is never below a node: that would be a way back up.
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    'range' in value &&
    !('statements' in value && 'normalizedPath' in value)
  )
}

/** `Request` of `Request` and of `sdk.Request`; "" for a type without a name. */
export function lastName(type: NamedType): string {
  let name = type.name
  while (name?.next != null) name = name.next
  return name?.identifier.text ?? ''
}
