import { DEFAULT_NAMESPACE } from '../exchange/exchange.ts'
import type { FilterNames, FlowEntry } from './flow-check.ts'
import type { CheckContext } from './object.ts'

/** A namespace beside DEFAULT begins empty: what needs a request there needs one that was built before. */
export function checkNamespaces(
  nodes: readonly FlowEntry[],
  kinds: FilterNames,
  context: CheckContext,
): void {
  checkLevel(nodes, new Set([DEFAULT_NAMESPACE]), kinds, context)
}

/** `built` grows: a jump may pass over what builds, so this finds what can never work only. */
function checkLevel(
  nodes: readonly FlowEntry[],
  built: Set<string>,
  kinds: FilterNames,
  context: CheckContext,
): void {
  for (const node of nodes) {
    if (node.branches !== null) {
      const before = new Set(built)
      for (const branch of node.branches) {
        const own = new Set(before)
        checkLevel(branch, own, kinds, context)
        for (const namespace of own) built.add(namespace)
      }
      continue
    }
    const facts = context.filterKinds.find((one) => one.kind === kinds.get(node.filter))
    if (facts === undefined) continue
    if (facts.requestUse === 'makes') built.add(node.namespace)
    if (facts.requestUse !== undefined || built.has(node.namespace)) continue
    context.report({
      path: [...node.path, 'namespace'],
      message: `nothing before this node makes a request in the namespace ${node.namespace}: put a RequestBuilder there`,
    })
    // Once is enough for each namespace.
    built.add(node.namespace)
  }
}
