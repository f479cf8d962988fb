import { DEFAULT_NAMESPACE } from '../exchange/exchange.ts'
import type { Filter } from '../filters/filter.ts'

/** One entry of a pipeline's `flow`, as it is written: a filter, or branches that run at the same time. */
export interface FlowNodeSpec {
  readonly filter?: string | undefined
  readonly parallel?: readonly (readonly FlowNodeSpec[])[] | undefined
  readonly alias?: string | undefined
  readonly namespace?: string | undefined
  readonly jumpIf?: Readonly<Record<string, string>> | undefined
}

/** The name that ends a flow, as a node or as a jump's target. */
export const END = 'END'

/** What a node with branches is called when it has no alias. */
export const PARALLEL = 'parallel'

/** The result of a node with branches when one of them did not come to its end. */
export const BRANCH_FAILED = 'branchFailed'

/** One step of a compiled flow. */
export interface FlowNode {
  /** The alias, or the filter's name. */
  readonly label: string
  /** Null for a node END. */
  readonly filter: Filter | null
  /** The namespace the filter works in; null for DEFAULT, which needs no lookup. */
  readonly namespace: string | null
  /** Index to go on with for each result; null when the node has no `jumpIf`. */
  readonly jumps: ReadonlyMap<string, number> | null
}

/** Past the last node: the index that ends a flow. */
export const FLOW_END = Number.MAX_SAFE_INTEGER

/** Makes the filter of a node with branches. */
export type MakeParallel = (label: string, branches: readonly (readonly FlowNode[])[]) => Filter

/**
 * Turns names into indices, so that running a flow looks nothing up but a result. An empty flow is the
 * filters in their order. The spec has been checked: every name is there, every jump leads forward.
 */
export function compileFlow(
  spec: readonly FlowNodeSpec[],
  filters: ReadonlyMap<string, Filter>,
  makeParallel?: MakeParallel,
): readonly FlowNode[] {
  const nodes: readonly FlowNodeSpec[] =
    spec.length > 0 ? spec : [...filters.keys()].map((filter) => ({ filter }))
  return nodes.map((node, index) => ({
    label: nodeName(node),
    filter: filterOf(node, filters, makeParallel),
    namespace: namespaceOf(node),
    jumps: compileJumps(node, nodes, index),
  }))
}

/** What jumps call a node. */
export function nodeName(node: FlowNodeSpec): string {
  return node.alias ?? node.filter ?? PARALLEL
}

function filterOf(
  node: FlowNodeSpec,
  filters: ReadonlyMap<string, Filter>,
  makeParallel: MakeParallel | undefined,
): Filter | null {
  if (node.parallel !== undefined && makeParallel !== undefined) {
    const branches = node.parallel.map((branch) => compileFlow(branch, filters, makeParallel))
    return makeParallel(nodeName(node), branches)
  }
  return node.filter === undefined || node.filter === END
    ? null
    : (filters.get(node.filter) ?? null)
}

function namespaceOf({ namespace }: FlowNodeSpec): string | null {
  return namespace === undefined || namespace === '' || namespace === DEFAULT_NAMESPACE
    ? null
    : namespace
}

function compileJumps(
  node: FlowNodeSpec,
  nodes: readonly FlowNodeSpec[],
  from: number,
): ReadonlyMap<string, number> | null {
  if (node.jumpIf === undefined) return null
  const jumps = new Map<string, number>()
  for (const [result, target] of Object.entries(node.jumpIf)) {
    if (target === END) {
      jumps.set(result, FLOW_END)
      continue
    }
    const index = nodes.findIndex((candidate, at) => at > from && nodeName(candidate) === target)
    jumps.set(result, index < 0 ? FLOW_END : index)
  }
  return jumps.size === 0 ? null : jumps
}
