import type { Filter } from '../filters/filter.ts'

/** One entry of a pipeline's `flow`, as it is written. */
export interface FlowNodeSpec {
  readonly filter: string
  readonly alias?: string | undefined
  readonly namespace?: string | undefined
  readonly jumpIf?: Readonly<Record<string, string>> | undefined
}

/** The name that ends a flow, as a node or as a jump's target. */
export const END = 'END'

/** One step of a compiled flow. */
export interface FlowNode {
  /** The alias, or the filter's name. */
  readonly label: string
  /** Null for a node END. */
  readonly filter: Filter | null
  /** Index to go on with for each result; null when the node has no `jumpIf`. */
  readonly jumps: ReadonlyMap<string, number> | null
}

/** Past the last node: the index that ends a flow. */
export const FLOW_END = Number.MAX_SAFE_INTEGER

/**
 * Turns names into indices, so that running a flow looks nothing up but a result. An empty flow is the
 * filters in their order. The spec has been checked: every name is there, every jump leads forward.
 */
export function compileFlow(
  spec: readonly FlowNodeSpec[],
  filters: ReadonlyMap<string, Filter>,
): readonly FlowNode[] {
  const nodes: readonly FlowNodeSpec[] =
    spec.length > 0 ? spec : [...filters.keys()].map((filter) => ({ filter }))
  return nodes.map((node, index) => ({
    label: node.alias ?? node.filter,
    filter: node.filter === END ? null : (filters.get(node.filter) ?? null),
    jumps: compileJumps(node, nodes, index),
  }))
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
    const index = nodes.findIndex(
      (candidate, at) => at > from && (candidate.alias ?? candidate.filter) === target,
    )
    jumps.set(result, index < 0 ? FLOW_END : index)
  }
  return jumps.size === 0 ? null : jumps
}
