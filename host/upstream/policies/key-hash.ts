import type { MessageScope } from '../../exchange/exchange.ts'
import { fnv32 } from '../hash.ts'
import type { BalancePolicyKind } from './policy.ts'

/** The part of a request that decides. `name` is that of the header the configuration names. */
type KeyOf = (scope: MessageScope, name: string) => string

/** The same endpoint for the same client address; what a client claims in a header does not count. */
export const ipHash: BalancePolicyKind = byKey(
  'ipHash',
  'the same endpoint for the same client address',
  (scope) => scope.request.remoteAddress,
)

/** The same endpoint for the same value of a header; absent counts as empty. */
export const headerHash: BalancePolicyKind = byKey(
  'headerHash',
  'the same endpoint for the same value of the header `headerHashKey`',
  (scope, name) => scope.request.headers.get(name) ?? '',
)

/** The same endpoint for the same Cookie header, all cookies taken together. */
export const cookieHash: BalancePolicyKind = byKey(
  'cookieHash',
  'the same endpoint for the same Cookie header',
  (scope) => scope.request.headers.get('cookie') ?? '',
)

/**
 * The hash of a key modulo the number of endpoints, as in Easegress: when an endpoint comes or goes nearly
 * all keys move. `consistentHash` moves only those that have to.
 */
function byKey(policy: string, description: string, keyOf: KeyOf): BalancePolicyKind {
  return {
    policy,
    description,
    isKeyed: true,
    create(endpoints, { headerHashKey }) {
      return {
        choose: (scope) => endpoints[fnv32(keyOf(scope, headerHashKey)) % endpoints.length],
      }
    },
  }
}
