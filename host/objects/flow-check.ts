import { isJsonObject, type JsonObject, type JsonPath } from '../config/json.ts'
import { nearest } from '../config/nearest.ts'
import { DEFAULT_NAMESPACE } from '../exchange/exchange.ts'
import { BRANCH_FAILED, END, PARALLEL } from '../traffic/flow.ts'
import { checkBranches } from './branch-check.ts'
import type { ModuleFacts } from './module-check.ts'
import { checkNamespaces } from './namespace-check.ts'
import type { CheckContext, FilterKindFacts } from './object.ts'

/** An entry of a flow, of whatever shape the document gives it. */
export interface FlowEntry {
  readonly path: JsonPath
  /** What jumps call it: its alias, else its filter. */
  readonly name: string
  readonly filter: string
  readonly alias: string | undefined
  readonly namespace: string
  readonly jumpIf: JsonObject
  /** Null for a filter. */
  readonly branches: readonly (readonly FlowEntry[])[] | null
}

/** The kinds of the pipeline's filters by their names. */
export type FilterNames = ReadonlyMap<string, string>

const PARALLEL_FACTS = { kind: 'a node with branches', results: [BRANCH_FAILED] }

/**
 * The rules of a flow: every node names a filter, aliases are unique, a jump leads to exactly one later
 * node or to END, and from a result that the filter has. Works on data of any shape.
 */
export function checkFlow(
  data: JsonObject,
  context: CheckContext,
  modules: ReadonlyMap<string, ModuleFacts> = new Map(),
): void {
  if (!Array.isArray(data['filters'])) return
  const kinds = new Map<string, string>()
  for (const filter of data['filters']) {
    if (!isJsonObject(filter) || typeof filter['name'] !== 'string') continue
    const { name, kind } = filter
    if (!kinds.has(name)) kinds.set(name, typeof kind === 'string' ? kind : '')
  }
  const nodes = entriesOf(data['flow'], ['flow'], context)
  if (nodes.length === 0) return
  const everywhere = withBranches(nodes)
  for (const level of [nodes, ...branchesOf(nodes)]) {
    for (const node of level) checkNode(node, level, everywhere, kinds, context, modules)
  }
  checkBranches(everywhere, context)
  checkNamespaces(nodes, kinds, context)
  // A filter that seems unused may be the one a misspelled node means.
  const isSpelled = everywhere.every(
    (node) => node.branches !== null || node.filter === END || kinds.has(node.filter),
  )
  if (isSpelled) warnOfUnused(data['filters'], everywhere, context)
}

function entriesOf(flow: unknown, base: JsonPath, context: CheckContext): FlowEntry[] {
  if (!Array.isArray(flow)) return []
  const nodes: FlowEntry[] = []
  for (const [index, node] of flow.entries()) {
    if (!isJsonObject(node)) continue
    const path = [...base, index]
    const { filter, parallel } = node
    const alias = typeof node['alias'] === 'string' ? node['alias'] : undefined
    const jumpIf = isJsonObject(node['jumpIf']) ? node['jumpIf'] : {}
    const namespace = typeof node['namespace'] === 'string' ? node['namespace'] : ''
    const rest = {
      path,
      alias,
      jumpIf,
      namespace: namespace === '' ? DEFAULT_NAMESPACE : namespace,
    }
    if (parallel !== undefined && parallel !== null) {
      if (filter != null) {
        const message = 'an entry of a flow has `filter` or `parallel`, not both'
        context.report({ path: [...path, 'parallel'], at: 'key', message })
      }
      const branches = branchEntries(parallel, [...path, 'parallel'], context)
      nodes.push({ ...rest, name: alias ?? PARALLEL, filter: PARALLEL, branches })
    } else if (filter == null) {
      context.report({ path: [...path, 'filter'], message: '`filter` is missing' })
    } else if (typeof filter === 'string' && filter !== '') {
      nodes.push({ ...rest, name: alias ?? filter, filter, branches: null })
    }
  }
  return nodes
}

function branchEntries(parallel: unknown, path: JsonPath, context: CheckContext): FlowEntry[][] {
  if (!Array.isArray(parallel)) return []
  return parallel.map((branch, index) => entriesOf(branch, [...path, index], context))
}

function branchesOf(nodes: readonly FlowEntry[]): readonly (readonly FlowEntry[])[] {
  return nodes.flatMap((node) => node.branches ?? [])
}

/** The nodes of a flow and of its branches, in their order. */
export function withBranches(nodes: readonly FlowEntry[]): FlowEntry[] {
  return nodes.flatMap((node) => [node, ...(node.branches ?? []).flat()])
}

