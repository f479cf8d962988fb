import { nearest } from '../config/nearest.ts'
import type { PluginSources } from './plugin-sources.ts'
import {
  type Call,
  type Identifier,
  type PropertyAccess,
  type SourceNode,
  type StringLiteral,
  type SyntaxApi,
  type SyntaxNode,
  walk,
} from './syntax.ts'

export type ParameterType = 'string' | 'integer' | 'number' | 'boolean'

/** A parameter as the module's description holds it. */
export interface ParameterDescription {
  readonly type: ParameterType
  readonly required?: boolean
  readonly default?: string | number | boolean
  /** The comment above the field. */
  readonly description?: string
}

export interface CollectedCalls {
  readonly results: readonly string[]
  readonly parameters: Readonly<Record<string, ParameterDescription>>
}

const READERS: Readonly<Record<string, ParameterType>> = {
  text: 'string',
  required: 'string',
  integer: 'integer',
  number: 'number',
  flag: 'boolean',
}

/** Results the host itself gives. */
const HOST_RESULTS: readonly string[] = ['wasmError', 'outOfVM', 'replied']

/** Collects the literals of `result('…')` and `parameters.….('…', …)` in all sources. */
export function collectCalls(api: SyntaxApi, sources: PluginSources): CollectedCalls {
  const results: string[] = []
  const parameters: Record<string, ParameterDescription> = {}
  for (const source of sources.all()) {
    for (const statement of source.statements) {
      let field: SyntaxNode | null = null
      walk(statement, (node) => {
        if (node.kind === api.NodeKind['FieldDeclaration']) field = node
        if (node.kind !== api.NodeKind['Call']) return
        const call = node as Call
        const callee = sdkName(api, sources, source, call.expression)
        if (callee === 'result') collectResult(api, sources, source, call, results)
        else if (callee?.startsWith('parameters.')) {
          const owner = field !== null && field.range.end >= call.range.end ? field : call
          const comment = commentAbove(source.text, owner.range.start)
          collectParameter(api, sources, source, call, callee.slice(11), comment, parameters)
        }
      })
    }
  }
  return { results, parameters }
}

/** `result` or `parameters.text` when that is what is called, whatever it was imported as. */
export function sdkName(
  api: SyntaxApi,
  sources: PluginSources,
  source: SourceNode,
  callee: SyntaxNode,
): string | null {
  if (callee.kind === api.NodeKind['Identifier']) {
    const symbol = sources.resolve(source, (callee as Identifier).text)
    return symbol?.kind === 'sdk' ? symbol.name : null
  }
  if (callee.kind !== api.NodeKind['PropertyAccess']) return null
  const { expression, property } = callee as PropertyAccess
  if (expression.kind === api.NodeKind['Identifier']) {
    const path = sources.namespace(source, (expression as Identifier).text)
    if (path === '~lib/@penstock/sdk') return property.text
  }
  const owner = sdkName(api, sources, source, expression)
  return owner === null ? null : `${owner}.${property.text}`
}

function collectResult(
  api: SyntaxApi,
  sources: PluginSources,
  source: SourceNode,
  call: Call,
  results: string[],
): void {
  const name = literalText(api, call.args[0])
  if (name === null) {
    sources.report(source, call.args[0] ?? call, 'a result is named by a string literal')
  } else if (!/^[A-Za-z][A-Za-z0-9]{0,63}$/.test(name)) {
    sources.report(
      source,
      call.args[0] ?? call,
      `"${name}" cannot be a result: a letter, then at most 63 letters and digits`,
    )
  } else if (HOST_RESULTS.includes(name)) {
    sources.report(source, call.args[0] ?? call, `"${name}" is a result the host itself gives`)
  } else if (!results.includes(name)) {
    results.push(name)
  }
}

function collectParameter(
  api: SyntaxApi,
  sources: PluginSources,
  source: SourceNode,
  call: Call,
  reader: string,
  description: string,
  parameters: Record<string, ParameterDescription>,
): void {
  const type = Object.hasOwn(READERS, reader) ? READERS[reader] : undefined
  if (type === undefined) {
    sources.report(
      source,
      call.expression,
      `there is no parameters.${reader}`,
      nearest(reader, Object.keys(READERS)),
    )
    return
  }
  const [first, second] = call.args
  const name = literalText(api, first)
  if (name === null || !/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name)) {
    const message =
      'a parameter is named by a string literal: a letter, then at most 63 letters, digits, _ or -'
    sources.report(source, first ?? call, message)
    return
  }
  const spec = parameterSpec(api, source, type, reader, second)
  if (spec === null) {
    sources.report(
      source,
      second ?? call,
      `the default of "${name}" must be a literal of type ${type}`,
    )
    return
  }
  const known = Object.hasOwn(parameters, name) ? parameters[name] : undefined
  if (known !== undefined && (known.type !== spec.type || known.default !== spec.default)) {
    sources.report(source, call, `the parameter "${name}" is read in two ways`)
  } else if (known === undefined) {
    parameters[name] = description === '' ? spec : { ...spec, description }
  }
}

function parameterSpec(
  api: SyntaxApi,
  source: SourceNode,
  type: ParameterType,
  reader: string,
  fallback: SyntaxNode | undefined,
): ParameterDescription | null {
  if (reader === 'required') return { type, required: true }
  if (fallback === undefined) return null
  const text = source.text.slice(fallback.range.start, fallback.range.end)
  if (type === 'string') {
    const value = literalText(api, fallback)
    return value === null ? null : { type, default: value }
  }
  if (type === 'boolean') {
    return text === 'true' || text === 'false' ? { type, default: text === 'true' } : null
  }
  const value = Number(text.replaceAll('_', ''))
  const isLiteral = /^-?[0-9]/.test(text) && Number.isFinite(value)
  return isLiteral && (type === 'number' || Number.isSafeInteger(value))
    ? { type, default: value }
    : null
}

/** The text of a string literal; null for anything else. */
export function literalText(api: SyntaxApi, node: SyntaxNode | undefined): string | null {
  if (node === undefined || node.kind !== api.NodeKind['Literal']) return null
  // Of the literals only strings have a `value` that is a string.
  const { value } = node as StringLiteral
  return typeof value === 'string' ? value : null
}

/** The doc comment that ends right above the line of `offset`, as one line of text; "" without one. */
function commentAbove(text: string, offset: number): string {
  const lineStart = text.lastIndexOf('\n', offset) + 1
  const comment = /\/\*\*((?:[^*]|\*(?!\/))*)\*\/\s*$/.exec(text.slice(0, lineStart))?.[1] ?? ''
  return comment
    .replace(/^\s*\*/gm, '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 1_000)
}
