import { END } from '../traffic/flow.ts'
import type { FlowEntry } from './flow-check.ts'
import type { CheckContext } from './object.ts'

/** Branches run at the same time: no two of them work on the same request and response. */
export function checkBranches(nodes: readonly FlowEntry[], context: CheckContext): void {
  for (const { branches } of nodes) {
    if (branches === null) continue
    const owners = new Map<string, number>()
    for (const [index, branch] of branches.entries()) {
      for (const node of branch) {
        if (node.filter === END && node.branches === null) continue
        const owner = owners.get(node.namespace)
        if (owner === undefined) owners.set(node.namespace, index)
        else if (owner !== index) {
          context.report({
            path: [...node.path, 'namespace'],
            message: `the namespace ${node.namespace} is used by another branch already: give each branch its own`,
          })
        }
      }
    }
  }
}