function checkNode(
  node: FlowEntry,
  level: readonly FlowEntry[],
  everywhere: readonly FlowEntry[],
  kinds: FilterNames,
  context: CheckContext,
  modules: ReadonlyMap<string, ModuleFacts>,
): void {
  checkName(node, everywhere, kinds, context)
  const facts =
    node.branches === null
      ? context.filterKinds.find((one) => one.kind === kinds.get(node.filter))
      : PARALLEL_FACTS
  for (const [result, target] of Object.entries(node.jumpIf)) {
    const path = [...node.path, 'jumpIf', result]
    if (node.branches === null && node.filter === END) {
      context.report({ path, at: 'key', message: 'END has no results to jump from' })
      continue
    }
    if (facts !== undefined) {
      const module = node.branches === null ? modules.get(node.filter) : undefined
      checkResult(result, node, withResults(facts, module), path, context)
    }
    if (typeof target === 'string') checkTarget(target, node, level, kinds, path, context)
  }
}

function checkName(
  node: FlowEntry,
  nodes: readonly FlowEntry[],
  kinds: FilterNames,
  context: CheckContext,
): void {
  const { filter, alias } = node
  if (node.branches === null && filter !== END && !kinds.has(filter)) {
    context.report({
      path: [...node.path, 'filter'],
      message: `there is no filter "${filter}" in this pipeline`,
      suggestion: nearest(filter, [...kinds.keys(), END]),
    })
  }
  if (alias === undefined) return
  const path = [...node.path, 'alias']
  if (alias === END)
    context.report({ path, message: 'no node can be called END: it ends the flow' })
  const other = nodes.find((one) => one.name === alias && one !== node)
  // Of two equal aliases the second is the wrong one; an alias equal to a filter's name always is.
  if (other === undefined) return
  if (other.alias !== undefined && nodes.indexOf(other) > nodes.indexOf(node)) return
  const field =
    other.alias !== undefined ? 'alias' : other.branches === null ? 'filter' : 'parallel'
  const place = context.placeOf([...other.path, field])
  context.report({ path, message: `"${alias}" is the name of another node already, in ${place}` })
}

/** Of a filter whose module is known, all results are known. */
function withResults(
  facts: Pick<FilterKindFacts, 'kind' | 'results' | 'hasOpenResults'>,
  module: ModuleFacts | undefined,
): Pick<FilterKindFacts, 'kind' | 'results' | 'hasOpenResults'> {
  if (module === undefined) return facts
  return { kind: facts.kind, results: [...facts.results, ...module.results] }
}

function checkResult(
  result: string,
  node: FlowEntry,
  facts: Pick<FilterKindFacts, 'kind' | 'results' | 'hasOpenResults'>,
  path: JsonPath,
  context: CheckContext,
): void {
  if (result === '' || facts.results.includes(result) || facts.hasOpenResults === true) return
  const list = facts.results.length === 0 ? 'it has none' : `it has ${facts.results.join(', ')}`
  context.report({
    path,
    at: 'key',
    message: `"${result}" is not a result of "${node.filter}" (${facts.kind}): ${list}`,
    suggestion: nearest(result, facts.results),
  })
}

function checkTarget(
  target: string,
  node: FlowEntry,
  nodes: readonly FlowEntry[],
  kinds: FilterNames,
  path: JsonPath,
  context: CheckContext,
): void {
  if (target === END || target === '') return
  const at = nodes.indexOf(node)
  const named = nodes.filter((one) => one.name === target)
  const later = named.filter((one) => nodes.indexOf(one) > at)
  if (later.length === 1) return
  if (later.length > 1) {
    const message = `the flow has ${later.length} later nodes called "${target}": give them aliases`
    context.report({ path, message })
    return
  }
  const laterNodes = nodes.filter(
    (one, index) => index > at && (one.branches !== null || one.filter !== END),
  )
  const first = named[0]
  if (first !== undefined) {
    const field = first.branches === null ? 'filter' : 'parallel'
    const place = context.placeOf([...first.path, field])
    const where = first === node ? 'is this node' : `stands before this one, in ${place}`
    context.report({ path, message: `a jump only goes forward: "${target}" ${where}` })
    return
  }
  // A node with an alias is not found by the name of its filter.
  const aliased = laterNodes.find((one) => one.filter === target)
  const message = kinds.has(target)
    ? `the filter "${target}" is no later node of the flow under this name`
    : `there is no later node "${target}" in the flow`
  const names = [...laterNodes.map((one) => one.name), END]
  context.report({ path, message, suggestion: aliased?.name ?? nearest(target, names) })
}

function warnOfUnused(
  filters: readonly unknown[],
  nodes: readonly FlowEntry[],
  context: CheckContext,
): void {
  const used = new Set(nodes.filter((node) => node.branches === null).map((node) => node.filter))
  for (const [index, filter] of filters.entries()) {
    if (!isJsonObject(filter) || typeof filter['name'] !== 'string') continue
    if (used.has(filter['name']) || filter['name'] === END) continue
    used.add(filter['name'])
    context.report({
      path: ['filters', index, 'name'],
      message: `the filter "${filter['name']}" is not in the flow: it never runs`,
      severity: 'warning',
    })
  }
}
