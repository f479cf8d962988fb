import type { Endpoint } from '../endpoint.ts'
import type { BalancePolicyKind } from './policy.ts'
import { anyOf } from './random.ts'

/**
 * Of two endpoints taken at random, the one with fewer requests under way for its weight. Two choices keep
 * the longest queue nearly as short as looking at all of them would, and no endpoint draws every request of
 * a moment because it happens to be empty (M. Mitzenmacher, The Power of Two Choices, 2001).
 */
export const leastRequest: BalancePolicyKind = {
  policy: 'leastRequest',
  description: 'of two endpoints taken at random the less busy one',
  countsActive: true,
  create(all, { random }) {
    const weighty = all.filter((endpoint) => endpoint.weight > 0)
    const endpoints = weighty.length === 0 ? all : weighty
    return {
      choose() {
        const first = anyOf(endpoints, random)
        if (first === undefined || endpoints.length === 1) return first
        // The second is never the first: the place of the last stands in for it.
        const at = Math.floor(random() * (endpoints.length - 1))
        const candidate = endpoints[at] as Endpoint
        const second =
          candidate === first ? (endpoints[endpoints.length - 1] as Endpoint) : candidate
        return load(second) < load(first) ? second : first
      },
    }
  },
}

/** The request that is about to come counts: of two idle endpoints the heavier one is the less busy. */
function load(endpoint: Endpoint): number {
  return (endpoint.state.active + 1) / Math.max(endpoint.weight, 1)
}
