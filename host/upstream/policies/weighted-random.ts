import type { BalancePolicyKind } from './policy.ts'
import { anyOf } from './random.ts'

/**
 * Any endpoint, each as likely as its weight says; one of weight 0 gets nothing. When no endpoint has a
 * weight above 0, all are equal.
 */
export const weightedRandom: BalancePolicyKind = {
  policy: 'weightedRandom',
  description: 'any endpoint, as often as its weight says',
  create(endpoints, { random }) {
    const sums: number[] = []
    let total = 0
    for (const { weight } of endpoints) {
      total += weight
      sums.push(total)
    }
    if (total === 0) return { choose: () => anyOf(endpoints, random) }
    return {
      choose() {
        const mark = random() * total
        let at = 0
        while ((sums[at] as number) <= mark) at += 1
        return endpoints[at]
      },
    }
  },
}
