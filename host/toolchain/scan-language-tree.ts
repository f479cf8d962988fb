import type { LanguageRule } from './language-rule.ts'
import type {
  Assertion,
  Identifier,
  ImportNode,
  Literal,
  NamedType,
  SyntaxApi,
  SyntaxNode,
  Unary,
  VariableNode,
} from './syntax.ts'
import { lastName } from './syntax.ts'

/** A rule for what the parser takes and the compiler does not. */
export interface TreeRule extends LanguageRule {
  /** Is it this node? */
  readonly shows: (node: SyntaxNode, api: SyntaxApi) => boolean
}

/** Types that stand for anything. */
const ANY_TYPES = new Set(['any', 'unknown', 'never', 'object', 'undefined', 'symbol', 'bigint'])

export const TREE_RULES: readonly TreeRule[] = [
  {
    name: 'try and catch',
    message:
      'there is no try: a function that can fail returns null; a throw ends the request with wasmError',
    wrong: 'export function f(): i32 {\n  try { return 1 } catch (e) { return 0 }\n}',
    right:
      "import { json } from '@penstock/sdk'\nexport function f(text: string): i32 {\n  const value = json.parse(text)\n  return value === null ? 0 : value.length\n}",
    shows: (node, { NodeKind }) => node.kind === NodeKind['Try'],
  },
  {
    name: 'regular expressions',
    message:
      'there are no regular expressions: use a Pattern, or startsWith, includes, indexOf and split of Text',
    wrong: 'export const a = /^a+$/',
    right: "import { Pattern } from '@penstock/sdk'\nexport const a = new Pattern('/api/**')",
    shows: (node, { NodeKind, LiteralKind }) =>
      node.kind === NodeKind['Literal'] && (node as Literal).literalKind === LiteralKind['RegExp'],
  },
  {
    name: 'spread',
    message: 'there is no spread: use concat for arrays, and pass arguments one by one',
    wrong: 'export function f(a: i32[]): i32[] { return [...a, 1] }',
    right: 'export function f(a: i32[]): i32[] { return a.concat([1]) }',
    shows: (node, { NodeKind, Token }) =>
      node.kind === NodeKind['UnaryPrefix'] && (node as Unary).operator === Token['Dot_Dot_Dot'],
  },
  {
    name: 'any and unknown',
    message:
      'a type must be one: there is no any, unknown, never or object; a generic function or json.Json stands for several',
    wrong: 'export function f(value: any): void {}',
    right: 'export function g<T>(value: T): T { return value }\nexport const a = g<i32>(1)',
    shows: (node, { NodeKind }) =>
      node.kind === NodeKind['NamedType'] && ANY_TYPES.has(lastName(node as NamedType)),
  },
  {
    name: 'objects without a class',
    message:
      'an object needs a class: declare one, then const a = new A() or const a: A = { x: 1 }',
    wrong: 'export const a = { x: 1 }',
    right: 'class A { x: i32 = 0 }\nexport const a: A = { x: 1 }',
    shows: (node, { NodeKind, LiteralKind }) => {
      if (node.kind !== NodeKind['VariableDeclaration']) return false
      const { type, initializer } = node as VariableNode
      if (type !== null || initializer === null || initializer.kind !== NodeKind['Literal'])
        return false
      return (initializer as Literal).literalKind === LiteralKind['Object']
    },
  },
  {
    name: 'for of',
    message: 'there is no for…of: count, for (let i = 0; i < list.length; i++)',
    wrong: 'export function f(list: i32[]): void {\n  for (const one of list) {}\n}',
    right:
      'export function f(list: i32[]): i32 {\n  let sum = 0\n  for (let i = 0; i < list.length; i++) sum += list[i]\n  return sum\n}',
    shows: (node, { NodeKind }) => node.kind === NodeKind['ForOf'],
  },
  {
    name: 'as const',
    message: 'there is no "as const": leave it out, const says enough',
    wrong: 'export const a = [1, 2] as const',
    right: 'export const a: StaticArray<i32> = [1, 2]',
    shows: (node, { NodeKind, AssertionKind }) =>
      node.kind === NodeKind['Assertion'] &&
      (node as Assertion).assertionKind === AssertionKind['Const'],
  },
  {
    name: 'the in operator',
    message: 'there is no "in": a Map has has(key), a Json value has has(name)',
    wrong: 'export function f(a: Map<string, i32>): bool { return "x" in a }',
    right: 'export function f(a: Map<string, i32>): bool { return a.has("x") }',
    shows: (node, { NodeKind, Token }) =>
      node.kind === NodeKind['Binary'] && (node as Unary).operator === Token['In'],
  },
  {
    name: 'modules of Node',
    message: 'there is no Node in a filter: what it needs comes as a parameter or in the request',
    wrong: "import { readFileSync } from 'node:fs'\nexport const a = readFileSync('x')",
    right: "import { parameters } from '@penstock/sdk'\nexport const a = parameters.text('a', '')",
    shows: (node, { NodeKind }) =>
      node.kind === NodeKind['Import'] && /^~lib\/node:/.test((node as ImportNode).internalPath),
  },
]

/** The name of an expression that is one, else "". */
export function identifierText(node: SyntaxNode, { NodeKind }: SyntaxApi): string {
  return node.kind === NodeKind['Identifier'] ? (node as Identifier).text : ''
}
