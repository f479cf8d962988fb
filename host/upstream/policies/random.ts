import type { Endpoint } from '../endpoint.ts'
import type { BalancePolicyKind } from './policy.ts'

/** Any endpoint, each as likely as the others. */
export const random: BalancePolicyKind = {
  policy: 'random',
  description: 'any endpoint',
  create(endpoints, { random: next }) {
    return { choose: () => anyOf(endpoints, next) }
  },
}

/** Undefined for an empty list. */
export function anyOf(endpoints: readonly Endpoint[], next: () => number): Endpoint | undefined {
  return endpoints[Math.floor(next() * endpoints.length)]
}
