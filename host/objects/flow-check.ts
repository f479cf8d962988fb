import { isJsonObject, type JsonObject, type JsonPath } from '../config/json.ts'
import { nearest } from '../config/nearest.ts'
import { END } from '../traffic/flow.ts'
import type { CheckContext, FilterKindFacts } from './object.ts'

interface Node {
  readonly index: number
  /** What jumps call it: its alias, else its filter. */
  readonly name: string
  readonly filter: string
  readonly alias: string | undefined
  readonly jumpIf: JsonObject
}

/**
 * The rules of a flow: every node names a filter, aliases are unique, a jump leads to exactly one later
 * node or to END, and from a result that the filter has. Works on data of any shape.
 */
export function checkFlow(data: JsonObject, context: CheckContext): void {
  if (!Array.isArray(data['filters'])) return
  const kinds = new Map<string, string>()
  for (const filter of data['filters']) {
    if (!isJsonObject(filter) || typeof filter['name'] !== 'string') continue
    const { name, kind } = filter
    if (!kinds.has(name)) kinds.set(name, typeof kind === 'string' ? kind : '')
  }
  const nodes = nodesOf(data['flow'])
  if (nodes.length === 0) return
  for (const node of nodes) {
    checkName(node, nodes, kinds, context)
    const facts = context.filterKinds.find((one) => one.kind === kinds.get(node.filter))
    for (const [result, target] of Object.entries(node.jumpIf)) {
      const path = ['flow', node.index, 'jumpIf', result]
      if (node.filter === END) {
        context.report({ path, at: 'key', message: 'END has no results to jump from' })
        continue
      }
      if (facts !== undefined) checkResult(result, node, facts, path, context)
      if (typeof target === 'string') checkTarget(target, node, nodes, kinds, path, context)
    }
  }
  // A filter that seems unused may be the one a misspelled node means.
  const isSpelled = nodes.every((node) => node.filter === END || kinds.has(node.filter))
  if (isSpelled) warnOfUnused(data['filters'], nodes, context)
}

function nodesOf(flow: unknown): Node[] {
  if (!Array.isArray(flow)) return []
  const nodes: Node[] = []
  for (const [index, node] of flow.entries()) {
    if (!isJsonObject(node) || typeof node['filter'] !== 'string' || node['filter'] === '') continue
    const alias = typeof node['alias'] === 'string' ? node['alias'] : undefined
    const jumpIf = isJsonObject(node['jumpIf']) ? node['jumpIf'] : {}
    nodes.push({ index, name: alias ?? node['filter'], filter: node['filter'], alias, jumpIf })
  }
  return nodes
}

function checkName(
  node: Node,
  nodes: readonly Node[],
  kinds: ReadonlyMap<string, string>,
  context: CheckContext,
): void {
  const { index, filter, alias } = node
  if (filter !== END && !kinds.has(filter)) {
    context.report({
      path: ['flow', index, 'filter'],
      message: `there is no filter "${filter}" in this pipeline`,
      suggestion: nearest(filter, [...kinds.keys(), END]),
    })
  }
  if (alias === undefined) return
  const path = ['flow', index, 'alias']
  if (alias === END)
    context.report({ path, message: 'no node can be called END: it ends the flow' })
  const other = nodes.find((one) => one.name === alias && one.index !== index)
  // Of two equal aliases the second is the wrong one; an alias equal to a filter's name always is.
  if (other === undefined || (other.alias !== undefined && other.index > index)) return
  const field = other.alias === undefined ? 'filter' : 'alias'
  const place = context.placeOf(['flow', other.index, field])
  context.report({ path, message: `"${alias}" is the name of another node already, in ${place}` })
}

function checkResult(
  result: string,
  node: Node,
  facts: FilterKindFacts,
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
  node: Node,
  nodes: readonly Node[],
  kinds: ReadonlyMap<string, string>,
  path: JsonPath,
  context: CheckContext,
): void {
  if (target === END || target === '') return
  const named = nodes.filter((one) => one.name === target)
  const later = named.filter((one) => one.index > node.index)
  if (later.length === 1) return
  if (later.length > 1) {
    const message = `the flow has ${later.length} later nodes called "${target}": give them aliases`
    context.report({ path, message })
    return
  }
  const laterNodes = nodes.filter((one) => one.index > node.index && one.filter !== END)
  const first = named[0]
  if (first !== undefined) {
    const place = context.placeOf(['flow', first.index, 'filter'])
    const where =
      first.index === node.index ? 'is this node' : `stands before this one, in ${place}`
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

function warnOfUnused(filters: readonly unknown[], nodes: readonly Node[], context: CheckContext) {
  const used = new Set(nodes.map((node) => node.filter))
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
