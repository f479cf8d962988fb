import type { LanguageRule } from './language-rule.ts'

/** A rule for what the parser itself does not get past. */
export interface SyntaxRule extends LanguageRule {
  /** Does the text at the place of the parser's complaint show it? `before` is what stands before it. */
  readonly shows: (after: string, before: string) => boolean
}

/** In the order they are tried. */
export const SYNTAX_RULES: readonly SyntaxRule[] = [
  {
    name: 'async and await',
    message:
      'there is no async and no await: a phase runs from start to end; what needs another service belongs into a filter of its own before this one',
    wrong: 'export async function f(): Promise<void> {}',
    right: 'export function f(): void {}',
    shows: (after) => /^(?:export\s+)?(?:async|await)\b/.test(after),
  },
  {
    name: 'union types',
    message:
      'there are no union types but with null: write one function for each type, or a class with a field for each',
    wrong: 'export function f(value: string | i32): void {}',
    right: 'export function f(value: string): void {}\nexport function g(value: i32): void {}',
    shows: (_, before) => /\|\s*$/.test(before) && !/\|\|\s*$/.test(before),
  },
  {
    name: 'destructuring',
    message: 'there is no destructuring: take the parts one by one, const a = value.a',
    wrong: 'export function f(pair: i32[]): i32 {\n  const [a, b] = pair\n  return a + b\n}',
    right:
      'export function f(pair: i32[]): i32 {\n  const a = pair[0]\n  const b = pair[1]\n  return a + b\n}',
    shows: (after) => /^(?:const|let|var)\s*[{[]/.test(after) || /^\(\s*[{[]/.test(after),
  },
  {
    name: 'spread of an object',
    message: 'there is no spread: set the fields one by one',
    wrong: 'export const a = { ...b }',
    right: 'export const a = 1',
    shows: (after) => /^\{\s*\.\.\./.test(after),
  },
  {
    name: 'optional chaining',
    message:
      'there is no "?.": compare with null first, const b = a.b, then if (b !== null) use b.c',
    wrong: 'class A { b: A | null = null }\nexport function f(a: A): A | null {\n  return a?.b\n}',
    right:
      'class A { b: A | null = null }\nexport function f(a: A | null): A | null {\n  return a === null ? null : a.b\n}',
    shows: (after, before) => after.startsWith('.') && before.endsWith('?'),
  },
  {
    name: 'the ?? operator',
    message: 'there is no "??": write a === null ? b : a, with a in a const',
    wrong: 'export function f(a: string | null): string {\n  return a ?? "none"\n}',
    right: 'export function f(a: string | null): string {\n  return a === null ? "none" : a\n}',
    shows: (after, before) => after.startsWith('?') && before.endsWith('?'),
  },
  {
    name: 'for in',
    message:
      'there is no for…in: an object has no keys at run time; use a Map and for (let i = 0; i < keys.length; i++)',
    wrong: 'export function f(map: Map<string, i32>): void {\n  for (const key in map) {}\n}',
    right:
      'export function f(map: Map<string, i32>): i32 {\n  const keys = map.keys()\n  let sum = 0\n  for (let i = 0; i < keys.length; i++) sum += map.get(keys[i])\n  return sum\n}',
    shows: (after) => /^\w+\s+in\b/.test(after),
  },
  {
    name: 'generators',
    message: 'there are no generators: return an array',
    wrong: 'export function* f(): i32 {\n  yield 1\n}',
    right: 'export function f(): i32[] {\n  return [1]\n}',
    shows: (_, before) => /\bfunction\s*$/.test(before),
  },
  {
    name: 'import type',
    message: 'there is no "import type": write import, what is not used costs nothing',
    wrong: "import type { Text } from '@penstock/sdk'",
    right:
      "import { Text } from '@penstock/sdk'\nexport function f(a: Text): i32 { return a.length }",
    shows: (after, before) =>
      /^type\b/.test(after) && /\b(?:import|export)\s+(?:\{[^}]*)?$/.test(before),
  },
  {
    name: 'import()',
    message: 'there is no import(): import at the top of the file',
    wrong: "export const a = import('@penstock/sdk')",
    right: "import { log } from '@penstock/sdk'\nexport function f(): void { log.info('x') }",
    shows: (after) => /^import\s*\(/.test(after),
  },
  {
    name: 'tuples',
    message: 'there are no tuples: use an array when all are of one type, else a class',
    wrong: 'export const a: [i32, string] = [1, "a"]',
    right: 'class Pair { a: i32 = 1; b: string = "a" }\nexport const a: Pair = new Pair()',
    shows: (after, before) => after.startsWith('[') && /:\s*$/.test(before),
  },
  {
    name: 'types of objects',
    message: 'there are no object types: declare a class with these fields',
    wrong: 'export function f(a: { x: i32 }): i32 { return a.x }',
    right: 'class Point { x: i32 = 0 }\nexport function f(a: Point): i32 { return a.x }',
    shows: (after, before) => after.startsWith('{') && /[:=]\s*$/.test(before),
  },
  {
    name: 'fields with #',
    message: 'there are no fields with "#": write private',
    wrong: 'export class A {\n  #x: i32 = 1\n}',
    right: 'export class A {\n  private x: i32 = 1\n  get y(): i32 { return this.x }\n}',
    shows: (after) => after.startsWith('#'),
  },
  {
    name: 'satisfies',
    message: 'there is no "satisfies": give the variable its type',
    wrong: 'export const a = 1 satisfies number',
    right: 'export const a: i32 = 1',
    shows: (after) => after.startsWith('satisfies'),
  },
  {
    name: 'bigint literals',
    message: 'there are no bigint literals: i64 and u64 are types of their own, const a: i64 = 1',
    wrong: 'export const a = 1n',
    right: 'export const a: i64 = 1',
    shows: (after, before) => after.startsWith('n') && /\d$/.test(before),
  },
  {
    name: 'conditional types',
    message: 'there are no conditional types: write the types out',
    wrong: 'type A<T> = T extends string ? i32 : i64',
    right: 'type A = i32\nexport const a: A = 1',
    shows: (after, before) => after.startsWith('extends') && /\btype\b[^\n]*$/.test(before),
  },
]

/** The rule that explains a complaint of the parser at `start`, or null. */
export function explainSyntax(text: string, start: number): LanguageRule | null {
  const after = text.slice(start, start + 100)
  const before = text.slice(Math.max(0, start - 100), start)
  return SYNTAX_RULES.find((rule) => rule.shows(after, before)) ?? null
}
