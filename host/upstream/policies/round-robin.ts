import type { BalancePolicyKind } from './policy.ts'

/** Every endpoint in turn. */
export const roundRobin: BalancePolicyKind = {
  policy: 'roundRobin',
  description: 'every endpoint in turn',
  create(endpoints) {
    let turn = 0
    return {
      choose() {
        const endpoint = endpoints[turn]
        turn = turn + 1 >= endpoints.length ? 0 : turn + 1
        return endpoint
      },
    }
  },
}
