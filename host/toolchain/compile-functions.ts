import { dirname, parse } from 'node:path'
import { GatewayError } from '../errors.ts'
import { runCompiler } from './compile.ts'
import { formatDiagnostic } from './diagnostic.ts'
import { ENTRY_FILE } from './entry.ts'
import { type FunctionShape, idName, type PassedType, passedType } from './function-types.ts'
import { InputFiles } from './input-files.ts'
import { sdkFolder } from './paths.ts'
import { PluginSources } from './plugin-sources.ts'
import {
  type FunctionNode,
  loadCompiler,
  loadSyntax,
  type Parameter,
  type SourceNode,
  type SyntaxApi,
} from './syntax.ts'

/** The exported functions of one file, compiled so that a test can call them. */
export interface CompiledFunctions {
  readonly wasm: Uint8Array
  readonly functions: readonly FunctionShape[]
  /** Functions that cannot be called, with the reason. */
  readonly refused: ReadonlyMap<string, string>
}

/**
 * Compiles what `entry`, an absolute path, exports as functions, each behind a wrapper that takes and gives
 * plain strings where it has texts of the SDK. TOOLCHAIN_BUILD for a file with errors.
 */
export async function compileFunctions(entry: string): Promise<CompiledFunctions> {
  const [syntax, compiler] = [await loadSyntax(), await loadCompiler()]
  const inputs = new InputFiles(sdkFolder(dirname(entry)), dirname(entry))
  const sources = PluginSources.parse(syntax, entry)
  const refused = new Map<string, string>()
  const functions = exportedFunctions(syntax, sources.entry, refused)
  const { name } = parse(entry)
  inputs.serve(ENTRY_FILE, wrapperSource(functions, `./${name}`))
  const request = { entry, optimize: 0, debug: true } as const
  const { wasm, diagnostics } = await runCompiler(compiler, request, name, inputs, [
    '--exportRuntime',
  ])
  const found = [...sources.diagnostics, ...diagnostics].filter((one) => one.severity === 'error')
  if (wasm === null || sources.diagnostics.length > 0) {
    const problems = found.map((one) => formatDiagnostic(one, process.cwd())).join('\n')
    throw new GatewayError('TOOLCHAIN_BUILD', { name, problems })
  }
  return { wasm, functions, refused }
}

function exportedFunctions(
  { NodeKind, CommonFlags }: SyntaxApi,
  source: SourceNode,
  refused: Map<string, string>,
): FunctionShape[] {
  const found: FunctionShape[] = []
  for (const statement of source.statements) {
    if (statement.kind !== NodeKind['FunctionDeclaration']) continue
    const node = statement as FunctionNode
    if ((node.flags & (CommonFlags['Export'] ?? 0)) === 0) continue
    const shape = shapeOf(source, node)
    if (typeof shape === 'string') refused.set(node.name.text, shape)
    else found.push(shape)
  }
  return found
}

/** The shape, or why there is none. */
function shapeOf(source: SourceNode, node: FunctionNode): FunctionShape | string {
  if (node.typeParameters !== null) return 'it is generic'
  const parameters: PassedType[] = []
  for (const { name, type } of node.signature.parameters) {
    const passed = passedType(textOf(source, type))
    if (passed === null) return `its parameter "${name.text}" is of type ${textOf(source, type)}`
    parameters.push(passed)
  }
  const { returnType } = node.signature
  const returns = passedType(textOf(source, returnType))
  if (returns === null) return `it returns ${textOf(source, returnType)}`
  return { name: node.name.text, parameters, returns }
}

function textOf(source: SourceNode, { range }: Parameter['type']): string {
  return source.text.slice(range.start, range.end).trim()
}

/** The module that is compiled: a wrapper for each function, and the numbers of the array types. */
function wrapperSource(functions: readonly FunctionShape[], module: string): string {
  const types = functions.flatMap((one) => [...one.parameters, one.returns])
  const ids = new Map<string, string>()
  for (const type of types) {
    const id = idName(type)
    if (id !== null) ids.set(id, plain(type).replace(/ \| null$/, ''))
  }
  const helpers = types.some((type) => type.base === 'Text') ? TEXT_HELPERS : ''
  return `import * as lib from '${module}'
${helpers}${[...ids].map(([id, type]) => `export const ${id}: u32 = idof<${type}>()\n`).join('')}
${functions.map(wrapperOf).join('\n')}`
}

function wrapperOf({ name, parameters, returns }: FunctionShape): string {
  const list = parameters.map((type, index) => `a${index}: ${plain(type)}`).join(', ')
  const args = parameters.map((type, index) => convert(type, `a${index}`, 'to')).join(', ')
  const call = `lib.${name}(${args})`
  const body = returns.base === 'void' ? call : `return ${convert(returns, call, 'from')}`
  return `export function ${name}(${list}): ${plain(returns)} {
  ${body}
}
`
}

/** The type of the wrapper: texts cross as strings. */
function plain({ base, name, isArray, isNullable }: PassedType): string {
  if (base === 'void') return 'void'
  const element = base === 'Text' ? 'string' : name
  return `${isArray ? `Array<${element}>` : element}${isNullable ? ' | null' : ''}`
}

function convert(type: PassedType, value: string, direction: 'to' | 'from'): string {
  if (type.base !== 'Text') return value
  const many = type.isArray ? 'Texts' : 'Text'
  return `penstock${direction === 'to' ? 'To' : 'From'}${many}${type.isNullable ? 'OrNull' : ''}(${value})`
}

const TEXT_HELPERS = `import { Text } from '@penstock/sdk'
function penstockToText(value: string): Text { return Text.utf8(value) }
function penstockFromText(value: Text): string { return value.toUtf8() }
function penstockToTextOrNull(value: string | null): Text | null { return value === null ? null : Text.utf8(value) }
function penstockFromTextOrNull(value: Text | null): string | null { return value === null ? null : value.toUtf8() }
function penstockToTexts(values: string[]): Text[] {
  const texts = new Array<Text>()
  for (let i = 0; i < values.length; i++) texts.push(Text.utf8(values[i]))
  return texts
}
function penstockFromTexts(texts: Text[]): string[] {
  const values = new Array<string>()
  for (let i = 0; i < texts.length; i++) values.push(texts[i].toUtf8())
  return values
}
function penstockToTextsOrNull(values: string[] | null): Text[] | null { return values === null ? null : penstockToTexts(values) }
function penstockFromTextsOrNull(texts: Text[] | null): string[] | null { return texts === null ? null : penstockFromTexts(texts) }
`
