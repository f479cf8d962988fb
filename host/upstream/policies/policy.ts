import type { MessageScope } from '../../exchange/exchange.ts'
import type { Endpoint } from '../endpoint.ts'

/** Chooses an endpoint for a request. Made anew when the list of endpoints changes. */
export interface BalancePolicy {
  /** Undefined only when there is no endpoint. */
  choose(scope: MessageScope): Endpoint | undefined
}

/** One way to balance, by the name a configuration gives it. */
export interface BalancePolicyKind {
  readonly policy: string
  readonly description: string
  create(endpoints: readonly Endpoint[]): BalancePolicy
}
