import { HashRing } from './hash-ring.ts'
import type { BalancePolicyKind } from './policy.ts'

/**
 * The same endpoint for the same value of the header `headerHashKey`, or for the same client address when
 * no header is named; a change of the endpoints moves only the keys that have to.
 */
export const consistentHash: BalancePolicyKind = {
  policy: 'consistentHash',
  description:
    'the same endpoint for the same value of the header `headerHashKey`, or of the client address; few keys move when endpoints change',
  isKeyed: true,
  create(endpoints, { headerHashKey }) {
    const ring = new HashRing(endpoints)
    if (headerHashKey === '') return { choose: (scope) => ring.find(scope.request.remoteAddress) }
    return { choose: (scope) => ring.find(scope.request.headers.get(headerHashKey) ?? '') }
  },
}
