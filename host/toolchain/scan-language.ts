import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { LanguageRule } from './language-rule.ts'
import { findUpwards } from './paths.ts'
import type { PluginSources } from './plugin-sources.ts'
import { findCaptures } from './scan-closures.ts'
import { GLOBAL_RULES, type GlobalRule } from './scan-language-globals.ts'
import { identifierText, TREE_RULES } from './scan-language-tree.ts'
import {
  type Declaration,
  type ImportNode,
  type PropertyAccess,
  type SourceNode,
  type SyntaxApi,
  type SyntaxNode,
  type VariableStatement,
  walk,
} from './syntax.ts'

/** A function that uses what belongs to the function around it. */
export const CLOSURE_RULE: LanguageRule = {
  name: 'closures',
  message:
    'there are no closures: a function in a function cannot use its variables; use a loop, or pass the value along',
  wrong:
    'export function f(list: i32[]): i32 {\n  let sum = 0\n  list.forEach((one) => { sum += one })\n  return sum\n}',
  right:
    'export function f(list: i32[]): i32 {\n  let sum = 0\n  for (let i = 0; i < list.length; i++) sum += list[i]\n  return sum\n}',
}

/** A package that is no AssemblyScript. */
export const PACKAGE_RULE: LanguageRule = {
  name: 'npm packages',
  message:
    'packages of npm are JavaScript, which does not run in a filter: only packages written in AssemblyScript can be imported',
  wrong: "import { chunk } from 'lodash'\nexport const a = chunk(1)",
  right: "import { Text } from '@penstock/sdk'\nexport const a = Text.of('a')",
}

/** Reports, at its place, what TypeScript has and AssemblyScript has not, and how to write it instead. */
export function checkLanguage(api: SyntaxApi, sources: PluginSources): void {
  for (const source of sources.all()) {
    const names = namesOf(api, source)
    const declared = new Set([...names, ...innerNames(api, source)])
    for (const statement of source.statements) {
      walk(statement, (node) => {
        const rule =
          TREE_RULES.find((one) => one.shows(node, api)) ?? globalRule(api, node, declared)
        if (rule !== undefined) sources.report(source, node, rule.message)
      })
      for (const { node, name } of findCaptures(api, statement, names)) {
        sources.report(source, node, `"${name}": ${CLOSURE_RULE.message}`)
      }
      if (isForeignPackage(api, statement, dirname(sources.fileOf(source)))) {
        sources.report(source, statement, PACKAGE_RULE.message)
      }
    }
  }
}

/** What a file declares or imports at its top. */
function namesOf({ NodeKind }: SyntaxApi, source: SourceNode): ReadonlySet<string> {
  const names = new Set<string>()
  for (const statement of source.statements) {
    if (statement.kind === NodeKind['Import']) {
      const { declarations, namespaceName } = statement as ImportNode
      for (const { name } of declarations ?? []) names.add(name.text)
      if (namespaceName !== null) names.add(namespaceName.text)
    } else if (statement.kind === NodeKind['Variable']) {
      for (const { name } of (statement as VariableStatement).declarations) names.add(name.text)
    } else if ('name' in statement) {
      // Functions, classes, enums, types and namespaces.
      names.add((statement as Declaration).name.text)
    }
  }
  return names
}

/** What functions and methods of a file declare, wherever. */
function innerNames({ NodeKind }: SyntaxApi, source: SourceNode): string[] {
  const names: string[] = []
  for (const statement of source.statements) {
    walk(statement, (node) => {
      if (node.kind === NodeKind['VariableDeclaration'] || node.kind === NodeKind['Parameter']) {
        names.push((node as Declaration).name.text)
      }
    })
  }
  return names
}

function globalRule(
  api: SyntaxApi,
  node: SyntaxNode,
  names: ReadonlySet<string>,
): GlobalRule | undefined {
  const { NodeKind } = api
  if (node.kind === NodeKind['PropertyAccess']) {
    const { expression, property } = node as PropertyAccess
    const owner = identifierText(expression, api)
    if (owner === '' || names.has(owner)) return undefined
    return find(`${owner}.${property.text}`) ?? find(owner)
  }
  // A bare name that is called, made with "new", or stands alone.
  const target =
    node.kind === NodeKind['Call'] || node.kind === NodeKind['Expression']
      ? (node as PropertyAccess).expression
      : null
  if (target !== null) return ruleOfName(identifierText(target, api), names)
  if (node.kind === NodeKind['New']) {
    const { typeName } = node as unknown as { typeName: { identifier: { text: string } } }
    return ruleOfName(typeName.identifier.text, names)
  }
  if (node.kind !== NodeKind['Binary']) return undefined
  const { left, right } = node as unknown as { left: SyntaxNode; right: SyntaxNode }
  return (
    ruleOfName(identifierText(left, api), names) ?? ruleOfName(identifierText(right, api), names)
  )
}

function ruleOfName(name: string, names: ReadonlySet<string>): GlobalRule | undefined {
  return name === '' || names.has(name) ? undefined : find(name)
}

function find(name: string): GlobalRule | undefined {
  return GLOBAL_RULES.find((rule) => rule.names.includes(name))
}

/** Is this an import of a package without any AssemblyScript in it? One that is not installed is another error. */
function isForeignPackage({ NodeKind }: SyntaxApi, node: SyntaxNode, dir: string): boolean {
  if (node.kind !== NodeKind['Import']) return false
  const path = (node as ImportNode).internalPath
  const name = /^~lib\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]
  if (name === undefined || name === '@penstock/sdk' || name.startsWith('node:')) return false
  const folder = findUpwards(dir, join('node_modules', name))
  // AssemblyScript's own library is imported by such paths too.
  if (folder === null)
    return !/^(?:builtins|rt|shared|util|bindings|math|memory|performance)\b/.test(name)
  if (existsSync(join(folder, 'index.ts')) || existsSync(join(folder, 'assembly'))) return false
  return !/"ascMain"/.test(readFileSync(join(folder, 'package.json'), 'utf8'))
}
